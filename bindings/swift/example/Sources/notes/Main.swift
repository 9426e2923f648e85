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
        let (store, instance, key) = (folder + "/sopu.db", folder + "/instance", folder + "/key")
        do {
            let device = try await Device.open(store: store, instanceDir: instance, keys: KeyFile.keys(at: key))
            try await device.setApp("notes \(version())")
            let notes = Notes(device, words) { print($0) }
            while !notes.isWiped, let line = await nextLine(), line != "quit" {
                await notes.run(line)
            }
            await notes.leave()
            await device.close()
            if notes.isWiped {
                try await Device.remove(store: store, instanceDir: instance)
                try KeyFile.forget(at: key)
            }
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
