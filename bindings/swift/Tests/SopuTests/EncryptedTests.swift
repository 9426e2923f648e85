import Foundation
import Sopu
import Testing

/// Stores whose files say nothing to whoever has no key. Needs a library built with SOPU_FEATURES=sqlcipher.
@MainActor
@Suite(.enabled(if: Library.encrypts, "this library was built without SQLCipher"))
struct EncryptedTests {
    let relay: Relay
    let home: URL
    let keys = Keys.new(encrypted: true)
    let rare = "kvartsiukko"
    /// The search index keeps no word whole.
    let trace = Data("artsiukko".utf8)
    let plain = Data("SQLite format 3".utf8)

    init() throws {
        relay = try Relay()
        home = try relay.home("phone")
    }

    @Test("An encrypted store works and its files say nothing")
    func works() async throws {
        let device = try await enrolled(keys)
        #expect(try !onDisk(trace) && !onDisk(plain))
        try await syncAll(device)
        await device.close()
        #expect(try !onDisk(trace) && !onDisk(plain))
        // An app that has another key, or none for once, is told so and not that the store is damaged.
        await #expect(throws: SopuError.Storage(why: "wrong_key")) {
            try await open(Keys(device: keys.device, store: newKey()))
        }
        await #expect(throws: SopuError.Storage(why: "wrong_key")) {
            try await open(Keys(device: keys.device))
        }
        #expect(try await found(open(keys)) == 1)
    }

    @Test("After a change of key the new one opens it and the old one does not")
    func anotherKey() async throws {
        let device = try await enrolled(keys)
        let next = newKey()
        try await device.changeStoreKey(to: next)
        #expect(try await found(device) == 1)
        await device.close()
        await #expect(throws: SopuError.Storage(why: "wrong_key")) { try await open(keys) }
        #expect(try await found(open(Keys(device: keys.device, store: next))) == 1)
    }

    @Test("A plain store is encrypted when it is opened with a key")
    func plainBefore() async throws {
        let before = try await enrolled(Keys(device: keys.device))
        await before.close()
        #expect(try onDisk(trace) && onDisk(plain))
        let device = try await open(keys)
        #expect(try await found(device) == 1)
        #expect(try !onDisk(trace) && !onDisk(plain))
        try await syncAll(device)
        await device.close()
        await #expect(throws: SopuError.Storage(why: "wrong_key")) {
            try await open(Keys(device: keys.device))
        }
    }

    private func open(_ keys: Keys) async throws -> Device {
        try await Device.open(
            store: home.path + "/sopu.db", instanceDir: home.path + "/instance", keys: keys)
    }

    private func enrolled(_ keys: Keys) async throws -> Device {
        let device = try await open(keys)
        try await device.enrol(relay: relay.url, code: relay.invite("Aino").code, name: "phone")
        try await device.sync()
        var note = VisitNote()
        note.summary = rare
        _ = try await device.create(in: device.space(), note)
        return device
    }

    private func found(_ device: Device) async throws -> Int {
        try await device.search(rare).rows.count
    }

    /// Whether any file of the store has this text in clear.
    private func onDisk(_ text: Data) throws -> Bool {
        let files = try FileManager.default.contentsOfDirectory(
            at: home, includingPropertiesForKeys: nil
        ).filter { $0.lastPathComponent.hasPrefix("sopu.db") }
        #expect(!files.isEmpty)
        return try files.contains { try Data(contentsOf: $0).range(of: text) != nil }
    }
}

enum Library {
    /// Whether it can encrypt. One that was to be built so must: then its tests run, and fail.
    static let encrypts: Bool = {
        let features = ProcessInfo.processInfo.environment["SOPU_FEATURES"] ?? ""
        let home = FileManager.default.temporaryDirectory
            .appendingPathComponent("sopu-swift-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: home) }
        try? FileManager.default.createDirectory(
            atPath: home, withIntermediateDirectories: true)
        let device = try? SopuDevice.open(
            store: home + "/sopu.db", instanceDir: home, key: newKey(), storeKey: newKey())
        device?.shut()
        return device != nil || features.contains("sqlcipher")
    }()
}
