import Foundation
import Sopu

/// The day's visit notes at a terminal: one command a line.
@MainActor
final class Notes {
    private let device: Device
    private let words: Words
    private let say: (String) -> Void
    private var rows: [Row] = []
    private var form: Form<VisitNote>?

    init(_ device: Device, _ words: Words, say: @escaping (String) -> Void) {
        self.device = device
        self.words = words
        self.say = say
    }

    /// Does what the line says; an error is told, and the next line goes on.
    func run(_ line: String) async {
        let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
        let (command, rest) = (parts.first ?? "", parts.count > 1 ? parts[1] : "")
        do {
            switch command {
            case "": break
            case "help": say(words.help)
            case "enrol": try await enrol(rest)
            case "day": try await day(rest)
            case "new": try await new(rest)
            case "open": try await open(rest)
            case "text": try await write { $0.summary = rest }
            case "handover": try await write { $0.handover = rest }
            case "outcome": try await write { $0.outcome = rest }
            case "choose": try await choose(rest)
            case "find": show(try await device.search(rest).rows)
            case "sync": try await sync()
            default: say(words.unknown)
            }
        } catch {
            say(words.advice(error))
        }
    }

    private func enrol(_ rest: String) async throws {
        let parts = rest.split(separator: " ", maxSplits: 2).map(String.init)
        guard parts.count == 3 else { return say(words.help) }
        let me = try await device.enrol(relay: parts[0], code: parts[1], name: parts[2])
        say(words.enrolled(me.memberName))
        try await sync()
    }

    private func day(_ date: String) async throws {
        let only = date.isEmpty ? nil : date
        let query = Query(kind: .visitNote, fromDate: only, toDate: only, sort: .date)
        show(try await device.list(query).rows)
    }

    private func show(_ rows: [Row]) {
        self.rows = rows
        if rows.isEmpty { say(words.nothing) }
        for (number, row) in rows.enumerated() {
            let mark = row.conflicts > 0 ? " !" : ""
            say("\(number + 1). \(row.title) [\(words.stage(row.progress))]\(mark)")
        }
    }

    private func new(_ text: String) async throws {
        guard let space = try await device.spaces().first else { throw SopuError.Enrol }
        var note = VisitNote()
        note.summary = text
        form = try await device.create(in: space.id, note)
        say(words.saved)
    }

    private func open(_ number: String) async throws {
        guard let index = Int(number), rows.indices.contains(index - 1) else { return say(words.unknown) }
        let form = try await device.open(rows[index - 1].id, as: VisitNote.self)
        self.form = form
        say(form.value.summary)
        if !form.value.handover.isEmpty { say(form.value.handover) }
        for conflict in form.conflicts { show(conflict) }
    }

    private func show(_ conflict: Conflict) {
        say(words.conflict(conflict.path))
        for (number, candidate) in conflict.values.enumerated() {
            say("  \(number + 1). \(candidate.value) (\(candidate.provenance.memberName ?? ""))")
        }
    }

    private func write(_ edit: (inout VisitNote) -> Void) async throws {
        guard let form else { return say(words.openFirst) }
        edit(&form.value)
        do {
            let saved = try await form.save()
            for part in saved.ignored { say(words.ignored(part.path)) }
            say(saved.changed ? words.saved : words.unchanged)
        } catch let error as SopuError {
            // Here the line is typed anew; a form on a screen would keep it and show what is wrong.
            try await form.refresh()
            throw error
        }
    }

    private func choose(_ number: String) async throws {
        guard let form else { return say(words.openFirst) }
        guard let conflict = form.conflicts.first else { return say(words.noConflict) }
        guard let index = Int(number), conflict.values.indices.contains(index - 1) else { return show(conflict) }
        try await form.choose(conflict.values[index - 1], at: conflict.path)
        say(words.saved)
    }

    private func sync() async throws {
        let report = try await device.sync()
        if report.wiped { return say(words.wiped) }
        try await form?.refresh()
        say("\(words.synced) [\(words.stage(try await device.backlog()))]")
    }
}
