extension Device {
    /// Enrols at a relay.
    ///
    /// - Parameters:
    ///   - relay: its address, `https://…`.
    ///   - code: an invite code, as the office gave it.
    ///   - name: which phone this is, for the office's list.
    @discardableResult
    public func enrol(relay: String, code: String, name: String) async throws -> Identity {
        let transport = self.transport
        return try await exchange {
            try $0.enrol(relay: relay, code: code, name: name, client: transport, stop: $1)
        }
    }

    /// Sends what is unsent and takes in what is new, until nothing is left to say. Right at any time, also
    /// again and also after an error. `more` in the report says that there is reason for another one.
    @discardableResult
    public func sync() async throws -> SyncReport {
        let transport = self.transport
        return try await exchange { try $0.sync(client: transport, stop: $1) }
    }

    /// As `sync`, but begins nothing after so many milliseconds: for the time a platform gives a task in the
    /// background. Right wherever it is cut.
    @discardableResult
    public func sync(withinMs budget: UInt32) async throws -> SyncReport {
        let transport = self.transport
        return try await exchange {
            try $0.syncWithin(budgetMs: budget, client: transport, stop: $1)
        }
    }

    /// Waits for news at most so many milliseconds and takes it in; if there is something to send, it sends
    /// that at once instead. ``keepInSync()`` does this again and again.
    @discardableResult
    public func watch(waitMs: UInt32) async throws -> SyncReport {
        let transport = self.transport
        return try await exchange { try $0.watch(waitMs: waitMs, client: transport, stop: $1) }
    }

    /// How long to wait before syncing again by itself, milliseconds; 0 when there is no reason to wait. A
    /// person who asks need not wait.
    public func pauseMs() async throws -> Int64 {
        try await here { try $0.pauseMs() }
    }

    /// Talks with the relay; a cancelled task ends that at once, with `CancellationError`.
    func exchange<T: Sendable>(
        stop: Stop = Stop(), _ work: @escaping @Sendable (SopuDevice, Stop) throws -> T
    ) async throws -> T {
        let inner = self.inner
        do {
            return try await withTaskCancellationHandler {
                try await network.run { try work(inner, stop) }
            } onCancel: {
                stop.stop()
            }
        } catch SopuError.Stopped where Task.isCancelled {
            throw CancellationError()
        }
    }
}
