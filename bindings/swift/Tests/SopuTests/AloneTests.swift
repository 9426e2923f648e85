import Foundation
import Sopu
import Testing

/// A device without a relay.
@MainActor
@Suite
struct AloneTests {
    let home: URL
    let keys = Keys.new(encrypted: false)

    init() throws {
        home = FileManager.default.temporaryDirectory
            .appendingPathComponent("sopu-swift-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
    }

    private func open(_ keys: Keys) async throws -> Device {
        try await Device.open(
            store: home.path + "/sopu.db", instanceDir: home.path + "/instance", keys: keys)
    }

    @Test("A device that never enrolled says so")
    func neverEnrolled() async throws {
        let device = try await open(keys)
        await #expect(throws: SopuError.Enrol) { try await device.identity() }
        await #expect(throws: SopuError.Enrol) { try await device.sync() }
        await #expect(throws: SopuError.Enrol) { try await device.keepInSync() }
        #expect(device.syncState == .ended(.Enrol))
    }

    @Test("Without a network enrolling says offline")
    func offline() async throws {
        let device = try await open(keys)
        await #expect(throws: SopuError.Offline) {
            try await device.enrol(relay: "http://127.0.0.1:9", code: "CODE", name: "phone")
        }
    }

    @Test("Arguments that make no sense name themselves")
    func arguments() async throws {
        let device = try await open(keys)
        await #expect(throws: SopuError.BadValue(path: "doc", code: "unreadable")) {
            try await device.open("not an id", as: VisitNote.self)
        }
        await #expect(throws: SopuError.BadValue(path: "key", code: "unreadable")) {
            try await open(Keys(device: Data("short".utf8)))
        }
    }

    @Test("An error says what to do")
    func messages() async throws {
        let device = try await open(keys)
        do {
            try await device.sync()
            Issue.record("it synced")
        } catch {
            #expect(error.localizedDescription == "this device is not enrolled: ask for an invite code and enrol")
            #expect("\(error)" == error.localizedDescription)
        }
    }

    @Test("A panic inside is a typed error, and the device works on")
    func panic() async throws {
        let device = try await open(keys)
        await #expect(throws: SopuError.Defect(code: "panic")) {
            try await device.rehearseDefect()
        }
        #expect(try await device.spaces().isEmpty)
    }

    @Test("A closed device says so, and its store can be opened again")
    func closed() async throws {
        let device = try await open(keys)
        var pages = device.live().makeAsyncIterator()
        var states = device.syncStates.makeAsyncIterator()
        #expect(try await pages.next()?.total == 0)
        #expect(await states.next() == .idle)
        await device.close()
        await device.close()
        #expect(try await pages.next() == nil, "the list ended with the device")
        #expect(await states.next() == nil, "and so did its states")
        await #expect(throws: SopuError.Closed) { try await device.keepInSync() }
        await #expect(throws: SopuError.Closed) { try await device.spaces() }
        #expect(try await open(keys).spaces().isEmpty)
    }
}
