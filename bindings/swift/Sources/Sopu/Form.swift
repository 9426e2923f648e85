import Foundation

#if canImport(Combine)
    import Combine
#endif

/// A document open for reading and writing: change `value`, then `save()`.
///
/// A save writes the differences to what the form last read or saved, nothing else, so a form that stayed open for
/// an hour does not undo a colleague. What others wrote meanwhile shows after `refresh()`, or by itself with
/// `keepFresh()`.
///
/// It lives on the main actor, as what shows it does; in SwiftUI it is an `ObservableObject`.
@MainActor
public final class Form<C: Content> {
    /// Which document.
    public let id: String
    /// The space it lives in.
    public let space: String
    /// What the person sees and changes.
    public var value: C { willSet { willChange() } }
    /// What the next save builds on. Follows this form's own saves and reads.
    public private(set) var version: String
    /// Fields waiting for a person's choice.
    public private(set) var conflicts: [Conflict] { willSet { willChange() } }
    /// Where each status stands.
    public private(set) var status: [StatusMark]
    /// Items removed, which can be brought back by putting them in again.
    public private(set) var removed: [Removed]
    /// Log keys that two devices wrote with different values.
    public private(set) var logClashes: [Clash]
    /// Fields holding something this version does not understand; they are kept.
    public private(set) var unknown: [String]

    let device: Device
    /// As last read or saved.
    private var known: C
    /// Rises when what others wrote comes into what is shown.
    private var arrivals = 0
    private let turn = Turn()

    init(_ device: Device, _ document: Document) throws {
        guard document.kind == C.kind else {
            let (inner, doc) = (device.inner, document.id)
            device.local.start { try? inner.formClosed(doc: doc) }
            throw SopuError.BadValue(path: "kind", code: "other_kind")
        }
        self.device = device
        id = document.id
        space = document.space
        value = try C(json: document.value)
        known = value
        version = document.version
        conflicts = document.conflicts
        status = document.status
        removed = document.removed
        logClashes = document.logClashes
        unknown = document.unknown
    }

    deinit {
        let (inner, id) = (device.inner, id)
        device.local.start { try? inner.formClosed(doc: id) }
    }

    /// Whether there is something to save.
    public var isEdited: Bool { value != known }

    /// Saves the differences; durable when it returns. Shows what the save was merged to, if it was, and the conflicts
    /// and marks as they are then; what the person typed while it ran stays and goes with the next save.
    ///
    /// - Returns: the parts the merge rules did not let it write, and whether anything differed.
    @discardableResult
    public func save() async throws -> Saved {
        try await turn.take { [self] in try await write() }
    }

    /// Reads the document as it stands now; unsaved edits of `value` are forgotten, but for what the person types
    /// while it runs.
    public func refresh() async throws {
        let (shown, begun) = (value, version)
        try await turn.take { [self] in
            // A save it waited for may have put others' work into the value; that is no edit.
            let nothingSince = value == shown || version == begun
            try await reread(editsSince: nothingSince ? shown : known)
        }
    }

    /// Shows what others write, and what a sync brings, whenever nothing is unsaved here. Ends when the task is
    /// cancelled or the device closed; in SwiftUI: `.task { try? await form.keepFresh() }`.
    /// - Throws: what reading throws: `SopuError.Erased` or `RightEnded`, say: tell the person and leave the page.
    public func keepFresh() async throws {
        var last: Document?
        for await _ in device.changes() {
            do {
                try await turn.take { [self] in
                    guard !isEdited else { return }
                    let id = id
                    let document = try await device.here { try $0.read(doc: id) }
                    // Other documents change too: what shows this one has nothing to do then.
                    if document != last || document.version != version {
                        last = document
                        try show(document, editsSince: known)
                    }
                }
            } catch SopuError.Closed {
                return
            }
        }
    }

    /// Settles a conflict in favour of one of its values, and shows the outcome. Edits made before are saved
    /// first.
    public func choose(_ candidate: Candidate, at path: String) async throws {
        try await settle { inner, id, version in
            try inner.choose(doc: id, version: version, path: path, change: candidate.change)
        }
    }

    /// Takes a status back to this code in a new round, and shows the outcome. Edits made before are saved first.
    public func reopen(_ path: String, to code: String) async throws {
        try await settle { inner, id, version in
            try inner.reopen(doc: id, version: version, path: path, code: code)
        }
    }

