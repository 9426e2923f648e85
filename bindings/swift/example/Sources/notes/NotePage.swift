import Sopu

/// One open note. What others write comes in by itself while nothing is unsaved; what could not be saved stays, to be
/// mended or taken back.
@MainActor
final class NotePage {
    private let form: Form<VisitNote>
    private let words: Words
    private let say: (String) -> Void
    private let following: Task<Void, Never>

    init(_ form: Form<VisitNote>, _ words: Words, say: @escaping (String) -> Void) {
        self.form = form
        self.words = words
        self.say = say
        following = Task {
            do {
                try await form.keepFresh()
            } catch {
                say(words.advice(error))
            }
        }
    }

    deinit {
        following.cancel()
    }

    func show() {
        say(form.value.summary)
        if !form.value.handover.isEmpty { say(form.value.handover) }
        if let outcome = form.value.outcome { say(words.outcome(outcome)) }
        if let km = form.value.km { say("\(km) km") }
        if form.isEdited { say(words.notSaved) }
        for conflict in form.conflicts { show(conflict) }
    }

    private func show(_ conflict: Conflict) {
        say(words.conflict(conflict.path))
        for (number, candidate) in conflict.values.enumerated() {
            say("  \(number + 1). \(candidate.value) (\(candidate.provenance.memberName ?? ""))")
        }
    }

    /// Changes the note and saves it. If that fails, the form goes on holding what was typed.
    func write(_ edit: (inout VisitNote) -> Void) async throws {
        edit(&form.value)
        try await save()
    }

    private func save() async throws {
        do {
            let saved = try await form.save()
            for part in saved.ignored { say(words.ignored(part.path)) }
            say(saved.changed ? words.saved : words.unchanged)
        } catch {
            say(words.notSaved)
            throw error
        }
    }

    /// Takes back what is not saved.
    func undo() async throws {
        try await form.refresh()
        show()
    }

    func choose(_ number: String) async throws {
        guard let conflict = form.conflicts.first else { return say(words.noConflict) }
        guard let index = Int(number), conflict.values.indices.contains(index - 1) else { return show(conflict) }
        try await form.choose(conflict.values[index - 1], at: conflict.path)
        say(words.saved)
    }

    /// Saves what is not saved yet; if that fails the note stays open.
    func close() async throws {
        if form.isEdited { try await save() }
        following.cancel()
    }
}
