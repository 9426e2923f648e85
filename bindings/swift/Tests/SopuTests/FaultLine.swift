import Foundation

/// A line between a client and a server on loopback that misbehaves as told: one fault for each connection, in turn,
/// then none any more.
final class FaultLine: @unchecked Sendable {
    enum Fault: Sendable {
        case none
        /// Closed before anything comes back.
        case reset
        /// So many bytes of the reply, then closed.
        case cut(Int)
        /// What is no HTTP at all.
        case garbage
        /// An HTTP reply of nobody the client knows.
        case reply(String)
        /// Nothing for so many milliseconds, then closed.
        case silence(Int)
        /// All of it, so late, milliseconds.
        case delay(Int)
        /// A good head, then a byte every 50 ms for as long as the client takes them.
        case dribble
    }

    private let lock = NSLock()
    private var faults: [Fault]
    private var clients: Set<Int32> = []
    private let listener: Int32
    private let server: UInt16
    let port: UInt16

    var url: String { "http://127.0.0.1:\(port)" }

    init(to url: String, _ faults: [Fault] = []) throws {
        self.faults = faults
        server = UInt16(url.split(separator: ":").last.map(String.init) ?? "") ?? 0
        let listener = socket(AF_INET, streamSocket, 0)
        self.listener = listener
        var address = Self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && listen(listener, 16) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        guard bound else { throw Relay.Failure(description: "no socket: \(errno)") }
        port = UInt16(bigEndian: address.sin_port)
        Thread { [self] in accept() }.start()
    }

    /// What the next connection meets; those there are end.
    func next(_ fault: Fault) {
        lock.withLock {
            faults.append(fault)
            for client in clients { shutdown(client, Int32(SHUT_RDWR)) }
        }
    }

    /// How many faults no connection has met yet.
    var unmet: Int { lock.withLock { faults.count } }

    /// No faults any more.
    func heal() {
        lock.withLock { faults = [] }
    }

    func end() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private func accept() {
        while true {
            let client = Foundation.accept(listener, nil, nil)
            if client < 0 { return }
            let fault: Fault = lock.withLock {
                clients.insert(client)
                return faults.isEmpty ? .none : faults.removeFirst()
            }
            Thread { [self] in
                carry(client, fault)
                _ = lock.withLock { clients.remove(client) }
                close(client)
            }.start()
        }
    }

    private func carry(_ client: Int32, _ fault: Fault) {
        switch fault {
        case .reset:
            _ = receive(client)
        case .garbage:
            _ = receive(client)
            send(client, Array("\u{0}\u{1}not HTTP at all\r\n\r\n".utf8))
        case .reply(let text):
            _ = receive(client)
            send(client, Array(text.utf8))
        case .silence(let ms):
            _ = receive(client)
            usleep(UInt32(ms) * 1_000)
        case .dribble:
            _ = receive(client)
            send(client, Array("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n".utf8))
            while send(client, [0]) { usleep(50_000) }
        case .cut(let bytes):
            pass(client, upTo: bytes)
        case .delay(let ms):
            usleep(UInt32(ms) * 1_000)
            pass(client, upTo: .max)
        case .none:
            pass(client, upTo: .max)
        }
    }

    /// Both ways, until so many bytes of the reply have gone through.
    private func pass(_ client: Int32, upTo limit: Int) {
        let upstream = socket(AF_INET, streamSocket, 0)
        defer { close(upstream) }
        var address = Self.loopback(server)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(upstream, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard connected else { return }
        let up = Thread {
            while let bytes = self.receive(client) { self.send(upstream, bytes) }
            shutdown(upstream, Int32(SHUT_WR))
        }
        up.start()
        var left = limit
        while left > 0, let bytes = receive(upstream) {
            send(client, Array(bytes.prefix(left)))
            left -= min(left, bytes.count)
        }
        shutdown(client, Int32(SHUT_RDWR))
    }

    private func receive(_ from: Int32) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        let count = recv(from, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer.prefix(count)) : nil
    }

    /// Whether all of it went.
    @discardableResult
    private func send(_ to: Int32, _ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.send(to, $0.baseAddress, $0.count, noSignal) }
            if count <= 0 { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}

#if os(Linux)
    private let streamSocket = Int32(SOCK_STREAM.rawValue)
    private let noSignal = Int32(MSG_NOSIGNAL)
#else
    private let streamSocket = SOCK_STREAM
    private let noSignal: Int32 = 0
#endif
