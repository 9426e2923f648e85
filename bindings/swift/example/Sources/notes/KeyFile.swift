import Foundation
import Sopu

/// Keys in a file only its owner can read, for a terminal without a keystore. A phone keeps them in the Keychain.
enum KeyFile {
    static func keys(at path: String) throws -> Keys {
        if let kept = FileManager.default.contents(atPath: path) {
            return Keys(device: kept)
        }
        let keys = Keys.new(encrypted: false)
        let made = FileManager.default.createFile(
            atPath: path, contents: keys.device, attributes: [.posixPermissions: 0o600])
        guard made else { throw SopuError.Storage(why: "no_folder") }
        return keys
    }

    /// As after a wipe.
    static func forget(at path: String) throws {
        try FileManager.default.removeItem(atPath: path)
    }
}
