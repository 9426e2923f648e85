import Foundation
import Sopu
import Testing

/// The platform's HTTP client over a line that fails.
@MainActor
@Suite
struct TransportTests {
    let relay: Relay

    init() throws {
        relay = try Relay()
    }

    private static var brokenReplies: [FaultLine.Fault] {
        let replies: [FaultLine.Fault] = [
            .reset, .cut(1), .garbage, .reply("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"),
        ]
        #if canImport(FoundationNetworking)
            // It ends the process on the others.
            return replies
        #else
            return replies + brokenHeads
        #endif
    }

    private static let brokenHeads: [FaultLine.Fault] = [
        .cut(20), .cut(40), .reply("HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0"),
    ]

    private func request(_ url: String, timeoutMs: UInt32 = 5_000) -> HttpRequest {
        HttpRequest(
            url: url + "/v1/sync", token: "t", body: Data([0xA0]), encoding: nil,
            timeoutMs: timeoutMs)
    }

    private func post(_ line: FaultLine, timeoutMs: UInt32 = 5_000) async throws -> HttpReply {
        let request = request(line.url, timeoutMs: timeoutMs)
        return try await offThisThread { try URLSessionTransport().post(request: request) }
    }

    private func offThisThread<T: Sendable>(
        _ work: @escaping @Sendable () throws -> T
    ) async throws -> T {
        try await withCheckedThrowingContinuation { done in
            Thread { done.resume(with: Result { try work() }) }.start()
        }
    }

    @Test("A device syncs through the platform's client")
    func syncs() async throws {
        let aino = try await relay.device("Aino", transport: URLSessionTransport())
        let eero = try await relay.device("Eero")
        var note = VisitNote()
        note.summary = String(repeating: "Pitkä kirjaus, joka pakataan. ", count: 200)
        let space = try await aino.space()
        let form = try await aino.create(in: space, note)
        try await syncAll(aino, eero)
        let theirs = try await eero.open(form.id, as: VisitNote.self)
        #expect(theirs.value.summary == note.summary)
        theirs.value.handover = String(repeating: "Takaisin. ", count: 500)
        try await theirs.save()
        try await syncAll(eero, aino)
        try await form.refresh()
        #expect(form.value.handover == theirs.value.handover)
    }

    @Test("What the line does is told as what it is")
    func faults() async throws {
        let line = try FaultLine(to: relay.url)
        defer { line.end() }
        for fault in Self.brokenReplies {
            line.next(fault)
            await #expect(throws: HttpError.Unreachable, "\(fault)") { try await post(line) }
        }
        // The time is for the whole reply: one that keeps coming is late all the same.
        for fault: FaultLine.Fault in [.silence(20_000), .dribble] {
            line.next(fault)
            let request = request(line.url, timeoutMs: 700)
            // Measured on its own thread: the main actor has other tests to run.
            let (error, took) = try await offThisThread { () -> (HttpError?, Double) in
                let began = Date()
                let result = Result { try URLSessionTransport().post(request: request) }
                let took = Date().timeIntervalSince(began)
                if case .failure(let error) = result { return (error as? HttpError, took) }
                return (nil, took)
            }
            #expect(error == .TimedOut && took >= 0.6 && took <= 5, "\(fault): \(took) s")
        }
        line.next(.reply("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
        #expect(try await post(line).body == Data("ok".utf8), "nothing of it stays")
    }

    @Test("A reply that is too large is not taken in")
    func tooLarge() async throws {
        let line = try FaultLine(to: relay.url)
        defer { line.end() }
        let bytes = 17 * 1024 * 1024
        line.next(.reply("HTTP/1.1 200 OK\r\nContent-Length: \(bytes)\r\n\r\n"))
        await #expect(throws: HttpError.TooLarge) { try await post(line) }
        line.next(
            .reply("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + String(repeating: "x", count: bytes)))
        await #expect(throws: HttpError.TooLarge) { try await post(line, timeoutMs: 30_000) }
    }

    @Test("A redirect is a reply, and the token goes nowhere else")
    func redirect() async throws {
        let line = try FaultLine(to: relay.url)
        defer { line.end() }
        line.next(.reply("HTTP/1.1 307 No\r\nLocation: \(relay.url)/v1/sync\r\nContent-Length: 0\r\n\r\n"))
        #expect(try await post(line).status == 307)
        line.next(.reply("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"))
        let reply = try await post(line)
        #expect(reply.status == 503)
        #expect(reply.body == Data("busy".utf8))
    }

    @Test("Syncs over a failing line end with everything on both sides", arguments: [true, false])
    func healing(platform: Bool) async throws {
        let line = try FaultLine(to: relay.url)
        defer { line.end() }
        let aino = try await relay.device(
            "Aino", through: line.url, transport: platform ? URLSessionTransport() : nil)
        let space = try await aino.space()
        // What is told of each; nothing of a line that is only slow.
        var faults: [(FaultLine.Fault, [SopuError])] = [
            (.reply("HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n"), [.TryLater(retryAfterMs: nil)]),
            (.reply("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsign in"), [.NotARelay]),
            (.reply("<html>sign in to the hotel's network</html>"), [.Offline, .NotARelay]), (.delay(300), []),
        ]
        let broken = platform ? Self.brokenReplies : Self.brokenReplies + Self.brokenHeads
        faults += broken.map { ($0, [.Offline, .NotARelay]) }
        var made: Set<String> = []
        for (fault, told) in faults {
            var note = VisitNote()
            note.summary = "\(fault)"
            let doc = try await aino.create(in: space, note).id
            made.insert(doc)
            line.next(fault)
            var error: SopuError?
            do {
                try await aino.sync()
            } catch let trouble as SopuError {
                error = trouble
            }
            #expect(line.unmet == 0, "\(fault) was met")
            #expect(error.map(told.contains) ?? told.isEmpty, "\(fault): \(String(describing: error))")
            // Whether or not the relay has it, the phone does not believe so without an answer.
            #expect((try await aino.status(of: doc).here > 0) == (error != nil), "\(fault)")
        }
        line.heal()
        try await syncAll(aino)
        let eero = try await relay.device("Eero")
        try await syncAll(eero)
        #expect(Set(try await eero.list().rows.map(\.id)) == made)
    }

    @Test("A client of the app that throws what it should not is no network and no crash")
    func broken() async throws {
        let aino = try await relay.device("Aino")
        let home = try relay.home("Broken")
        let device = try await Device.open(
            store: home.path + "/sopu.db", instanceDir: home.path + "/instance",
            keys: .new(encrypted: false), transport: Broken())
        let code = try relay.invite("Rikki").code
        await #expect(throws: SopuError.Offline) {
            try await device.enrol(relay: relay.url, code: code, name: "phone")
        }
        #expect(try await aino.spaces().count == 1)
    }
}

private final class Broken: HttpClient {
    struct Defect: Error {}

    func post(request _: HttpRequest) throws -> HttpReply {
        throw Defect()
    }
}
