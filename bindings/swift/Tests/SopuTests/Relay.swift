import Foundation
import Sopu

/// A real `sopu serve` on loopback with data of its own, one organisation and one space, "Koivula".
final class Relay: @unchecked Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let folder: URL
    private(set) var url = ""
    private var server: Process?
    private let lock = NSLock()
    private var people = 0

    /// The `sopu` program: `SOPU_BIN`, or the one `cargo build` left.
    static var program: String {
        let environment = ProcessInfo.processInfo.environment
        if let program = environment["SOPU_BIN"], !program.isEmpty { return program }
        let repository = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let target = environment["CARGO_TARGET_DIR"] ?? repository.path + "/target"
        return target + "/debug/sopu"
    }

    init() throws {
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("sopu-swift-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try sopu("org", "add", "Hoiva Oy")
        try sopu("space", "add", "Koivula")
        try start()
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(at: folder)
    }

    /// One command on the data folder; gives what it printed.
    @discardableResult
    func sopu(_ words: String...) throws -> String {
        let process = Process()
        let (out, errors) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: Self.program)
        process.arguments = ["--data", data] + words
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = out
        process.standardError = errors
        try process.run()
        let said = out.fileHandleForReading.readDataToEndOfFile()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "sopu \(words): \(String(decoding: complaint, as: UTF8.self))")
        }
        return String(decoding: said, as: UTF8.self)
    }

    func start(listen: String = "127.0.0.1:0") throws {
        let process = Process()
        let out = Pipe()
        process.executableURL = URL(fileURLWithPath: Self.program)
        process.arguments = ["--data", data, "serve", "--listen", listen]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = out
        process.standardError = FileHandle.nullDevice
        try process.run()
        server = process
        var said = ""
        while !said.contains("\n") {
            let more = out.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Failure(description: "sopu serve did not start: \(said)") }
            said += String(decoding: more, as: UTF8.self)
        }
        guard let address = said.range(of: "http://[0-9.:]+", options: .regularExpression) else {
            throw Failure(description: "sopu serve named no address: \(said)")
        }
        url = String(said[address])
    }

    /// As a power cut does.
    func stop() {
        guard let server else { return }
        kill(server.processIdentifier, SIGKILL)
        server.waitUntilExit()
        self.server = nil
    }

    /// The same address again.
    func startAgain() throws {
        try start(listen: String(url.dropFirst("http://".count)))
    }

    /// A new person with a role in the space; gives the name and an invite code.
    func invite(_ firstName: String, role: String = "field") throws -> (name: String, code: String) {
        let number = lock.withLock {
            people += 1
            return people
        }
        let name = "\(firstName) \(number)"
        try sopu("member", "add", name)
        try sopu("space", "grant", "Koivula", "--member", name, "--role", role)
        let code = try sopu("invite", "add", name).split(separator: "\n")[0]
        return (name, String(code))
    }

    /// Where a device keeps its store.
    func home(_ name: String) throws -> URL {
        let home = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
        return home
    }

    /// An enrolled device of a new person, in sync.
    func device(
        _ firstName: String, role: String = "field", through: String? = nil,
        transport: (any HttpClient)? = nil
    ) async throws -> Device {
        let person = try invite(firstName, role: role)
        let home = try home(person.name)
        let device = try await Device.open(
            store: home.path + "/sopu.db", instanceDir: home.path + "/instance",
            keys: .new(encrypted: false), transport: transport)
        try await device.enrol(
            relay: through ?? url, code: person.code, name: "\(firstName)'s phone")
        try await device.sync()
        return device
    }

    private var data: String { folder.appendingPathComponent("relay").path }
}

extension Device {
    /// The one space devices have here.
    func space() async throws -> String {
        guard let space = try await spaces().first else { throw Relay.Failure(description: "no space") }
        return space.id
    }
}

/// Waits for what comes about by itself: the relay merges off the request path.
func until(
    _ seconds: Double = 60, _ holds: () async throws -> Bool
) async throws {
    let end = Date().addingTimeInterval(seconds)
    while try await !holds() {
        guard Date() < end else { throw Relay.Failure(description: "did not come about in time") }
        try await Task.sleep(nanoseconds: 50_000_000)
    }
}

/// Syncs until every device's work is in the record and has come to all others.
func syncAll(_ devices: Device...) async throws {
    try await until {
        for device in devices { try await device.sync() }
        for device in devices {
            let backlog = try await device.backlog()
            if backlog.here + backlog.server > 0 { return false }
        }
        return true
    }
    for device in devices { try await device.sync() }
}
