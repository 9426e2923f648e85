extension Device {
    /// What ``keepInSync()`` is doing.
    public var syncState: SyncState { progress.now }

    /// The state at once, then each new one. Ends when the task is cancelled or the device closed.
    public var syncStates: AsyncStream<SyncState> { progress.states() }

    /// Exchanges with the relay until the task is cancelled: listens for news by long polling, sends at once what was
    /// saved, and waits after trouble as long as the core says. Call ``sync()`` when a network comes back; that
    /// ends the waiting. A save ends it only while offline: a relay that asked for a pause gets it. One task of a
    /// device does this at a time; another that calls it waits until that one has ended, then takes over.
    ///
    /// - Throws: `CancellationError`; or what waiting does not mend and a person must hear of: `SopuError.Enrol`,
    ///   `Refused`, `Update`, `Closed`, `Defect`, or `Storage` of a damaged store, say. A full disk and a busy store
    ///   it waits for. Returns only when the device was wiped.
    public func keepInSync() async throws {
        try await begin()
        do {
            try await exchangeForEver()
            progress.end(.wiped)
        } catch {
            if let error = error as? SopuError {
                progress.end(.ended(error))
            } else {
                progress.end(.idle)
            }
            throw error
        }
    }

    /// Two at once would wake each other for ever.
    private func begin() async throws {
        for await _ in progress.states() where progress.begin() { return }
        try Task.checkCancellation()
        throw SopuError.Closed
    }

    private func exchangeForEver() async throws {
        // The first exchange sends all there is.
        var seen: UInt64?
        while true {
            try Task.checkCancellation()
            let before = inner.changeNumber()
            let isListening = seen == before
            var pauseMs: Int64
            var isOffline = false
            do {
                progress.set(isListening ? .upToDate : .busy)
                let report = isListening ? try await listen(after: before) : try await sync()
                if report.wiped { return }
                // What was written while it ran goes out with the next, which sends before it waits.
                seen = report.more ? nil : inner.changeNumber()
                pauseMs = try await self.pauseMs()
            } catch SopuError.Stopped {
                // Something was saved while it listened, or it has enrolled anew.
                seen = nil
                continue
            } catch let error as SopuError where error.passesByItself {
                isOffline = error == .Offline
                progress.set(isOffline ? .offline : .waiting(error))
                seen = nil
                pauseMs = max(try await self.pauseMs(), Self.leastPauseMs)
            }
            if pauseMs > 0 {
                try await pause(
                    ms: pauseMs, isOffline: isOffline, changedAfter: inner.changeNumber())
            }
        }
    }

    /// After an error the core knows no pause for.
    private static var leastPauseMs: Int64 { 1_000 }
    /// Longer is no pause but a mistake.
    private static var mostPauseMs: Int64 { 3_600_000 }
    /// One long poll; the core bounds it too.
    private static var listenMs: UInt32 { 55_000 }

    /// Waits for news; ends with `Stopped` as soon as the number rises.
    private func listen(after number: UInt64) async throws -> SyncReport {
        let (stop, transport) = (Stop(), self.transport)
        let watcher = Task { [numbers = changes()] in
            for await now in numbers where now > number {
                stop.stop()
                return
            }
        }
        defer { watcher.cancel() }
        return try await exchange(stop: stop) {
            try $0.watch(waitMs: Self.listenMs, client: transport, stop: $1)
        }
    }

    /// Ends early when something happens while offline, or when the core no longer asks to wait: somebody
    /// has synced meanwhile.
    private func pause(ms: Int64, isOffline: Bool, changedAfter number: UInt64) async throws {
        let bounded = UInt64(min(ms, Self.mostPauseMs))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await Task.sleep(nanoseconds: bounded * 1_000_000) }
            group.addTask { [self] in
                for await now in changes() where now > number {
                    if isOffline { return }
                    if try await pauseMs() == 0 { return }
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }
}

extension SopuError {
    /// Whether trying again later may help, with nobody doing anything. What it does not help, such as a damaged
    /// store, somebody has to hear of.
    var passesByItself: Bool {
        switch self {
        case .Offline, .NotARelay, .TryLater, .Stopped:
            return true
        case .Storage(let why):
            return why == "disk_full" || why == "busy"
        case .Enrol, .NotFound, .Erased, .Mend, .BadValue, .Closed, .Refused, .Update, .Superseded, .Insecure,
            .Damaged, .Defect, .GoOnline, .ReadAgain, .RightEnded:
            return false
        }
    }
}
