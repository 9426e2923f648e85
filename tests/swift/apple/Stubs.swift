// Of Apple's frameworks what `Keychain` and `BackgroundTask` call, so that they are type-checked where these are not.
// Stand-ins: they do nothing.
import Dispatch
import Foundation

public typealias OSStatus = Int32
typealias CFString = String
typealias CFTypeRef = Any
typealias CFDictionary = [CFString: Any]

let errSecSuccess: OSStatus = 0
let errSecItemNotFound: OSStatus = -25_300
let errSecDuplicateItem: OSStatus = -25_299
let kSecClass = "class"
let kSecClassGenericPassword = "genp"
let kSecAttrService = "svce"
let kSecAttrAccount = "acct"
let kSecAttrAccessible = "pdmn"
let kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly = "cku"
let kSecUseDataProtectionKeychain = "nleg"
let kSecReturnData = "r_Data"
let kSecValueData = "v_Data"

func SecItemAdd(_: CFDictionary, _: UnsafeMutablePointer<CFTypeRef?>?) -> OSStatus { 0 }
func SecItemCopyMatching(_: CFDictionary, _: UnsafeMutablePointer<CFTypeRef?>?) -> OSStatus { 0 }
func SecItemDelete(_: CFDictionary) -> OSStatus { 0 }

class BGTask {
    var expirationHandler: (() -> Void)?
    func setTaskCompleted(success _: Bool) {}
}

class BGTaskRequest {
    var earliestBeginDate: Date?
}

final class BGAppRefreshTaskRequest: BGTaskRequest {
    init(identifier _: String) {}
}

final class BGTaskScheduler: Sendable {
    static let shared = BGTaskScheduler()
    func register(
        forTaskWithIdentifier _: String, using _: DispatchQueue?, launchHandler _: @escaping (BGTask) -> Void
    ) -> Bool { true }
    func submit(_: BGTaskRequest) throws {}
    func cancel(taskRequestWithIdentifier _: String) {}
}
