import Foundation
import Sopu
import Testing

/// The files every language must open (`bindings/golden`), and a full document of each kind.
@MainActor
@Suite
struct GoldenTests {
    let golden: URL
    let expected: Json
    let home: URL

    init() throws {
        let root = (0..<4).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
        golden = root.appendingPathComponent("golden")
        expected = try Json(Data(contentsOf: golden.appendingPathComponent("expected.json")))
        home = FileManager.default.temporaryDirectory.appendingPathComponent("sopu-swift-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
    }

    /// A copy of a golden store, for opening writes. What is done to its file is done before it is opened.
    private func store(
        _ name: String = "store", of said: Json? = nil, _ damage: (inout Data) -> Void = { _ in }
    ) async throws -> Device {
        let copy = home.appendingPathComponent(name)
        try FileManager.default.copyItem(at: golden.appendingPathComponent(name), to: copy)
        let file = copy.appendingPathComponent("sopu.db")
        var content = try Data(contentsOf: file)
        damage(&content)
        try content.write(to: file)
        return try await Device.open(
            store: file.path, instanceDir: copy.path + "/instance",
            keys: Keys(device: bytes((said ?? expected)["key"].text)))
    }

    private func full(_ kind: String) -> Json {
        expected["store"]["documents"][expected["names"]["full_\(kind)"].text]["value"]
    }

    @Test("A store of an earlier version says through the types what it said")
    func documents() async throws {
        try await same(try await store(), expected["store"])
    }

    @Test("A contract signed with an earlier version is still signed")
    func signing() async throws {
        let wanted = expected["signing"]
        let form = try await store().open(wanted["doc"].text, as: Contract.self)
        let state = try await form.signingState()
        #expect(state.hash == wanted["hash"].text)
        #expect(state.locked && !state.complete && state.content == .same)
        #expect(state.signatories.map { "\($0.standing)" } == wanted["signatories"].list.map { $0["standing"].text })
    }

    @Test("A store of an earlier version is written on")
    func written() async throws {
        let device = try await store()
        for name in ["note", "conflict", "full_visit_note"] {
            let form = try await device.open(expected["names"][name].text, as: VisitNote.self)
            form.value.summary = "Uusi"
            #expect(try await form.save().changed)
            #expect(try await device.open(form.id, as: VisitNote.self).value.summary == "Uusi")
        }
    }

    @Test("An export says what the store says, now as then")
    func exports() async throws {
        let device = try await store()
        for (name, doc) in expected["exports"].fields {
            let wanted = GoldenReading.inAFile(expected["store"]["documents"][doc.text])
            let then = try Data(contentsOf: golden.appendingPathComponent(name))
            let now = try await device.export(doc.text)
            #expect(try await GoldenReading.exported(device, then) == wanted, "\(name)")
            #expect(try await GoldenReading.exported(device, now) == wanted, "\(name)")
            for at in stride(from: 0, to: then.count, by: 17) {
                var flipped = then
                flipped[at] ^= 1
                await #expect(throws: SopuError.self) { try await device.readExport(flipped) }
            }
        }
        #expect(expected["exports"].fields.count == 7)
    }

    @Test("An exported note is read through its type")
    func exported() async throws {
        let file = try Data(contentsOf: golden.appendingPathComponent("export/full_visit_note.automerge"))
        let device = try await store()
        let read = try await device.readExport(file)
        #expect(read.kind == .visitNote)
        let note = try VisitNote(json: read.value)
        #expect(try Json(Data(note.json().utf8)) == full("visit_note"))
        let other = SopuError.BadValue(path: "file", code: "chunk_magic")
        await #expect(throws: other) { try await device.readExport(Data("%PDF-1.7".utf8)) }
    }

    @Test("A flipped bit in a store of an earlier version is told of its document")
    func damaged() async throws {
        let doc = expected["names"]["full_visit_note"].text
        let documents = expected["store"]["documents"]
        let mark = Data(documents[doc]["value"]["profile"].text.utf8)
        let device = try await store { content in
            while let found = content.range(of: mark) { content[found.lowerBound] ^= 1 }
        }
        await #expect(throws: SopuError.Damaged(doc: doc)) { try await device.open(doc, as: VisitNote.self) }
        for (other, document) in documents.fields where other != doc {
            let read = try await GoldenReading.document(device, other)
            #expect(read["value"] == document["value"])
        }
    }

    @Test("A store with refused work says what became of it")
    func refused() async throws {
        let said = try Json(Data(contentsOf: golden.appendingPathComponent("refused.json")))
        let device = try await store("refused", of: said)
        let read = try await GoldenReading.refused(device)
        #expect(read == said["store"])
        for draft in try await device.drafts() { try await device.discardDraft(draft.number) }
        #expect(try await device.drafts().isEmpty)
    }

    @Test("A recorded exchange brings a fresh device what it brought")
    func exchange() async throws {
        let exchange = expected["exchange"]
        let replies = try exchange["steps"].list.map { step in
            let reply = step["reply"]
            return (
                step["path"].text,
                HttpReply(
                    status: UInt16(reply["status"].number), encoding: reply["encoding"].text,
                    body: try Data(contentsOf: golden.appendingPathComponent(reply["file"].text)))
            )
        }
        let player = Player(replies)
        let device = try await Device.open(
            store: home.path + "/new.db", instanceDir: home.path + "/instance",
            keys: Keys(device: bytes(exchange["key"].text)), transport: player)
        try await device.enrol(
            relay: exchange["relay"].text, code: exchange["code"].text, name: exchange["name"].text)
        while player.left > 0 { try await device.sync() }
        try await same(device, exchange["store"])
        await #expect(throws: SopuError.Offline) { try await device.sync() }
    }

    @Test("A full document of each kind is written by the types and comes back equal on another device")
    func full() async throws {
        let both = try await TwoDevices()
        let (aino, eero, space) = (both.aino, both.eero, both.space)
        // What a device itself writes into what it makes.
        let header: Set = ["schema_version", "created_at", "created_by", "created_on"]
        func comesBack<C: Content>(_ kind: C.Type, _ name: String) async throws {
            let wanted = full(name)
            let form = try await aino.create(in: space, try C(json: wanted.string()))
            try await syncAll(aino, eero)
            let theirs = try await eero.open(form.id, as: kind)
            #expect(theirs.value == form.value)
            #expect(theirs.unknown.isEmpty)
            let came = try Json(Data(theirs.value.json().utf8))
            #expect(came.without(header) == wanted.without(header))
        }
        try await comesBack(Contract.self, "contract")
        try await comesBack(VisitNote.self, "visit_note")
        try await comesBack(ServiceListing.self, "service_listing")
    }

    @Test("The full documents leave no field of the types out, and nothing absent is written")
    func filled() throws {
        func check<C: Content>(_ kind: C.Type, _ name: String, empty: C) throws {
            let value = try C(json: full(name).string())
            #expect(Json.gaps(in: value, "").isEmpty)
            #expect(Json.gaps(in: empty, "").count > 20)
            #expect(try Json(Data(value.json().utf8)) == full(name))
            #expect(try empty.json() == "{}")
        }
        try check(Contract.self, "contract", empty: Contract())
        try check(VisitNote.self, "visit_note", empty: VisitNote())
        try check(ServiceListing.self, "service_listing", empty: ServiceListing())
        #expect(throws: SopuError.BadValue(path: "value", code: "unreadable")) { try VisitNote(json: "[]") }
    }

    private func same(_ device: Device, _ wanted: Json) async throws {
        let read = try await GoldenReading.of(device, asking: wanted)
        for (part, value) in wanted.fields { #expect(read[part] == value, "\(part)") }
        #expect(Set(read.fields.keys) == Set(wanted.fields.keys))
        for (id, document) in wanted["documents"].fields {
            switch document["kind"].text {
            case "contract": try await untouched(device, id, document, Contract.self)
            case "visit_note": try await untouched(device, id, document, VisitNote.self)
            case "service_listing": try await untouched(device, id, document, ServiceListing.self)
            case let other: Issue.record("a kind \(other)")
            }
        }
    }

    /// The types lose nothing of it.
    private func untouched<C: Content>(_ device: Device, _ id: String, _ wanted: Json, _ kind: C.Type) async throws {
        let form = try await device.open(id, as: kind)
        #expect(try Json(Data(form.value.json().utf8)) == wanted["value"])
        #expect(form.version == wanted["version"].text)
        #expect(try await !form.save().changed, "an untouched form writes nothing")
    }

    private func bytes(_ hex: String) -> Data {
        var rest = hex[...]
        var bytes = Data()
        while let byte = UInt8(rest.prefix(2), radix: 16), rest.count >= 2 {
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}

/// Gives recorded replies in their order, then no network.
private final class Player: HttpClient, @unchecked Sendable {
    private let lock = NSLock()
    private var replies: [(path: String, reply: HttpReply)]

    init(_ replies: [(String, HttpReply)]) {
        self.replies = replies
    }

    var left: Int { lock.withLock { replies.count } }

    func post(request: HttpRequest) throws -> HttpReply {
        try lock.withLock {
            guard let next = replies.first else { throw HttpError.Unreachable }
            guard request.url.hasSuffix(next.path) else {
                Issue.record("\(request.url) asked for, not \(next.path)")
                throw HttpError.Unreachable
            }
            return replies.removeFirst().reply
        }
    }
}
