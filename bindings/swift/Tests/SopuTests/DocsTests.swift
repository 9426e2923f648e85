import Foundation
import Sopu
import Testing

/// The code of `docs/swift.md`, run.
@MainActor
@Suite
struct DocsTests {
    @Test("From nothing to a saved note, and to a sync")
    func samples() async throws {
        let server = try Relay()
        let scanned = "\(server.url)/enrol#\(try server.invite("Aino").code)"
        let folder = try server.home("Aino").path
        func show(_: Any) {}
        // begin: save
        let keys = Keys.new(encrypted: false)  // once; from then on out of the Keychain
        let device = try await Device.open(
            store: folder + "/sopu.db", instanceDir: folder + "/instance", keys: keys)
        let invitation = try readInvitation(text: scanned)  // the office's QR code
        try await device.enrol(relay: invitation.relay, code: invitation.code, name: "Aino's phone")
        try await device.sync()  // brings the spaces

        var note = VisitNote()
        note.summary = "Kävin pohjoispellolla"
        let space = try await device.spaces()[0].id
        let form = try await device.create(in: space, note)  // durable, with or without a network
        // end
        #expect(try await device.status(of: form.id).stage == .here)
        // begin: sync
        form.value.handover = "Avain naapurissa"
        let saved = try await form.save()
        for part in saved.ignored { print("not written: \(part.path), \(part.code)") }

        let syncing = Task { try await device.keepInSync() }  // until cancelled
        for await state in device.syncStates where state == .upToDate { break }
        for try await page in device.live(Query(kind: .visitNote)) {
            print(page.rows.map(\.title))  // and again whenever something changed
            break
        }
        syncing.cancel()
        // end
        #expect(saved.changed && saved.ignored.isEmpty)
        #expect(try await device.status(of: form.id).stage != .here)

        let showing = Task {
            // begin: follow
            for try await backlog in device.live({ try await $0.backlog() }) {
                show(backlog)  // what is not in the record yet
            }
            // end
        }
        let following = Task { try await form.keepFresh() }
        showing.cancel()
        following.cancel()
        _ = try await (showing.value, following.value)

        let store = folder + "/sopu.db"
        let instanceDir = folder + "/instance"
        // begin: wipe
        await device.close()
        try await Device.remove(store: store, instanceDir: instanceDir)
        // then Keychain.forget()
        // end
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    }

    @Test("The documentation quotes what is run here")
    func quotes() throws {
        let here = URL(fileURLWithPath: #filePath)
        let root = (0..<5).reduce(here) { url, _ in url.deletingLastPathComponent() }
        let docs = try String(contentsOf: root.appendingPathComponent("docs/swift.md"), encoding: .utf8)
        let source = try String(contentsOf: here, encoding: .utf8)
        for name in ["save", "sync", "follow", "wipe"] {
            let quoted = try #require(between("<!-- sample: \(name) -->\n```swift\n", "```", in: docs))
            let run = try #require(between("// begin: \(name)\n", "// end", in: source))
            let lines = run.split(separator: "\n", omittingEmptySubsequences: false)
            let indent = try #require(lines.first).prefix { $0 == " " }
            let shifted = lines.map { $0.hasPrefix(indent) ? $0.dropFirst(indent.count) : $0 }
            #expect(shifted.joined(separator: "\n") == quoted)
        }
    }

    /// The folder that `bindings/swift/documentation` made.
    private nonisolated static let reference = ProcessInfo.processInfo.environment["SOPU_SWIFT_DOCS"]

    @Test("Every public symbol says what it is", .enabled(if: reference != nil))
    func documented() throws {
        let symbols = URL(fileURLWithPath: try #require(Self.reference)).appendingPathComponent("symbols")
        let graph = try JSONDecoder().decode(
            SymbolGraph.self, from: Data(contentsOf: symbols.appendingPathComponent("Sopu.symbols.json")))
        #expect(graph.symbols.count > 500)
        let silent = graph.symbols.filter { ($0.docComment?.lines ?? []).isEmpty }
        let names = silent.map { $0.pathComponents.joined(separator: ".") }.sorted()
        #expect(names == [])
    }

    private func between(_ start: String, _ end: String, in text: String) -> String? {
        guard let start = text.range(of: start) else { return nil }
        guard let end = text.range(of: end, range: start.upperBound..<text.endIndex) else { return nil }
        return String(text[start.upperBound..<end.lowerBound])
    }
}

/// What the compiler writes down of a module's symbols, as far as it is asked for here.
private struct SymbolGraph: Decodable {
    struct Symbol: Decodable {
        struct Comment: Decodable {
            struct Line: Decodable {
                let text: String
            }
            let lines: [Line]
        }
        let pathComponents: [String]
        let docComment: Comment?
    }
    let symbols: [Symbol]
}
