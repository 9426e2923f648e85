import Foundation
import Sopu

/// An installation: where its store is, and its keys.
struct Phone: Sendable {
    let home: URL
    let keys = Keys.new(encrypted: false)

    var store: String { home.path + "/sopu.db" }
    var instanceDir: String { home.path + "/instance" }

    func open(transport: (any HttpClient)? = nil) async throws -> Device {
        try await Device.open(store: store, instanceDir: instanceDir, keys: keys, transport: transport)
    }

    func salvage() async throws -> Device {
        try await Device.salvage(store: store, instanceDir: instanceDir, keys: keys)
    }

    /// A device of a new person, in sync.
    func enrolled(
        at relay: Relay, _ firstName: String, role: String = "field", transport: (any HttpClient)? = nil
    ) async throws -> Device {
        let device = try await open(transport: transport)
        try await device.enrol(
            relay: relay.url, code: relay.invite(firstName, role: role).code, name: "\(firstName)'s phone")
        try await device.sync()
        return device
    }

    /// Changes the bytes of the store's file where they are, also while it is open.
    func damage(_ change: (inout Data) -> Void) throws {
        let file = URL(fileURLWithPath: store)
        var content = try Data(contentsOf: file)
        change(&content)
        let handle = try FileHandle(forUpdating: file)
        try handle.write(contentsOf: content)
        try handle.close()
    }

    /// What there is of the store and beside it, and in the instance folder.
    func files() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: home.path).sorted()
    }
}

extension Relay {
    /// A phone without a store yet.
    func phone(_ name: String) throws -> Phone {
        Phone(home: try home(name))
    }
}
