import Foundation
import Sopu
import Testing

/// The program of `example/`, as a person uses it.
@Suite(.enabled(if: Terminal.program != nil, "SOPU_EXAMPLE names the built program"))
struct ExampleTests {
    @Test("Two people keep notes offline, sync, and settle a conflict at a terminal")
    func day() throws {
        let relay = try Relay()
        let aino = try Terminal(relay.home("Aino"))
        let eero = try Terminal(relay.home("Eero"))
        for (terminal, name) in [(aino, "Aino"), (eero, "Eero")] {
            terminal.type("day")
            try terminal.shows("ei kirjauksia")
            terminal.type("new Ei vielä liitetty")
            try terminal.shows("liitä laite")
            terminal.type("enrol WIFI:S:Kahvila;; puhelin")
            try terminal.shows("tämä ei ole kutsu")
            try enrol(terminal, relay, name)
        }

        relay.stop()
        aino.type("new Kävin pohjoispellolla")
        try aino.shows("tallennettu (Koivula)")
        aino.type("handover Avain naapurissa")
        try aino.shows("tallennettu")
        aino.type("sync")
        try aino.shows("ei yhteyttä")
        aino.type("day")
        try aino.shows("1. Kävin pohjoispellolla [puhelimessa]")
        aino.type("pending")
        try aino.shows("Kävin pohjoispellolla [puhelimessa]")
        try relay.startAgain()
        try settle(aino)
        aino.type("day")
        try aino.shows("1. Kävin pohjoispellolla [kirjattu]")
        aino.type("pending")
        try aino.shows("kaikki on kirjattu")
        aino.type("day 2020-01-01")
        try aino.shows("ei kirjauksia")

        try settle(eero)
        eero.type("find pohjoispellolla")
        try eero.shows("1. Kävin pohjoispellolla")
        eero.type("open 1")
        try eero.shows("Avain naapurissa")
        for (terminal, outcome) in [(aino, "as_planned"), (eero, "client_absent")] {
            terminal.type("outcome \(outcome)")
            try terminal.shows("tallennettu")
        }
        try settle(aino)
        try settle(eero)
        try settle(aino)
        aino.type("day")
        try aino.shows("!")
        aino.type("open 1")
        try aino.shows("ristiriita: outcome")
        let first = try aino.shows("  1. ")
        aino.type("choose 1")
        try aino.shows("tallennettu")
        try settle(aino)
        try settle(eero)
        eero.type("open 1")
        eero.type("choose 1")
        try eero.shows("ei ristiriitoja")
        eero.type("outcome \(first.contains("as_planned") ? "as_planned" : "client_absent")")
        try eero.shows("mikään ei muuttunut")
        #expect(aino.quit() == 0)
        #expect(eero.quit() == 0)
    }

    @Test("What could not be saved stays until it is mended or taken back")
    func failedSave() throws {
        let relay = try Relay()
        let aino = try Terminal(relay.home("Aino"))
        try enrol(aino, relay, "Aino")
        aino.type("new Aamulla")
        try aino.shows("tallennettu (Koivula)")
        aino.type("km kaksitoista")
        try aino.shows("ei vielä tallessa")
        try aino.shows("arvo ei kelpaa: km")
        aino.type("handover Avain naapurissa")
        try aino.shows("arvo ei kelpaa: km")
        aino.type("close")
        try aino.shows("arvo ei kelpaa: km")
        aino.type("km 12,5")
        try aino.shows("tallennettu")
        aino.type("show")
        try aino.shows("Avain naapurissa")
        try aino.shows("12.5 km")
        aino.type("km kaksitoista")
        try aino.shows("arvo ei kelpaa: km")
        aino.type("undo")
        try aino.shows("12.5 km")
        aino.type("close")
        aino.type("show")
        try aino.shows("avaa ensin kirjaus")
        #expect(aino.quit() == 0)
    }

    @Test("Kept in sync, a day's list shows a colleague's note by itself; a reader writes nothing")
    func online() throws {
        let relay = try Relay()
        let aino = try Terminal(relay.home("Aino"))
        let reader = try Terminal(relay.home("Lukija"))
        try enrol(aino, relay, "Aino")
        try enrol(reader, relay, "Lukija", role: "reader")
        reader.type("new Ei onnistu")
        try reader.shows("et voi kirjoittaa")
        for terminal in [aino, reader] {
            terminal.type("day")
            try terminal.shows("ei kirjauksia")
            terminal.type("online")
            try terminal.shows("ajan tasalla")
        }
        aino.type("new Näkyy heti")
        try reader.shows("1. Näkyy heti")
        relay.stop()
        try reader.shows("ei yhteyttä")
        reader.type("offline")
        try reader.shows("yhteys lopetettu")
        #expect(reader.quit() == 0)
        #expect(aino.quit() == 0)
    }

    @Test("A device that the office cuts off leaves nothing behind")
    func wiped() throws {
        let relay = try Relay()
        let home = try relay.home("Aino")
        let aino = try Terminal(home)
        try enrol(aino, relay, "Aino")
        aino.type("online")
        try aino.shows("ajan tasalla")
        let list = try relay.sopu("device", "list")
        try relay.sopu("device", "revoke", String(list.prefix { $0 != " " }))
        try aino.shows("tämä laite on tyhjennetty")
        #expect(aino.quit() == 0)
        #expect(try FileManager.default.subpathsOfDirectory(atPath: home.path) == [])
    }

    private func enrol(_ terminal: Terminal, _ relay: Relay, _ name: String, role: String = "field") throws {
        terminal.type("enrol \(relay.url)/enrol#\(try relay.invite(name, role: role).code) puhelin")
        try terminal.shows("laite on nyt: \(name)")
        try terminal.shows("vaihdettu")
    }

    /// Syncs until all is in the record.
    private func settle(_ terminal: Terminal) throws {
        for _ in 0..<100 {
            terminal.type("sync")
            let said = try terminal.shows("vaihdettu")
            if said.contains("[]") || said.contains("[kirjattu]") || said.contains("[nähty") { return }
            Thread.sleep(forTimeInterval: 0.1)
        }
        throw Relay.Failure(description: "did not come into the record")
    }
}

/// The program with a person in front of it.
final class Terminal {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var rest = ""

    static var program: String? {
        ProcessInfo.processInfo.environment["SOPU_EXAMPLE"]
    }

    init(_ home: URL) throws {
        process.executableURL = URL(fileURLWithPath: Self.program ?? "")
        process.arguments = [home.path]
        process.environment = ["LANG": "fi_FI.UTF-8"]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        // Rather than wait for words that never come.
        DispatchQueue.global().asyncAfter(deadline: .now() + 120) { [process] in
            if process.isRunning { process.terminate() }
        }
    }

    func type(_ line: String) {
        input.fileHandleForWriting.write(Data("\(line)\n".utf8))
    }

    /// Reads on until a line that has these words; gives that line.
    @discardableResult
    func shows(_ words: String) throws -> String {
        var seen: [String] = []
        while true {
            while let end = rest.firstIndex(of: "\n") {
                let line = String(rest[..<end])
                rest = String(rest[rest.index(after: end)...])
                seen.append(line)
                if line.contains(words) { return line }
            }
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Relay.Failure(description: "it ended, with \(seen), without \(words)") }
            rest += String(decoding: more, as: UTF8.self)
        }
    }

    /// Its exit code.
    func quit() -> Int32 {
        type("quit")
        process.waitUntilExit()
        return process.terminationStatus
    }

    deinit {
        if process.isRunning { process.terminate() }
    }
}
