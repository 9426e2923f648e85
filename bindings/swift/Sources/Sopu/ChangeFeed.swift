import Foundation

/// Tells whoever listens that something may have changed. One thread of its own waits in the core, and only while
/// somebody listens.
final class ChangeFeed: @unchecked Sendable {
    private let inner: SopuDevice
    private let lock = NSLock()
    // What follows is touched with the lock held.
    private var listeners: [UInt64: AsyncStream<UInt64>.Continuation] = [:]
    private var nextListener: UInt64 = 0
    private var isWaiting = false
    private var isEnded = false

    /// How long one wait in the core lasts; only a bound.
    private static let waitMs: UInt32 = 60_000

    init(of inner: SopuDevice) {
        self.inner = inner
    }

    /// The present number at once, then each newest one.
    func numbers() -> AsyncStream<UInt64> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { listener in
            let id = add(listener)
            listener.onTermination = { [self] _ in remove(id) }
        }
    }

    /// Nothing will change any more.
    func end() {
        let all = lock.withLock {
            isEnded = true
            defer { listeners.removeAll() }
            return Array(listeners.values)
        }
        for listener in all { listener.finish() }
        inner.wake()
    }

    private func add(_ listener: AsyncStream<UInt64>.Continuation) -> UInt64? {
        lock.withLock {
            guard !isEnded else {
                listener.finish()
                return nil
            }
            let number = inner.changeNumber()
            let id = nextListener
            nextListener += 1
            listeners[id] = listener
            listener.yield(number)
            if !isWaiting {
                isWaiting = true
                let thread = Thread { [self] in wait(after: number) }
                thread.name = "sopu-changes"
                thread.start()
            }
            return id
        }
    }

    private func remove(_ id: UInt64?) {
        guard let id else { return }
        let isLast = lock.withLock {
            listeners[id] = nil
            return listeners.isEmpty
        }
        if isLast { inner.wake() }
    }

    private func wait(after first: UInt64) {
        var seen = first
        while true {
            let number = inner.nextChange(after: seen, waitMs: Self.waitMs)
            let all: [AsyncStream<UInt64>.Continuation]? = lock.withLock {
                if isEnded || listeners.isEmpty {
                    isWaiting = false
                    return nil
                }
                return Array(listeners.values)
            }
            guard let all else { return }
            if number != seen {
                seen = number
                for listener in all { listener.yield(number) }
            }
        }
    }
}
