import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The platform's own HTTP client: its proxies, certificates and network rules.
///
/// Follows no redirects, keeps no cookies and no cache, and takes no reply above 16 MiB.
///
/// For Apple's platforms. On Linux use the built-in client: FoundationNetworking of Swift 6.0 ends the process when
/// a reply is cut within its head, and on a 401.
public final class URLSessionTransport: HttpClient {
    /// No reply may have more bytes.
    static let bodyBytes = 16 * 1024 * 1024

    private let session: URLSession
    private let exchanges: Exchanges

    /// - Parameter configuration: for certificates or proxies of the organisation; an ephemeral one if `nil`.
    public init(configuration: URLSessionConfiguration? = nil) {
        // A copy: what is set here is no business of the caller's other sessions.
        let configuration = configuration?.copy() as? URLSessionConfiguration ?? .ephemeral
        configuration.urlCache = nil
        configuration.httpCookieStorage = nil
        configuration.httpShouldSetCookies = false
        exchanges = Exchanges()
        session = URLSession(configuration: configuration, delegate: exchanges, delegateQueue: nil)
    }

    deinit {
        session.invalidateAndCancel()
    }

    /// Posts and waits for the whole reply; called by the core on a thread of its own.
    public func post(request: HttpRequest) throws -> HttpReply {
        guard let url = URL(string: request.url) else { throw HttpError.Unreachable }
        let timeout = Double(request.timeoutMs) / 1_000
        var post = URLRequest(url: url, timeoutInterval: timeout)
        post.httpMethod = "POST"
        post.httpBody = request.body
        post.setValue("application/cbor", forHTTPHeaderField: "Content-Type")
        post.setValue("zstd", forHTTPHeaderField: "Accept-Encoding")
        if let token = request.token {
            post.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
        }
        if let encoding = request.encoding {
            post.setValue(encoding, forHTTPHeaderField: "Content-Encoding")
        }
        let task = session.dataTask(with: post)
        let exchange = exchanges.begin(task)
        task.resume()
        // The session's own timeout starts anew with every byte.
        guard exchange.done.wait(timeout: .now() + timeout) == .success else {
            task.cancel()
            exchanges.forget(task)
            throw HttpError.TimedOut
        }
        return try exchange.reply()
    }
}
