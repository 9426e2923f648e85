import Foundation
import Sopu

/// The day's visit notes at a terminal: one command a line.
@MainActor
final class Notes {
    private let device: Device
    private let words: Words
    private let say: (String) -> Void
    private var rows: [Row] = []
    private var page: NotePage?
    private var listing: Task<Void, Never>?
    private var syncing: Task<Void, Never>?
    /// The relay ordered it: there is nothing here any more.
    private(set) var isWiped = false

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
            case "day": day(rest)
            case "find": follow(Query(kind: .visitNote, text: rest))
            case "new": try await new(rest)
            case "open": try await open(rest)
            case "text": try await onPage { try await $0.write { $0.summary = rest } }
            case "handover": try await onPage { try await $0.write { $0.handover = rest } }
            case "outcome": try await onPage { try await $0.write { $0.outcome = rest } }
            case "km": try await onPage { try await $0.write { $0.km = rest.replacingOccurrences(of: ",", with: ".") } }
            case "undo": try await onPage { try await $0.undo() }
            case "show": try await onPage { $0.show() }
            case "choose": try await onPage { try await $0.choose(rest) }
            case "close": try await closePage()
            case "pending": try await pending()
            case "sync": try await sync()
            case "online": online()
            case "offline": syncing?.cancel()
            default: say(words.unknown)
            }
        } catch {
            say(words.advice(error))
        }
    }

    /// What the person typed is saved, and nothing goes on.
    func leave() async {
        do {
            try await closePage()
        } catch {
            say(words.advice(error))
        }
        listing?.cancel()
        syncing?.cancel()
        await listing?.value
        await syncing?.value
    }

    // Who this is.

    private func enrol(_ rest: String) async throws {
        let parts = rest.split(separator: " ", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return say(words.help) }
        let invitation = try readInvitation(text: parts[0])
        let me = try await device.enrol(relay: invitation.relay, code: invitation.code, name: parts[1])
        say(words.enrolled(me.memberName))
        try await sync()
    }

    // Lists.

    private func day(_ date: String) {
        let day = date.isEmpty ? Self.today() : date
        follow(Query(kind: .visitNote, fromDate: day, toDate: day, sort: .date, ascending: true))
    }

    /// Shows the list, and again whenever it has changed, until another one is asked for.
    private func follow(_ query: Query) {
        listing?.cancel()
        listing = Task {
            do {
                for try await page in device.live(query) { show(page.rows) }
            } catch {
                say(words.advice(error))
            }
        }
    }

    private func show(_ rows: [Row]) {
        self.rows = rows
        if rows.isEmpty { say(words.nothing) }
        for (number, row) in rows.enumerated() {
            let mark = row.conflicts > 0 ? " !" : ""
            say("\(number + 1). \(row.title) [\(words.stage(row.progress))]\(mark)")
        }
    }

    /// Work that has not come into the record, and what stands in its way.
    private func pending() async throws {
        let pending = try await device.pending()
        if pending.isEmpty { say(words.allInRecord) }
        for work in pending {
            let reasons = work.reasons.isEmpty ? "" : ": " + work.reasons.joined(separator: ", ")
            say("\(work.title ?? words.untitled) [\(words.place(work.place))\(reasons)]")
        }
        for draft in try await device.drafts() {
            // Neither in the record nor to be made again: the person may copy from it.
            let note = draft.kind == .visitNote ? try VisitNote(json: draft.value).summary : words.untitled
            say(words.draft(note, draft.reason))
        }
    }

    // Notes.

    private func new(_ text: String) async throws {
        _ = try await device.identity()
        try await closePage()
        // Readers only read, and what is written into a space one is leaving may come too late.
        guard let space = try await device.spaces().first(where: { $0.role != "reader" && !$0.leaving }) else {
            return say(words.noSpace)
        }
        var note = VisitNote()
        note.summary = text
        page = NotePage(try await device.create(in: space.id, note), words, say: say)
        say("\(words.saved) (\(space.name))")
    }

    private func open(_ number: String) async throws {
        guard let index = Int(number), rows.indices.contains(index - 1) else { return say(words.unknown) }
        let doc = rows[index - 1].id
        try await closePage()
        let page = NotePage(try await device.open(doc, as: VisitNote.self), words, say: say)
        self.page = page
        page.show()
    }

    private func onPage(_ work: (NotePage) async throws -> Void) async throws {
        guard let page else { return say(words.openFirst) }
        try await work(page)
    }

    private func closePage() async throws {
        try await page?.close()
        page = nil
    }

    // The relay.

    private func sync() async throws {
        let report = try await device.sync()
        if report.wiped { return wiped() }
        say("\(words.synced) [\(words.stage(try await device.backlog()))]")
    }

    /// Keeps in sync until `offline`, as an app does while it is in the foreground.
    private func online() {
        syncing?.cancel()
        syncing = Task {
            let states = Task {
                for await state in device.syncStates {
                    if let said = words.state(state) { say(said) }
                }
            }
            defer { states.cancel() }
            do {
                try await device.keepInSync()
                wiped()
            } catch is CancellationError {
                say(words.offline)
            } catch {
                // Only a person can do something about it.
                say(words.advice(error))
            }
        }
    }

    private func wiped() {
        isWiped = true
        page = nil
        say(words.wiped)
    }

    /// As documents have it: the day in Finland.
    private static func today() -> String {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(identifier: "Europe/Helsinki")
        format.dateFormat = "yyyy-MM-dd"
        return format.string(from: Date())
    }
}
