#if canImport(Security)
    import Foundation
    import Security

    /// Keys in the Keychain: on this device only, in no backup, readable in the background once the phone has been
    /// unlocked after its start.
    public struct Keychain: Sendable {
        /// The Keychain said no.
        public struct Failure: Error, Equatable {
            /// As `SecCopyErrorMessageString` takes it.
            public let status: OSStatus
        }

        private let service: String

        /// - Parameter service: the app's name for them, for example its bundle identifier.
        public init(service: String) {
            self.service = service
        }

        /// The keys kept here; new ones if there are none.
        public func keys(encrypted: Bool) throws -> Keys {
            let device = try read("device") ?? write("device", newKey())
            let store = encrypted ? try read("store") ?? write("store", newKey()) : nil
            return Keys(device: device, store: store)
        }

        /// Forgets the keys, as after a wipe.
        public func forget() throws {
            for account in ["device", "store"] {
                let status = SecItemDelete(item(account) as CFDictionary)
                guard status == errSecSuccess || status == errSecItemNotFound else {
                    throw Failure(status: status)
                }
            }
        }

        private func read(_ account: String) throws -> Data? {
            var query = item(account)
            query[kSecReturnData] = true
            var found: CFTypeRef?
            let status = SecItemCopyMatching(query as CFDictionary, &found)
            if status == errSecItemNotFound { return nil }
            guard status == errSecSuccess, let key = found as? Data else {
                throw Failure(status: status)
            }
            return key
        }

        private func write(_ account: String, _ key: Data) throws -> Data {
            var entry = item(account)
            entry[kSecValueData] = key
            entry[kSecAttrAccessible] = kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly
            let status = SecItemAdd(entry as CFDictionary, nil)
            // An extension of the app was faster: there is one key, the first.
            if status == errSecDuplicateItem, let first = try read(account) { return first }
            guard status == errSecSuccess else { throw Failure(status: status) }
            return key
        }

        private func item(_ account: String) -> [CFString: Any] {
            [
                kSecClass: kSecClassGenericPassword, kSecAttrService: service,
                kSecAttrAccount: account, kSecUseDataProtectionKeychain: true,
            ]
        }
    }
#endif
