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
            terminal.type("enrol \(relay.url) \(try relay.invite(name).code) puhelin")
            try terminal.shows("laite on nyt: \(name)")
            try terminal.shows("vaihdettu")
        }

        relay.stop()
        aino.type("new Kävin pohjoispellolla")
        try aino.shows("tallennettu")
        aino.type("handover Avain naapurissa")
        try aino.shows("tallennettu")
        aino.type("sync")
        try aino.shows("ei yhteyttä")
        aino.type("day")
        try aino.shows("1. Kävin pohjoispellolla [puhelimessa]")
        try relay.startAgain()
        try settle(aino)
        aino.type("day")
        try aino.shows("1. Kävin pohjoispellolla [kirjattu]")

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
