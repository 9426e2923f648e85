extension Device {
    /// A number at once, and a higher one whenever something may have changed that lists or documents show, whoever
    /// changed it. Only the newest is kept for one who is slow. Ends when the task is cancelled or the device closed.
    public func changes() -> AsyncStream<UInt64> { feed.numbers() }

    /// What this reads, and again whenever it has changed, whoever changed it. Ends when the task is cancelled or the
    /// device closed, and throws what the reading throws. One thread waits for all that follow a device.
    ///
    ///     for try await backlog in device.live({ try await $0.backlog() }) { show(backlog) }
    ///
    /// - Parameter read: what to follow; from the store only, since it is read after every change.
    public func live<Value: Equatable & Sendable>(
        _ read: @escaping @Sendable (Device) async throws -> Value
    ) -> Live<Value> {
        Live(device: self, read: read)
    }

    /// The page of a list, and again whenever it has changed.
    ///
    ///     for try await page in device.live(Query(kind: .visitNote)) { show(page.rows) }
    public func live(_ query: Query = Query()) -> Live<Page> {
        live { try await $0.list(query) }
    }
}

/// What a read of a device gives, and again whenever that has changed: `live` of ``Device``
/// makes it.
public struct Live<Value: Equatable & Sendable>: AsyncSequence, Sendable {
    /// What was read.
    public typealias Element = Value

    let device: Device
    let read: @Sendable (Device) async throws -> Value

    /// Begins to follow.
    public func makeAsyncIterator() -> Iterator {
        Iterator(device: device, read: read, numbers: device.changes().makeAsyncIterator())
    }

    /// Gives only what differs from the last.
    public struct Iterator: AsyncIteratorProtocol {
        let device: Device
        let read: @Sendable (Device) async throws -> Value
        var numbers: AsyncStream<UInt64>.Iterator
        var last: Value?

        /// The next value that differs; `nil` when it has ended.
        public mutating func next() async throws -> Value? {
            while await numbers.next() != nil {
                let value: Value
                do {
                    value = try await read(device)
                } catch SopuError.Closed {
                    return nil
                }
                if value != last {
                    last = value
                    return value
                }
            }
            return nil
        }
    }
}
