import Sopu
import Testing

/// Two people's devices at one relay, enrolled and in sync: what a suite about them builds on.
@MainActor
class TwoDevices {
    let relay: Relay
    let aino: Device
    let eero: Device
    let space: String

    init() async throws {
        relay = try Relay()
        aino = try await relay.device("Aino")
        eero = try await relay.device("Eero")
        space = try await aino.space()
    }

    /// A new note of this device; gives its id.
    func note(_ device: Device, _ summary: String) async throws -> String {
        var note = VisitNote()
        note.summary = summary
        return try await device.create(in: space, note).id
    }

    /// Opens a note on this device.
    func open(_ device: Device, _ doc: String) async throws -> Form<VisitNote> {
        try await device.open(doc, as: VisitNote.self)
    }

    /// A second space that Aino works in, "Mäkelä".
    func otherSpace() async throws -> String {
        try relay.sopu("space", "add", "Mäkelä")
        let me = try await aino.identity().memberName
        try relay.sopu("space", "grant", "Mäkelä", "--member", me, "--role", "field")
        try await until {
            try await aino.sync()
            return try await aino.spaces().count == 2
        }
        return try #require(try await aino.spaces().first { $0.name == "Mäkelä" }).id
    }
}
