import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// One request on its way, and what came of it.
final class Exchange: @unchecked Sendable {
    /// Signalled once, when all else is written.
    let done = DispatchSemaphore(value: 0)
    // What follows is written on the session's one delegate queue before `done`.
    fileprivate var body = Data()
    fileprivate var response: HTTPURLResponse?
    fileprivate var failure: HttpError?

    func reply() throws -> HttpReply {
        if let failure { throw failure }
        guard let response else { throw HttpError.Unreachable }
        var encoding = response.value(forHTTPHeaderField: "Content-Encoding") ?? ""
        // Some platforms' sessions unpack zstd by themselves and leave the header as it was.
        if encoding == "zstd" && !body.starts(with: Self.zstdMagic) { encoding = "" }
        return HttpReply(status: UInt16(response.statusCode), encoding: encoding, body: body)
    }

    /// How every zstd frame begins (RFC 8878, 3.1.1); no reply of a relay does.
    private static let zstdMagic: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
}

/// What the session tells, request by request.
final class Exchanges: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private let lock = NSLock()
    private var running: [Int: Exchange] = [:]

    func begin(_ task: URLSessionTask) -> Exchange {
        let exchange = Exchange()
        lock.withLock { running[task.taskIdentifier] = exchange }
        return exchange
    }

    func forget(_ task: URLSessionTask) {
        lock.withLock { running[task.taskIdentifier] = nil }
    }

    private func exchange(of task: URLSessionTask) -> Exchange? {
        lock.withLock { running[task.taskIdentifier] }
    }

    func urlSession(
        _: URLSession, task _: URLSessionTask, willPerformHTTPRedirection _: HTTPURLResponse,
        newRequest _: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
    ) {
        // The token goes nowhere else; the redirect itself is the reply.
        completionHandler(nil)
    }

    func urlSession(
        _: URLSession, dataTask task: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        let exchange = exchange(of: task)
        exchange?.response = response as? HTTPURLResponse
        if response.expectedContentLength > Int64(URLSessionTransport.bodyBytes) {
            exchange?.failure = .TooLarge
            completionHandler(.cancel)
        } else {
            completionHandler(.allow)
        }
    }

    func urlSession(_: URLSession, dataTask task: URLSessionDataTask, didReceive data: Data) {
        guard let exchange = exchange(of: task), exchange.failure == nil else { return }
        exchange.body.append(data)
        if exchange.body.count > URLSessionTransport.bodyBytes {
            exchange.failure = .TooLarge
            exchange.body = Data()
            task.cancel()
        }
    }

    func urlSession(_: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        guard let exchange = exchange(of: task) else { return }
        forget(task)
        if let error, exchange.failure == nil {
            exchange.failure = (error as? URLError)?.code == .timedOut ? .TimedOut : .Unreachable
        }
        exchange.done.signal()
    }
}
