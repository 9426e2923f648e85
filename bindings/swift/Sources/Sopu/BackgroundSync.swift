/// One turn in the background, as platforms give it: a short time, cut off whenever they like.
public struct BackgroundSync: Sendable {
    /// What came of it.
    public struct Outcome: Equatable, Sendable {
        /// Whether the platform may count it as done.
        public var succeeded: Bool
        /// There is more to exchange: ask for another turn soon.
        public var more: Bool
        /// Things came or went that a person should hear of: something was held or refused.
        public var tellPerson: Bool
        /// The relay ordered a wipe: forget the keys.
        public var wiped: Bool
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
        do {
            let report = try await device().sync(withinMs: budgetMs)
            return Outcome(
                succeeded: true, more: report.more, tellPerson: report.rejected > 0,
                wiped: report.wiped)
        } catch let error as SopuError where !error.passesByItself {
            // Asking again would change nothing until a person has done something.
            return Outcome(succeeded: false, more: false, tellPerson: true, wiped: false)
        } catch {
            return Outcome(succeeded: false, more: true, tellPerson: false, wiped: false)
        }
    }

    /// When to ask for the next turn, seconds from now.
    public static func nextSeconds(after outcome: Outcome) -> Double? {
        if outcome.wiped || (!outcome.succeeded && !outcome.more) { return nil }
        return outcome.more ? 60 : 15 * 60
    }
}
