extension Device {
    /// The page of a list, and again whenever it has changed, whoever changed it. Ends when the task is cancelled or
    /// the device closed.
    ///
    ///     for try await page in device.live(Query(kind: .visitNote)) { show(page.rows) }
    public func live(_ query: Query = Query()) -> LivePages {
        LivePages(device: self, query: query)
    }
}

/// The pages of a live list. See ``Device/live(_:)``.
public struct LivePages: AsyncSequence, Sendable {
    public typealias Element = Page

    let device: Device
    let query: Query

    public func makeAsyncIterator() -> Iterator {
        Iterator(
            device: device, query: query, numbers: device.changes.numbers().makeAsyncIterator())
    }

    /// Gives a page only if it differs from the last.
    public struct Iterator: AsyncIteratorProtocol {
        let device: Device
        let query: Query
        var numbers: AsyncStream<UInt64>.Iterator
        var last: Page?

        public mutating func next() async throws -> Page? {
            while await numbers.next() != nil {
                let page: Page
                do {
                    page = try await device.list(query)
                } catch SopuError.Closed {
                    return nil
                }
                if page != last {
                    last = page
                    return page
                }
            }
            return nil
        }
    }
}
