#if canImport(BackgroundTasks) && os(iOS)
    import BackgroundTasks
    import Foundation

    /// Gives ``BackgroundSync`` its turns through `BGTaskScheduler`. The identifier is one of
    /// `BGTaskSchedulerPermittedIdentifiers` in the app's `Info.plist`.
    public struct BackgroundTask: Sendable {
        private let identifier: String
        private let sync: BackgroundSync

        /// - Parameters:
        ///   - identifier: one of `BGTaskSchedulerPermittedIdentifiers`.
        ///   - sync: what each turn does.
        public init(identifier: String, sync: BackgroundSync) {
            self.identifier = identifier
            self.sync = sync
        }

        /// Asks for turns from now on. Call before the app has finished launching.
        /// - Parameter heard: told what each turn did: tell the person, or forget the keys after a wipe.
        /// - Returns: whether the platform took it; not if the identifier is not permitted.
        @discardableResult
        public func register(heard: @escaping @Sendable (BackgroundSync.Outcome) -> Void) -> Bool {
            BGTaskScheduler.shared.register(forTaskWithIdentifier: identifier, using: nil) { task in
                // Asked for first: a turn that is cut off must not be the last.
                schedule(seconds: 15 * 60)
                let turn = Task {
                    let outcome = await sync.run()
                    if let seconds = BackgroundSync.nextSeconds(after: outcome) {
                        schedule(seconds: seconds)
                    } else {
                        BGTaskScheduler.shared.cancel(taskRequestWithIdentifier: identifier)
                    }
                    heard(outcome)
                    task.setTaskCompleted(success: outcome.succeeded)
                }
                task.expirationHandler = { turn.cancel() }
            }
        }

        /// Asks for the next turn. Call when the app goes into the background, too.
        /// - Parameter seconds: from now, at the earliest; the platform decides. No less than ``Device/pauseMs()`` says.
        public func schedule(seconds: Double) {
            let request = BGAppRefreshTaskRequest(identifier: identifier)
            request.earliestBeginDate = Date(timeIntervalSinceNow: seconds)
            // Refused in the simulator and where the person switched it off; syncing in the foreground remains.
            try? BGTaskScheduler.shared.submit(request)
        }
    }
#endif
