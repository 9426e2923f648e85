import Foundation
import Sopu
import Testing

/// What comes without asking again, and what ends when asked to.
@MainActor
@Suite
struct LiveTests {
    let relay: Relay
    let aino: Device
    let space: String

    init() async throws {
        relay = try Relay()
        aino = try await relay.device("Aino")
        space = try await aino.space()
    }

    private func note(_ device: Device, _ summary: String) async throws -> String {
        var note = VisitNote()
        note.summary = summary
        return try await device.create(in: space, note).id
    }

    private func titles(_ device: Device) async throws -> Set<String> {
        Set(try await device.list().rows.map(\.title))
    }

    @Test("A live list shows what is written here, and each page once")
    func live() async throws {
        var pages = aino.live(Query(kind: .visitNote)).makeAsyncIterator()
        #expect(try await pages.next()?.total == 0)
        _ = try await note(aino, "Yksi")
        #expect(try await pages.next()?.rows.map(\.title) == ["Yksi"])
        // Not of this list: no page comes for it.
        _ = try await aino.create(in: space, Contract())
        _ = try await note(aino, "Kaksi")
        #expect(try await pages.next()?.total == 2)
    }

    @Test("What any read gives can be followed, and comes again only when it differs")
    func liveRead() async throws {
        var backlogs = aino.live { try await $0.backlog() }.makeAsyncIterator()
        #expect(try await backlogs.next()?.here == 0)
        let form = try await aino.create(in: space, VisitNote())
        #expect(try await backlogs.next()?.stage == .here)
        let doc = form.id
        var titles = aino.live { try await $0.open(doc, as: VisitNote.self).value.summary }.makeAsyncIterator()
        #expect(try await titles.next() == "")
        _ = try await note(aino, "Muu kirjaus")
        form.value.summary = "Seurattu"
        try await form.save()
        #expect(try await titles.next() == "Seurattu")

        var wrong = aino.live { try await $0.status(of: "no id") }.makeAsyncIterator()
        await #expect(throws: SopuError.BadValue(path: "doc", code: "unreadable")) { try await wrong.next() }
    }

    @Test("Changes are told by a rising number, to everybody who listens")
    func changes() async throws {
        var both = [aino.changes().makeAsyncIterator(), aino.changes().makeAsyncIterator()]
        for index in both.indices {
            let before = try #require(await both[index].next())
            _ = try await note(aino, "Muutos \(index)")
            #expect(try #require(await both[index].next()) > before)
        }
        await aino.close()
        // The newest may still be there; then it is over.
        for index in both.indices { while await both[index].next() != nil {} }
    }

    @Test("An open form shows what others write while nothing is unsaved in it")
    func keepFresh() async throws {
        let eero = try await relay.device("Eero")
        let form = try await aino.create(in: space, VisitNote())
        try await syncAll(aino, eero)
        let following = Task { try await form.keepFresh() }
        let theirs = try await eero.open(form.id, as: VisitNote.self)
        theirs.value.handover = "Eerolta"
        try await theirs.save()
        try await syncAll(eero, aino)
        try await until { form.value.handover == "Eerolta" }

        form.value.summary = "Kesken"
        theirs.value.handover = "Taas Eerolta"
        try await theirs.save()
        try await syncAll(eero, aino)
        try await Task.sleep(nanoseconds: 500_000_000)
        #expect(form.value.handover == "Eerolta" && form.value.summary == "Kesken")
        try await form.save()
        try await until { form.value.handover == "Taas Eerolta" }
        #expect(form.value.summary == "Kesken" && !form.isEdited)

        following.cancel()
        try await following.value
        let second = Task { try await form.keepFresh() }
        await aino.close()
        try await second.value
    }

    @Test("A cancelled live list ends, and so do many of one device")
    func cancelledLists() async throws {
        let device = aino
        let lists = (0..<8).map { _ in
            Task {
                var count = 0
                for try await _ in device.live() { count += 1 }
                return count
            }
        }
        _ = try await note(aino, "Näkyy kaikille")
        try await Task.sleep(nanoseconds: 500_000_000)
        for list in lists { list.cancel() }
        for list in lists {
            let count = try? await list.value
            #expect((1...2).contains(count ?? 1))
        }
    }

