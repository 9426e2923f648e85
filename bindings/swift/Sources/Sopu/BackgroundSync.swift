/// One turn in the background, as platforms give it: a short time, cut off whenever they like.
public struct BackgroundSync: Sendable {
    /// What came of it.
    public struct Outcome: Equatable, Sendable {
        /// Whether the platform may count it as done.
        public var succeeded: Bool
        /// There is more to exchange, or it did not work now: ask for another turn soon.
        public var more: Bool
        /// A person should hear of it: something was held or refused, or it ended with `error`.
        public var tellPerson: Bool
        /// The relay ordered a wipe: forget the keys.
        public var wiped: Bool
        /// How long the relay is to be left alone, milliseconds: it asked for a pause, or exchanges keep failing.
        public var pauseMs: Int64 = 0
        /// Why it did not work, if it did not and the turn was not merely cut off.
        public var error: SopuError?
    }

    /// The device; opened by the turn itself if the app was not running.
    private let device: @Sendable () async throws -> Device
    private let budgetMs: UInt32

    /// - Parameters:
    ///   - budgetMs: how long it may begin requests; 20 s leave a refresh task of 30 s room to end.
    ///   - device: gives the app's device, opening it if need be.
    public init(budgetMs: UInt32 = 20_000, device: @escaping @Sendable () async throws -> Device) {
        self.budgetMs = budgetMs
        self.device = device
    }

    /// Exchanges what fits. Never throws, and a cancelled task ends it at once: everything exchanged until then
    /// stays, everything else is kept for the next turn.
    public func run() async -> Outcome {
        let device: Device
        do {
            device = try await self.device()
        } catch {
            return Self.failed(error, pauseMs: 0)
        }
        do {
            let report = try await device.sync(withinMs: budgetMs)
            return Outcome(
                succeeded: true, more: report.more, tellPerson: report.rejected > 0, wiped: report.wiped,
                pauseMs: await Self.pauseMs(of: device))
        } catch {
            return Self.failed(error, pauseMs: await Self.pauseMs(of: device))
        }
    }

    private static func failed(_ error: any Error, pauseMs: Int64) -> Outcome {
        guard let error = error as? SopuError else {
            // Cut off; or the app's own trouble on opening, such as a keystore that is still locked, which need not
            // be over in a minute.
            let pauseMs = error is CancellationError ? pauseMs : Self.regularMs
            return Outcome(succeeded: false, more: true, tellPerson: false, wiped: false, pauseMs: pauseMs)
        }
        // Asking again for what does not pass would change nothing until a person has done something.
        let passes = error.passesByItself
        return Outcome(
            succeeded: false, more: passes, tellPerson: !passes, wiped: false, pauseMs: pauseMs, error: error)
    }

    private static func pauseMs(of device: Device) async -> Int64 {
        // Whatever is wrong with the store, the turn itself has told it.
        (try? await device.pauseMs()) ?? 0
    }

    /// When to ask for the next turn, seconds from now: never before the relay's pause is over. `nil` when no turn
    /// helps until a person has done something.
    public static func nextSeconds(after outcome: Outcome) -> Double? {
        if outcome.wiped || (!outcome.succeeded && !outcome.more) { return nil }
        return Double(max(outcome.more ? soonMs : regularMs, outcome.pauseMs)) / 1_000
    }

    private static var soonMs: Int64 { 60_000 }
    private static var regularMs: Int64 { 900_000 }
}
