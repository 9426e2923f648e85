import Dispatch

/// Runs what blocks on threads of its own: the threads Swift's tasks share are as many as there are
/// cores, and none of them may wait.
struct Worker: Sendable {
    private let queue: DispatchQueue

    /// One after the other, or side by side.
    init(_ name: String, concurrent: Bool = false) {
        queue = DispatchQueue(label: "sopu.\(name)", attributes: concurrent ? .concurrent : [])
    }

    /// The work's result. It is done also for a task that was cancelled: what a person wrote is saved, though the
    /// page is gone.
    func run<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { done in
            queue.async { done.resume(with: Result { try work() }) }
        }
    }

    /// Without waiting for it.
    func start(_ work: @escaping @Sendable () -> Void) {
        queue.async(execute: work)
    }
}
