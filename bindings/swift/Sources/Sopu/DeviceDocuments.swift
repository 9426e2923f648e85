import Foundation

extension Device {
    /// Makes a document and opens it.
    /// - Parameters:
    ///   - space: the space it is to be in, for good.
    ///   - value: what it holds at first.
    ///   - doc: an id from `newId()` that the app keeps, for one that may do this again, after its process was ended
    ///     say: a document that is there already under it is opened as it is.
    /// - Throws: `SopuError.BadValue` of `doc` when the id is another document's.
    @MainActor
    public func create<C: Content>(in space: String, _ value: C, doc: String? = nil) async throws -> Form<C> {
        let json = try value.json()
        // As one: a retry after a failure in between would make a second document.
        let document = try await here { inner in
            try Self.opened(inner, inner.create(space: space, kind: C.kind, value: json, doc: doc).id)
        }
        return try Form(self, document)
    }

    /// Opens a document for reading and writing.
    /// - Throws: `SopuError.BadValue` when it is of another kind.
    @MainActor
    public func open<C: Content>(_ doc: String, as kind: C.Type) async throws -> Form<C> {
        let document = try await here { try Self.opened($0, doc) }
        return try Form(self, document)
    }

    private static func opened(_ inner: SopuDevice, _ doc: String) throws -> Document {
        try inner.formOpened(doc: doc)
        do {
            return try inner.read(doc: doc)
        } catch {
            try? inner.formClosed(doc: doc)
            throw error
        }
    }

    /// Moves a visit note from the wrong client into this space and to this farm or client, if it is known, and
    /// marks the old one for the office to take out. Gives the id of the new one; again gives the same.
    public func moveNote(_ doc: String, to space: String, subject: String? = nil) async throws -> String {
        try await here { try $0.moveNote(doc: doc, space: space, subject: subject) }
    }

    /// One page of a list.
    public func list(_ query: Query = Query()) async throws -> Page {
        try await here { try $0.list(query: query) }
    }

    /// Documents that have every one of these words, last changed first. å, ä and ö are letters of their own.
    public func search(_ text: String, offset: UInt32 = 0, limit: UInt32 = 50) async throws -> Page {
        try await here { try $0.search(text: text, offset: offset, limit: limit) }
    }

    /// What happened to a document, newest first.
    public func timeline(of doc: String, offset: UInt32 = 0, limit: UInt32 = 50) async throws
        -> [TimelineStep]
    {
        try await here { try $0.timeline(doc: doc, offset: offset, limit: limit) }
    }

    /// What a person should look at in a space, from what is on this device.
    public func findings(in space: String) async throws -> [Finding] {
        try await here { try $0.findings(space: space) }
    }

    /// How far one's own work in a document has come: here, server, record, seen.
    public func status(of doc: String) async throws -> WorkProgress {
        try await here { try $0.status(doc: doc) }
    }

    /// How far one's own work in all documents has come.
    public func backlog() async throws -> WorkProgress {
        try await here { try $0.backlog() }
    }

    /// Own work that is not in the record yet, with the reasons for what is held or was refused.
    public func pending() async throws -> [Pending] {
        try await here { try $0.pending() }
    }

    /// Edits that could neither be sent nor made again, oldest first: show them to the person, who may copy
    /// from them.
    public func drafts() async throws -> [Draft] {
        try await here { try $0.drafts() }
    }

    /// The person is done with a draft.
    public func discardDraft(_ number: Int64) async throws {
        try await here { try $0.discardDraft(number: number) }
    }

    /// The document as an Automerge file with its whole history, which other programs open.
    public func export(_ doc: String) async throws -> Data {
        try await here { try $0.export(doc: doc) }
    }

    /// What a file made by `export` holds, here or anywhere; `C(json:)` of the kind reads its `value`. Nothing of it
    /// gets into the store.
    /// - Throws: `SopuError.BadValue` of `file` for one that is damaged, or no document of Sopu's.
    public func readExport(_ file: Data) async throws -> Exported {
        try await here { try $0.readExport(file: file) }
    }
}
