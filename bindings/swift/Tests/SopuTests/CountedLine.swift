import Foundation
import Sopu

/// Counts requests, and turns them away when told to.
final class CountedLine: HttpClient, @unchecked Sendable {
    private let client = URLSessionTransport()
    private let lock = NSLock()
    // What follows is touched with the lock held.
    private var requests = 0
    private var token: String?
    private var refusal: HttpReply?

    var count: Int { lock.withLock { requests } }

    /// Of the last request.
    var lastToken: String? { lock.withLock { token } }

    /// From now on every request gets this problem; `nil` lets them through.
    func answer(_ status: UInt16?, code: String = "busy", retryAfterMs: Int = 600_000) {
        let problem = #"{"status":\#(status ?? 0),"code":"\#(code)","retry_after_ms":\#(retryAfterMs)}"#
        lock.withLock { refusal = status.map { HttpReply(status: $0, encoding: "", body: Data(problem.utf8)) } }
    }

    func post(request: HttpRequest) throws -> HttpReply {
        let refusal = lock.withLock {
            requests += 1
            token = request.token
            return self.refusal
        }
        if let refusal { return refusal }
        return try client.post(request: request)
    }
}
