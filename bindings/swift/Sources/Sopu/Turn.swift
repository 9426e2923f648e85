/// One after the other on the main actor: a save begun while another runs would build on the wrong version.
@MainActor
final class Turn {
    private var taken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    nonisolated init() {}

    func take<T>(_ work: @MainActor () async throws -> T) async throws -> T {
        if taken {
            await withCheckedContinuation { waiting.append($0) }
        }
        taken = true
        defer {
            // Handed on, not let go: nobody can come between.
            if waiting.isEmpty { taken = false } else { waiting.removeFirst().resume() }
        }
        return try await work()
    }
}
