import Foundation
import Sopu
import Testing

/// When a device that is kept in sync asks the relay, and when it leaves it alone.
@MainActor
@Suite
struct PauseTests {
    /// Counts requests, and turns them away when told to.
    final class Line: HttpClient, @unchecked Sendable {
        private let client = URLSessionTransport()
        private let lock = NSLock()
        // What follows is touched with the lock held.
        private var requests = 0
        private var status: UInt16?

        var count: Int { lock.withLock { requests } }

        func answer(_ status: UInt16?) { lock.withLock { self.status = status } }

        func post(request: HttpRequest) throws -> HttpReply {
            let status = lock.withLock {
                requests += 1
                return self.status
            }
            if let status {
                let problem = #"{"status":429,"code":"busy","retry_after_ms":600000}"#
                return HttpReply(status: status, encoding: "", body: Data(problem.utf8))
            }
            return try client.post(request: request)
        }
    }

    let relay: Relay
    let line = Line()
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
}
