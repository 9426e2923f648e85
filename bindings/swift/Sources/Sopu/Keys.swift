import Foundation

/// The two secrets of an installation. Both belong into the platform's keystore and into no backup; a
/// store is worth nothing to other keys.
public struct Keys: Sendable {
    /// The device's own key, 32 bytes: it signs what is written here.
    public var device: Data
    /// What the store's file is encrypted with, 32 bytes; `nil` leaves it plain.
    public var store: Data?

    /// Keys kept earlier.
    public init(device: Data, store: Data? = nil) {
        self.device = device
        self.store = store
    }

    /// New keys. `encrypted` takes a library built with SQLCipher; another one says `no_encryption`.
    public static func new(encrypted: Bool) -> Keys {
        Keys(device: newKey(), store: encrypted ? newKey() : nil)
    }
}
