import Foundation
import Sopu
import Testing

/// When a device that is kept in sync asks the relay, and when it leaves it alone.
@MainActor
@Suite
struct PauseTests {
    let relay: Relay
    let line = CountedLine()
    let aino: Device

    init() async throws {
        relay = try Relay()
        aino = try await relay.device("Aino", transport: line)
        try await syncAll(aino)
    }

    private func isWaiting(_ device: Device) -> Bool {
        if case .waiting = device.syncState { return true }
        return false
    }

    @Test("Kept in sync twice, a device asks as one; the second goes on when the first has ended")
    func twice() async throws {
        let a = aino
        let first = Task { try await a.keepInSync() }
        try await until { a.syncState == .upToDate }
        let second = Task { try await a.keepInSync() }
        let third = Task { try await a.keepInSync() }
        try await Task.sleep(nanoseconds: 500_000_000)
        let before = line.count
        try await Task.sleep(nanoseconds: 1_500_000_000)
        #expect(line.count - before <= 3)
        third.cancel()
        await #expect(throws: CancellationError.self) { try await third.value }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        try await until { a.syncState == .upToDate }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        #expect(a.syncState == .idle)
    }

    @Test("A save does not end the pause a relay asked for; a sync that succeeds does")
    func pauseAskedFor() async throws {
        let a = aino
        line.answer(429)
        let running = Task { try await a.keepInSync() }
        defer { running.cancel() }
        try await until { isWaiting(a) }
        try await Task.sleep(nanoseconds: 300_000_000)
        let before = line.count
        let form = try await aino.create(in: try await aino.space(), VisitNote())
        form.value.summary = "Kesken tauon"
        try await form.save()
        try await Task.sleep(nanoseconds: 700_000_000)
        #expect(line.count == before)
        #expect(isWaiting(a))
        line.answer(nil)
        try await aino.sync()
        try await until { a.syncState == .upToDate }
    }

    @Test("The next turn in the background is no earlier than the relay asked for")
    func backgroundPause() async throws {
        let a = aino
        let sync = BackgroundSync { a }
        let done = await sync.run()
        #expect(done.succeeded && !done.more && done.pauseMs == 0)
        #expect(BackgroundSync.nextSeconds(after: done) == 900)

        line.answer(429, retryAfterMs: 600_000)
        let soon = await sync.run()
        #expect(!soon.succeeded && soon.more && !soon.tellPerson)
        let tenMinutes = try #require(BackgroundSync.nextSeconds(after: soon))
        #expect(tenMinutes >= 590 && tenMinutes <= 900)

        line.answer(503, retryAfterMs: 3_000_000)
        let late = await sync.run()
        let fiftyMinutes = try #require(BackgroundSync.nextSeconds(after: late))
        #expect(fiftyMinutes >= 2_990 && fiftyMinutes <= 3_000, "longer than it waits by itself")
        #expect(late.error == .TryLater(retryAfterMs: 3_000_000))
    }
}
