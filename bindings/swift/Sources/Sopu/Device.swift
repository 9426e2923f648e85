import Foundation

/// One installation: its store, its key, its relay. Everything but `enrol`, `sync` and `keepInSync` works
/// without a network, and what was written is durable when the call returns.
///
/// Every call may be made from any task; none blocks the thread it is made on. A cancelled `enrol`,
/// `sync` or `keepInSync` ends at once. A short call is done and tells its result also in a cancelled task: nobody
/// has to guess whether something was saved.
public final class Device: Sendable {
    let inner: SopuDevice
    /// How requests go out; `nil` is the library's own client.
    let transport: (any HttpClient)?
    /// The store works for one at a time, so one thread is enough.
    let local: Worker
    let network: Worker
    let feed: ChangeFeed
    let progress: SyncProgress

    init(_ inner: SopuDevice, _ transport: (any HttpClient)?) {
        self.inner = inner
        #if canImport(FoundationNetworking)
            self.transport = transport
        #else
            // The library for Apple's platforms has no client of its own.
            self.transport = transport ?? URLSessionTransport()
        #endif
        local = Worker("store")
        network = Worker("network", concurrent: true)
        feed = ChangeFeed(of: inner)
        progress = SyncProgress()
    }

    /// Opens the store at this path, making it if there is none.
    ///
    /// - Parameters:
    ///   - store: the file's path.
    ///   - instanceDir: a folder that backups and device transfers leave out.
    ///   - keys: see ``Keys``. `SopuError.Storage(why: "wrong_key")` says that they are not this file's.
    ///   - transport: how requests go out; if `nil`, a ``URLSessionTransport`` on Apple's platforms and the library's
    ///     own client on Linux.
    public static func open(
        store: String, instanceDir: String, keys: Keys, transport: (any HttpClient)? = nil
    ) async throws -> Device {
        let opened = try await Worker("open").run {
            try SopuDevice.open(
                store: store, instanceDir: instanceDir, key: keys.device, storeKey: keys.store)
        }
        return Device(opened, transport)
    }

    /// Opens a store of which `open` said that it is `damaged`: what can be read of it, unsent work first,
    /// goes into a new one, and the next sync brings the rest. The damaged files stay beside it, as long as nothing in
    /// them has to be gone.
    public static func salvage(
        store: String, instanceDir: String, keys: Keys, transport: (any HttpClient)? = nil
    ) async throws -> Device {
        let opened = try await Worker("open").run {
            try SopuDevice.salvage(
                store: store, instanceDir: instanceDir, key: keys.device, storeKey: keys.store)
        }
        return Device(opened, transport)
    }

    /// Lets go of the store's file: ends what still runs and waits for it; from then on every call throws
    /// `SopuError.Closed`. Also a cancelled task gets it done.
    public func close() async {
        let inner = self.inner
        // First: a list does not wait for what is still under way, nor does the feed ask a core that answers at once.
        feed.end()
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            // Not behind the calls that wait for the store: it has to end them.
            network.start {
                inner.shut()
                done.resume()
            }
        }
        progress.finish()
    }

    /// Takes away a store that was closed, with all that stands beside it, the damaged files that a salvage kept too, and
    /// its instance folder unless something else is in it. Unsent work is gone then. Again does nothing. Then forget
    /// the keys.
    ///
    /// - Parameters:
    ///   - store: the file's path, as given to `open`.
    ///   - instanceDir: the folder given to `open`.
    /// - Throws: `SopuError.Storage(why: "no_folder")` if something cannot be taken away; do it again.
    public static func remove(store: String, instanceDir: String) async throws {
        try await Worker("remove").run {
            try removeInstallation(store: store, instanceDir: instanceDir)
        }
    }

    /// Encrypts the whole store anew with another key. All of it happens or nothing: keep both keys until this
    /// returns.
    public func changeStoreKey(to key: Data) async throws {
        try await here { try $0.changeStoreKey(storeKey: key) }
    }

    /// Who this device is. `SopuError.Enrol` says that it never enrolled.
    public func identity() async throws -> Identity {
        try await here { try $0.identity() }
    }

    /// Whether the relay asked this device to enrol again, because its store exists twice.
    public func mustEnrolAgain() async throws -> Bool {
        try await here { try $0.mustEnrolAgain() }
    }

    /// The spaces this device takes part in.
    public func spaces() async throws -> [Space] {
        try await here { try $0.spaces() }
    }

    /// Spaces held but shown no more, because the right to them has ended: for telling the person so.
    public func sealedSpaces() async throws -> [Space] {
        try await here { try $0.sealedSpaces() }
    }

    /// The people of a space, as the relay told last; those who have left too.
    public func members(of space: String) async throws -> [Member] {
        try await here { try $0.members(space: space) }
    }

    /// Says what app this is in, its name and version, for the office's list of devices.
    public func setApp(_ app: String) async throws {
        try await here { try $0.setApp(app: app) }
    }

    /// Relay clock minus device clock as last measured, milliseconds.
    public func clockOffsetMs() async throws -> Int64? {
        try await here { try $0.clockOffsetMs() }
    }

    /// Breaks inside, so that an app can see what its reporting makes of it: always
    /// `SopuError.Defect(code: "panic")`, and everything works on.
    public func rehearseDefect() async throws {
        try await here { try $0.rehearseDefect() }
    }

    /// Works with the store.
    func here<T: Sendable>(_ work: @escaping @Sendable (SopuDevice) throws -> T) async throws -> T {
        let inner = self.inner
        return try await local.run { try work(inner) }
    }
}