    /// What is wrong with the document, as saved, on its way to a status (`"locked"`, `"published"` …) or while
    /// writing (`"save"`).
    public func problems(towards: String) async throws -> [Problem] {
        let id = id
        return try await device.here { try $0.problems(doc: id, towards: towards) }
    }

    /// Does something to the document as it was saved, then shows it anew. What the person types meanwhile stays
    /// and goes with the next save.
    ///
    /// - Parameter asShown: throw `SopuError.ReadAgain`, with nothing done, if others' work has come into the form
    ///   since this was called.
    func settle(
        asShown: Bool = false,
        _ work: @escaping @Sendable (SopuDevice, String, String) throws -> Saved
    ) async throws {
        let shown = arrivals
        try await turn.take { [self] in
            let check = { [self] in if asShown && arrivals != shown { throw SopuError.ReadAgain } }
            try check()
            if isEdited { try await write() }
            try check()
            let (id, version) = (id, version)
            _ = try await device.here { try work($0, id, version) }
            try await reread(editsSince: known)
        }
    }

    /// Saves all there is, then does something with the document.
    func saved<T: Sendable>(
        then work: @escaping @Sendable (SopuDevice, String) throws -> T
    ) async throws -> T {
        try await turn.take { [self] in
            // Again for what was typed while it ran.
            while isEdited { try await write() }
            let id = id
            return try await device.here { try work($0, id) }
        }
    }

    @discardableResult
    private func write() async throws -> Saved {
        let sent = value
        let (id, version, json) = (id, version, try sent.json())
        let (saved, document) = try await device.here {
            let saved = try $0.save(doc: id, version: version, value: json)
            // What is saved is saved, whether or not it can be read: whoever reads next hears why not.
            return (saved, try? $0.read(doc: id))
        }
        self.version = saved.version
        known = sent
        if let merged = saved.merged { try show(C(json: merged), editsSince: sent) }
        // What others wrote meanwhile shows after a refresh, the marks of it too.
        if let document, document.version == saved.version { mark(document) }
        return saved
    }

    /// - Parameter editsSince: what the value is compared with: the differences are the person's and stay.
    private func reread(editsSince before: C) async throws {
        let id = id
        try show(await device.here { try $0.read(doc: id) }, editsSince: before)
    }

    private func show(_ document: Document, editsSince before: C) throws {
        try show(C(json: document.value), editsSince: before)
        version = document.version
        mark(document)
    }

    /// Shows what the document has beside its content.
    private func mark(_ document: Document) {
        conflicts = document.conflicts
        status = document.status
        removed = document.removed
        logClashes = document.logClashes
        unknown = document.unknown
    }

    private func show(_ fresh: C, editsSince before: C) throws {
        let carried =
            value == before ? fresh : try Edits.made(to: before, giving: value, carriedTo: fresh)
        if fresh != known { arrivals += 1 }
        known = fresh
        value = carried
    }

    private func willChange() {
        #if canImport(Combine)
            objectWillChange.send()
        #endif
    }
}

#if canImport(Combine)
    extension Form: ObservableObject {}
#endif

extension Form where C == VisitNote {
    /// Moves the note from the wrong client, as ``Device/moveNote(_:to:subject:)`` does. Edits made before are saved
    /// first, so that they move along.
    /// - Returns: the id of the new note.
    public func move(to space: String, subject: String? = nil) async throws -> String {
        try await saved { inner, id in
            try inner.moveNote(doc: id, space: space, subject: subject)
        }
    }
}

extension Form where C == Contract {
    /// Locks the contract as shown, ready to be signed. Edits made before are saved first.
    /// - Throws: `SopuError.Mend` with the problems that stand in the way; `SopuError.ReadAgain`, with nothing
    ///   locked, if a colleague's work came into the form meanwhile: nobody has seen it yet.
    public func lock() async throws {
        try await settle(asShown: true) { inner, id, version in
            try inner.lockContract(doc: id, version: version)
        }
    }

    /// Signs the locked contract with this device's key.
    public func sign(_ statement: Statement) async throws {
        try await settle { inner, id, _ in
            try inner.signContract(doc: id, statement: statement)
        }
    }

    /// How far the signing is.
    public func signingState() async throws -> SigningState {
        let id = id
        return try await device.here { try $0.signingState(doc: id) }
    }

    /// What was signed by all, as sealed; `nil` before that.
    public func signedContent() async throws -> Contract? {
        let id = id
        let json = try await device.here { try $0.signedContent(doc: id) }
        return try json.map { try Contract(json: $0) }
    }
}
