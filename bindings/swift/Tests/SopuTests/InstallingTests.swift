import Foundation
import Sopu
import Testing

/// How an installation begins and ends, and what becomes of documents that are taken away.
@MainActor
@Suite
struct InstallingTests {
    let relay: Relay

    init() throws {
        relay = try Relay()
    }

    private func note(_ device: Device, _ summary: String) async throws -> Form<VisitNote> {
        var note = VisitNote()
        note.summary = summary
        return try await device.create(in: device.space(), note)
    }

    @Test("What was scanned is an invitation, or is no such thing")
    func scanned() async throws {
        let person = try relay.invite("Aino")
        let invitation = try readInvitation(text: " \(relay.url)/enrol#\(person.code)\n")
        #expect(invitation == Invitation(relay: relay.url, code: person.code))
        let device = try await relay.phone("Aino").open()
        let me = try await device.enrol(relay: invitation.relay, code: invitation.code, name: "phone")
        #expect(me.memberName == person.name)
        for other in ["", "https://example.fi", "WIFI:S:Kahvila;;", "ftp://example.fi/enrol#\(person.code)"] {
            #expect(throws: SopuError.BadValue(path: "invitation", code: "unreadable")) {
                try readInvitation(text: other)
            }
        }
    }

    @Test("A removed installation leaves nothing, and nothing else goes")
    func removed() async throws {
        let phone = try relay.phone("Aino")
        let device = try await phone.enrolled(at: relay, "Aino")
        _ = try await note(device, "Ei lähetetty")
        await device.close()
        for name in ["sopu.db.damaged", "sopu.db.damaged-wal", "sopu.db.zip", "instance/own.txt"] {
            try Data("x".utf8).write(to: phone.home.appendingPathComponent(name))
        }
        for _ in 0..<2 {
            try await Device.remove(store: phone.store, instanceDir: phone.instanceDir)
            #expect(try phone.files() == ["instance", "instance/own.txt", "sopu.db.zip"])
        }
        await #expect(throws: SopuError.Enrol) { try await phone.open().identity() }
    }

    @Test("What cannot be taken away is told")
    func notRemoved() async throws {
        let phone = try relay.phone("Aino")
        // No folder: whoever made this file, it is not ours to take.
        try Data("x".utf8).write(to: URL(fileURLWithPath: phone.instanceDir))
        await #expect(throws: SopuError.Storage(why: "no_folder")) {
            try await Device.remove(store: phone.store, instanceDir: phone.instanceDir)
        }
    }

    @Test("A device that the office cuts off is wiped, and its files go", arguments: [true, false])
    func wiped(inBackground: Bool) async throws {
        let phone = try relay.phone("Aino")
        let device = try await phone.enrolled(at: relay, "Aino")
        _ = try await note(device, "Viimeinen")
        try relay.sopu("device", "revoke", try await device.identity().device)
        if inBackground {
            let sync = BackgroundSync { device }
            var outcome = await sync.run()
            try await until {
                if !outcome.wiped { outcome = await sync.run() }
                return outcome.wiped
            }
            #expect(BackgroundSync.nextSeconds(after: outcome) == nil)
        } else {
            let running = Task { try await device.keepInSync() }
            defer { running.cancel() }
            try await until { device.syncState == .wiped }
            try await running.value
        }
        #expect(try await device.list().total == 0)
        await device.close()
        try await Device.remove(store: phone.store, instanceDir: phone.instanceDir)
        #expect(try phone.files() == [])
    }

    @Test("A damaged store is salvaged: unsent work is there, the rest comes back, and a removal takes all of it")
    func salvaged() async throws {
        let phone = try relay.phone("Aino")
        let before = try await phone.enrolled(at: relay, "Aino")
        var docs: Set<String> = []
        for number in 0..<30 {
            docs.insert(try await note(before, "Kirjaus \(number) " + String(repeating: "x", count: 400)).id)
        }
        try await syncAll(before)
        let unsent = try await note(before, "Vain tässä puhelimessa").id
        await before.close()
        let mark = Data("Kirjaus 7 ".utf8)
        try phone.damage { content in
            while let found = content.range(of: mark) {
                let page = found.lowerBound / 4_096 * 4_096
                content.replaceSubrange(page..<page + 4_096, with: Data(count: 4_096))
            }
        }
        await #expect(throws: SopuError.Storage(why: "damaged")) {
            let device = try await phone.open()
            do {
                _ = try await device.list(Query(limit: 100))
            } catch {
                await device.close()
                throw error
            }
        }
        let device = try await phone.salvage()
        try await syncAll(device)
        #expect(try await device.open(unsent, as: VisitNote.self).value.summary == "Vain tässä puhelimessa")
        #expect(Set(try await device.list(Query(limit: 100)).rows.map(\.id)) == docs.union([unsent]))
        await device.close()
        #expect(try phone.files().contains("sopu.db.damaged"))
        try await Device.remove(store: phone.store, instanceDir: phone.instanceDir)
        #expect(try phone.files() == [])
    }

    @Test("An erased document says so, also to a form that follows it, and cannot be made again")
    func erased() async throws {
        let device = try await relay.device("Aino")
        let form = try await note(device, "Poistetaan")
        try await syncAll(device)
        let following = Task { try await form.keepFresh() }
        try relay.sopu("erase", "document", form.id, "--reason", "request")
        try await until {
            try await device.sync()
            return try await device.list().total == 0
        }
        let gone = SopuError.Erased(doc: form.id)
        await #expect(throws: gone) { try await following.value }
        await #expect(throws: gone) { try await device.open(form.id, as: VisitNote.self) }
        let space = try await device.space()
        await #expect(throws: gone) {
            try await device.create(in: space, VisitNote(), doc: form.id)
        }
    }

    @Test("Once the right to a space has ended, its documents say so")
    func rightEnded() async throws {
        let device = try await relay.device("Aino")
        let form = try await note(device, "Sijaisena")
        try await syncAll(device)
        let person = try await device.identity().memberName
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = try #require(TimeZone(identifier: "Europe/Helsinki"))
        format.dateFormat = "yyyy-MM-dd'T'HH:mm"
        // Times are typed to the minute. The device has to hear of the end before it comes, also on a busy machine.
        var end = Date()
        repeat {
            end = Date(timeIntervalSince1970: ((Date().timeIntervalSince1970 + 10) / 60).rounded(.up) * 60)
            try relay.sopu("space", "revoke", "Koivula", "--member", person)
            try relay.sopu(
                "space", "grant", "Koivula", "--member", person, "--role", "field", "--until", format.string(from: end))
            try await device.sync()
        } while Date() >= end
        try await Task.sleep(nanoseconds: UInt64(max(0, end.timeIntervalSinceNow) + 1) * 1_000_000_000)
        let endedMs = Int64(end.timeIntervalSince1970) * 1_000
        await #expect(throws: SopuError.RightEnded(endedMs: endedMs)) {
            try await device.open(form.id, as: VisitNote.self)
        }
        #expect(try await device.spaces().isEmpty)
        #expect(try await device.sealedSpaces().map(\.name) == ["Koivula"])
    }
}