    @Test("Two devices kept in sync see each other's notes at once, both ways")
    func keptInSync() async throws {
        let eero = try await relay.device("Eero")
        let (a, e) = (aino, eero)
        let running = [Task { try await a.keepInSync() }, Task { try await e.keepInSync() }]
        try await until { a.syncState == .upToDate && e.syncState == .upToDate }
        let began = Date()
        _ = try await note(aino, "Ainolta")
        try await until { try await titles(eero).contains("Ainolta") }
        _ = try await note(eero, "Eerolta")
        try await until { try await titles(aino).contains("Eerolta") }
        // Far from the 55 seconds a long poll may take.
        #expect(Date().timeIntervalSince(began) < 15)
        let cancelled = Date()
        for task in running {
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        #expect(Date().timeIntervalSince(cancelled) < 5, "at once, in the middle of a long poll")
        #expect(a.syncState == .idle)
    }

    @Test("Kept in sync, it says that it is offline, and goes on when the server is back")
    func backOnline() async throws {
        let a = aino
        let running = Task { try await a.keepInSync() }
        defer { running.cancel() }
        try await until { a.syncState == .upToDate }
        let states = Task {
            var seen: [SyncState] = []
            for await state in a.syncStates {
                seen.append(state)
                if seen.contains(.offline) && state == .upToDate { break }
            }
            return seen
        }
        relay.stop()
        let doc = try await note(aino, "Ilman verkkoa")
        try await until { a.syncState == .offline }
        #expect(try await aino.status(of: doc).stage == .here)
        try relay.startAgain()
        try await until { try await aino.status(of: doc).stage != .here }
        #expect(await states.value.contains(.offline))
    }

    @Test("A long poll is cancelled at once")
    func cancelled() async throws {
        try await syncAll(aino)
        let a = aino
        let poll = Task { while true { try await a.watch(waitMs: 50_000) } }
        try await Task.sleep(nanoseconds: 700_000_000)
        let began = Date()
        poll.cancel()
        await #expect(throws: CancellationError.self) { try await poll.value }
        #expect(Date().timeIntervalSince(began) < 5)
    }

    @Test("A cancelled task saves what was written, and sends nothing")
    func cancelledBefore() async throws {
        let form = try await aino.create(in: space, VisitNote())
        try await syncAll(aino)
        form.value.summary = "Sivu suljettiin"
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await form.save()
            try await aino.sync()
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await titles(aino) == ["Sivu suljettiin"])
        #expect(try await aino.status(of: form.id).stage == .here)
    }

    @Test("Saving does not wait for a device that listens for news")
    func savingMeanwhile() async throws {
        try await syncAll(aino)
        let a = aino
        let poll = Task { while true { try await a.watch(waitMs: 50_000) } }
        try await Task.sleep(nanoseconds: 500_000_000)
        let began = Date()
        _ = try await note(aino, "Kesken kuuntelun")
        #expect(Date().timeIntervalSince(began) < 5)
        poll.cancel()
        _ = try? await poll.value
    }

    @Test("A device closed in the middle of a long poll lets go of its store")
    func closedMeanwhile() async throws {
        try await syncAll(aino)
        let a = aino
        let running = Task { try await a.keepInSync() }
        try await until { a.syncState == .upToDate }
        try await Task.sleep(nanoseconds: 300_000_000)
        let began = Date()
        await aino.close()
        #expect(Date().timeIntervalSince(began) < 5)
        await #expect(throws: SopuError.Closed) { try await running.value }
    }

    @Test("A turn in the background sends what it can and says whether there is more")
    func background() async throws {
        let a = aino
        let doc = try await note(aino, "Taustalla")
        let sync = BackgroundSync(budgetMs: 10_000) { a }
        let outcome = await sync.run()
        #expect(outcome.succeeded && !outcome.wiped && !outcome.tellPerson)
        #expect(try await aino.status(of: doc).stage != .here)

        relay.stop()
        let offline = await sync.run()
        #expect(!offline.succeeded && offline.more && !offline.tellPerson)
        #expect(BackgroundSync.nextSeconds(after: offline) == 60)

        let stranger = BackgroundSync { throw SopuError.Enrol }
        let refused = await stranger.run()
        #expect(refused.tellPerson && BackgroundSync.nextSeconds(after: refused) == nil)
    }

    @Test("A background turn cut off anywhere loses nothing")
    func cutTurns() async throws {
        let a = aino
        var made: Set<String> = []
        for number in 0..<40 { made.insert(try await note(aino, "Kirjaus \(number)")) }
        let sync = BackgroundSync(budgetMs: 20_000) { a }
        for ms: UInt64 in [0, 1, 3, 7, 15, 30, 60, 120] {
            let turn = Task { await sync.run() }
            try await Task.sleep(nanoseconds: ms * 1_000_000)
            turn.cancel()
            _ = await turn.value
        }
        for budget: UInt32 in [0, 1, 5, 20] { _ = try? await aino.sync(withinMs: budget) }
        try await syncAll(aino)
        let eero = try await relay.device("Eero")
        #expect(Set(try await eero.list().rows.map(\.id)) == made)
    }
}
