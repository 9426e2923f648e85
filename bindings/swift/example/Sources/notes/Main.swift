import Foundation
import Sopu

/// `notes FOLDER`: commands from standard input; `help` lists them.
@main
struct Main {
    @MainActor
    static func main() async {
        setlinebuf(stdout)
        let words = Words(environment: ProcessInfo.processInfo.environment)
        let folder = CommandLine.arguments.dropFirst().first ?? "."
        do {
            let device = try await Device.open(
                store: folder + "/sopu.db", instanceDir: folder + "/instance",
                keys: KeyFile.keys(at: folder + "/key"))
            try await device.setApp("notes \(version())")
            let notes = Notes(device, words) { print($0) }
            while let line = await nextLine(), line != "quit" {
                await notes.run(line)
            }
            await device.close()
        } catch {
            print(words.advice(error))
            exit(1)
        }
    }

    /// Reading blocks, so it is not done on a thread that tasks share.
    private static func nextLine() async -> String? {
        await withCheckedContinuation { done in
            DispatchQueue.global().async { done.resume(returning: readLine()) }
        }
    }
}
