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

    /// A copy of the golden store, for opening writes.
    private func store() async throws -> Device {
        let copy = home.appendingPathComponent("store")
        try FileManager.default.copyItem(at: golden.appendingPathComponent("store"), to: copy)
        return try await Device.open(
            store: copy.path + "/sopu.db", instanceDir: copy.path + "/instance",
            keys: Keys(device: bytes(expected["key"].text)))
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

    @Test("A recorded exchange brings a fresh device what it brought")
    func exchange() async throws {
        let exchange = expected["exchange"]
        let replies = try exchange["steps"].list.map { step in
            HttpReply(
                status: UInt16(step["reply"]["status"].number), encoding: step["reply"]["encoding"].text,
                body: try Data(contentsOf: golden.appendingPathComponent(step["reply"]["file"].text)))
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
        let relay = try Relay()
        let aino = try await relay.device("Aino")
        let eero = try await relay.device("Eero")
        // What a device itself writes into what it makes.
        let header: Set = ["schema_version", "created_at", "created_by", "created_on"]
        func comesBack<C: Content>(_ kind: C.Type, _ name: String) async throws {
            let wanted = full(name)
            let form = try await aino.create(in: try await aino.space(), try C(json: wanted.string()))
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
        let identity = try await device.identity()
        #expect(identity.memberName == wanted["identity"]["member_name"].text)
        #expect(identity.device == wanted["identity"]["device"].text)
        let spaces = try await device.spaces()
        #expect(spaces.map(\.id) == wanted["spaces"].list.map { $0["id"].text })
        for space in spaces {
            let names = try await device.members(of: space.id).map(\.name)
            #expect(names == wanted["members"][space.id].list.map { $0["name"].text })
        }
        for (id, document) in wanted["documents"].fields {
            switch document["kind"].text {
            case "contract": try await same(device, id, document, Contract.self)
            case "visit_note": try await same(device, id, document, VisitNote.self)
            case "service_listing": try await same(device, id, document, ServiceListing.self)
            case let other: Issue.record("a kind \(other)")
            }
        }
        let listed = try await device.list(Query(limit: 1_000)).rows.map(\.id)
        #expect(Set(listed) == Set(wanted["documents"].fields.keys))
        for search in wanted["searches"].list {
            let page = try await device.search(search["text"].text, limit: 1_000)
            #expect(page.rows.map(\.id) == search["ids"].list.map(\.text), "\(search["text"].text)")
        }
        let pending = try await device.pending()
        #expect(pending.map(\.doc) == wanted["pending"].list.map { $0["doc"].text })
        for (id, steps) in wanted["timelines"].fields {
            let changes = try await device.timeline(of: id, limit: 1_000).map(\.change)
            #expect(changes == steps.list.map { $0["change"].text })
        }
    }

    private func same<C: Content>(_ device: Device, _ id: String, _ wanted: Json, _ kind: C.Type) async throws {
        let form = try await device.open(id, as: kind)
        #expect(try Json(Data(form.value.json().utf8)) == wanted["value"])
        #expect(form.space == wanted["space"].text)
        #expect(form.version == wanted["version"].text)
        #expect(form.unknown == wanted["unknown"].list.map(\.text))
        #expect(form.status.map(\.code) == wanted["status"].list.map { $0["code"].text })
        #expect(form.conflicts.map(\.path) == wanted["conflicts"].list.map { $0["path"].text })
        for (conflict, wanted) in zip(form.conflicts, wanted["conflicts"].list) {
            #expect(conflict.values.map(\.change) == wanted["values"].list.map { $0["change"].text })
            #expect(
                conflict.values.map(\.provenance.memberName) == wanted["values"].list.map { $0["member_name"].text })
        }
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
    private var replies: [HttpReply]

    init(_ replies: [HttpReply]) {
        self.replies = replies
    }

    var left: Int { lock.withLock { replies.count } }

    func post(request _: HttpRequest) throws -> HttpReply {
        try lock.withLock {
            guard !replies.isEmpty else { throw HttpError.Unreachable }
            return replies.removeFirst()
        }
    }
}
