import Foundation

/// What ``Device/keepInSync()`` is doing.
public enum SyncState: Equatable, Sendable {
    /// Nothing: it does not run.
    case idle
    /// Talking with the relay.
    case busy
    /// All that could be exchanged was; it listens for news.
    case upToDate
    /// No network, or no relay there; tries again by itself.
    case offline
    /// Something else is in the way for now; tries again by itself.
    case waiting(SopuError)
    /// It ended: a person or another version of the app has to do something first.
    case ended(SopuError)
    /// The relay ordered a wipe: this device holds nothing any more. Forget the keys.
    case wiped
}

/// The state, and whoever wants to see it.
final class SyncProgress: @unchecked Sendable {
    private let lock = NSLock()
    // What follows is touched with the lock held.
    private var state = SyncState.idle
    private var isKept = false
    private var watchers: [UInt64: AsyncStream<SyncState>.Continuation] = [:]
    private var nextWatcher: UInt64 = 0
    private var isFinished = false

    var now: SyncState { lock.withLock { state } }

    func set(_ new: SyncState) {
        lock.withLock { tell(new) }
    }

    /// Makes the caller the one that keeps the device in sync, unless there is one.
    func begin() -> Bool {
        lock.withLock {
            if isKept { return false }
            isKept = true
            // `end` tells another state, whatever happens; who waits for its turn sees it.
            tell(.busy)
            return true
        }
    }

    /// Lets the next one begin. The state is any but `busy`.
    func end(_ last: SyncState) {
        lock.withLock {
            isKept = false
            tell(last)
        }
    }

    /// The device was closed: nobody waits for another state.
    func finish() {
        let all = lock.withLock {
            isFinished = true
            defer { watchers.removeAll() }
            return Array(watchers.values)
        }
        for watcher in all { watcher.finish() }
    }

    private func tell(_ new: SyncState) {
        guard new != state else { return }
        state = new
        for watcher in watchers.values { watcher.yield(new) }
    }

    func states() -> AsyncStream<SyncState> {
        AsyncStream(bufferingPolicy: .bufferingNewest(16)) { watcher in
            let id = lock.withLock {
                let id = nextWatcher
                nextWatcher += 1
                watcher.yield(state)
                if isFinished { watcher.finish() } else { watchers[id] = watcher }
                return id
            }
            watcher.onTermination = { [self] _ in
                lock.withLock { watchers[id] = nil }
            }
        }
    }
}
