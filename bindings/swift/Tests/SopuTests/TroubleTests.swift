import Foundation
import Sopu
import Testing

/// What waiting does not mend ends the syncing, and a person hears of it.
@MainActor
@Suite
struct TroubleTests {
    let relay: Relay
    let line = CountedLine()
    let phone: Phone

    init() throws {
        relay = try Relay()
        phone = try relay.phone("phone")
    }

    /// Both ways to sync by itself tell this.
    private func ends(_ device: Device, _ error: SopuError) async throws {
        let running = Task { try await device.keepInSync() }
        defer { running.cancel() }
        try await until { device.syncState == .ended(error) }
        await #expect(throws: error) { try await running.value }
        let outcome = await BackgroundSync { device }.run()
        #expect(!outcome.succeeded && outcome.tellPerson && outcome.error == error)
        #expect(BackgroundSync.nextSeconds(after: outcome) == nil)
    }

    @Test("A store that stays damaged")
    func damaged() async throws {
        let before = try await phone.enrolled(at: relay, "Aino")
        let space = try await before.space()
        for number in 0..<40 {
            var note = VisitNote()
            note.summary = "Kirjaus \(number)"
            _ = try await before.create(in: space, note)
        }
        await before.close()
        let device = try await phone.open()
        try phone.damage { $0.replaceSubrange(4_096..., with: Data(count: $0.count - 4_096)) }
        try await ends(device, .Storage(why: "damaged"))
    }

    @Test("A defect inside")
    func defect() async throws {
        let before = try await phone.enrolled(at: relay, "Aino", transport: line)
        let token = Data(try #require(line.lastToken).utf8)
        await before.close()
        // No text any more: nothing the library would have written.
        try phone.damage { content in
            while let found = content.range(of: token) { content[found.lowerBound] = 0xFF }
        }
        try await ends(try await phone.open(), .Defect(code: "row_meta"))
    }

    @Test("A relay that wants a later version of the app")
    func update() async throws {
        let device = try await phone.enrolled(at: relay, "Aino", transport: line)
        line.answer(400, code: "protocol_unknown")
        try await ends(device, .Update)
    }

    @Test("A store of a later version")
    func laterStore() async throws {
        await (try await phone.open()).close()
        // SQLite's `user_version`, by which the store's version is told.
        try phone.damage { $0.replaceSubrange(60..<64, with: [0, 0, 0, 99]) }
        await #expect(throws: SopuError.Update) { try await phone.open() }
        let outcome = await BackgroundSync { [phone] in try await phone.open() }.run()
        #expect(outcome.tellPerson && outcome.error == .Update)
    }

    @Test("What passes by itself is waited for")
    func passing() async throws {
        for why in ["disk_full", "busy"] {
            let outcome = await BackgroundSync { throw SopuError.Storage(why: why) }.run()
            #expect(outcome.more && !outcome.tellPerson, "\(why)")
            #expect(BackgroundSync.nextSeconds(after: outcome) == 60)
        }
        for why in ["damaged", "wrong_key", "no_folder", "no_encryption", "unreadable"] {
            let outcome = await BackgroundSync { throw SopuError.Storage(why: why) }.run()
            #expect(!outcome.more && outcome.tellPerson, "\(why)")
        }
        struct Locked: Error {}
        let locked = await BackgroundSync { throw Locked() }.run()
        #expect(!locked.succeeded && !locked.tellPerson)
        #expect(BackgroundSync.nextSeconds(after: locked) == 900, "as if nothing had been to do")
        let cut = await BackgroundSync { throw CancellationError() }.run()
        #expect(BackgroundSync.nextSeconds(after: cut) == 60)
    }

    @Test(
        "A document that is damaged here, and one the office holds, leave the rest to be kept in sync",
        arguments: [true, false])
    func stuck(held: Bool) async throws {
        let before = try await phone.enrolled(at: relay, "Aino", role: held ? "reader" : "field", transport: line)
        let eero = try await relay.device("Eero")
        let space = try await before.space()
        var note = VisitNote()
        (note.summary, note.visitKey) = ("Jää tänne", "MERKKI")
        let doc = try await before.create(in: space, note).id
        if held {
            try await until {
                try await before.sync()
                return try await before.status(of: doc).held > 0
            }
        }
        await before.close()
        if !held {
            let mark = Data("MERKKI".utf8)
            try phone.damage { content in
                while let found = content.range(of: mark) { content[found.lowerBound] ^= 1 }
            }
        }
        let device = try await phone.open(transport: line)
        if !held {
            await #expect(throws: SopuError.Damaged(doc: doc)) { try await device.open(doc, as: VisitNote.self) }
        }
        let running = Task { try await device.keepInSync() }
        defer { running.cancel() }
        try await until { device.syncState == .upToDate }
        let asked = line.count
        try await Task.sleep(nanoseconds: 3_000_000_000)
        #expect(line.count - asked <= 8, "it listens, and does not ask again and again")

        note.summary = "Kuullaan silti"
        let theirs = try await eero.create(in: space, note).id
        try await eero.sync()
        try await until { try await device.list().rows.contains { $0.id == theirs } }
        guard !held else { return }
        note.summary = "Lähtee silti"
        let mine = try await device.create(in: space, note).id
        try await until { try await device.status(of: mine).here == 0 }
    }
}
