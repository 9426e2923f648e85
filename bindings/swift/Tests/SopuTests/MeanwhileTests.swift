import Foundation
import Testing

@testable import Sopu

/// What a person types, a colleague sends or an app cancels while a form is at work.
@MainActor
@Suite
final class MeanwhileTests: TwoDevices {
    /// Lets the calls begin, which wait for the store, and does this before any of them goes on.
    private func whileWaiting(_ calls: @escaping () -> Void, _ act: () -> Void) async throws {
        let free = DispatchSemaphore(value: 0)
        aino.local.start { free.wait() }
        defer { free.signal() }
        calls()
        try await Task.sleep(nanoseconds: 100_000_000)
        act()
    }

    @Test("What is typed while a choice, a reopening or a read is under way stays")
    func typedMeanwhile() async throws {
        var note = VisitNote()
        note.summary = "Valmis"
        note.status = "started"
        let form = try await aino.create(in: space, note)
        form.value.status = "done"
        try await form.save()
        var running: Task<Void, any Error>?
        try await whileWaiting {
            running = Task { try await form.reopen("status", to: "started") }
        } _: {
            form.value.handover = "Kirjoitettu avatessa"
        }
        try await running?.value
        #expect(form.value.status == "started")
        #expect(form.value.handover == "Kirjoitettu avatessa")
        #expect(form.isEdited)

        try await whileWaiting {
            running = Task { try await form.refresh() }
        } _: {
            form.value.summary = "Kirjoitettu luettaessa"
        }
        try await running?.value
        #expect(form.value.summary == "Kirjoitettu luettaessa")
        #expect(form.value.handover == "", "edits made before a refresh are forgotten")
        try await form.save()
        #expect(
            try await aino.open(form.id, as: VisitNote.self).value.summary == "Kirjoitettu luettaessa")
    }

    @Test("An item put into an empty map leaves the items others put there")
    func emptyMap() throws {
        let (mine, theirs) = (ContractTests.item, ContractTests.price)
        let empty = Contract()
        var (after, merged) = (empty, empty)
        after.scopeItems[mine] = ContractTests.careContract().scopeItems[ContractTests.item]
        var visit = Contract.ScopeItem()
        visit.name = "Siivous"
        merged.scopeItems[theirs] = visit
        let both = try Edits.made(to: empty, giving: after, carriedTo: merged)
        #expect(Set(both.scopeItems.keys) == [mine, theirs])
        // And the other way: the last one taken out.
        merged.scopeItems[mine] = after.scopeItems[mine]
        let left = try Edits.made(to: after, giving: empty, carriedTo: merged)
        #expect(Set(left.scopeItems.keys) == [theirs])
        #expect(try Edits.made(to: after, giving: empty, carriedTo: after) == empty)
    }

    @Test("An item that a colleague took out comes back whole when the person types in it")
    func itemTakenOut() async throws {
        let (touched, untouched) = (newId(), newId())
        var note = VisitNote()
        for id in [touched, untouched] {
            var task = VisitNote.Task()
            task.planItem = "Suihku"
            task.state = "refused"
            note.tasks[id] = task
        }
        let form = try await aino.create(in: space, note)
        try await syncAll(aino, eero)
        let theirs = try await open(eero, form.id)
        theirs.value.tasks = [:]
        try await theirs.save()
        try await syncAll(eero, aino)

        var reading: Task<Void, any Error>?
        try await whileWaiting {
            reading = Task { try await form.refresh() }
        } _: {
            form.value.tasks[touched]?.reason = "Asiakas nukkui"
        }
        try await reading?.value
        var whole = try #require(note.tasks[touched])
        whole.reason = "Asiakas nukkui"
        #expect(form.value.tasks == [touched: whole])
        let saved = try await form.save()
        #expect(saved.ignored.isEmpty)
        try await syncAll(aino, eero)
        #expect(try await open(eero, form.id).value.tasks == form.value.tasks)
    }

    @Test("A lock seals only what was shown when it was asked for")
    func unseenTitle() async throws {
        let form = try await aino.create(in: space, ContractTests.careContract())
        try await syncAll(aino, eero)
        let other = try await eero.open(form.id, as: Contract.self)
        other.value.title = "Kotihoito ja siivous"
        try await other.save()
        try await syncAll(eero, aino)
        var running: [Task<Void, any Error>] = []
        try await whileWaiting {
            running = [Task { try await form.refresh() }]
            running.append(Task { try await form.lock() })
        } _: {
            #expect(form.value.title == "Kotihoito")
        }
        try await running[0].value
        await #expect(throws: SopuError.ReadAgain) { try await running[1].value }
        #expect(form.value.title == "Kotihoito ja siivous")
        #expect(try await !form.signingState().locked)
        try await form.lock()
        #expect(try await form.signingState().locked)
    }

    @Test("A note is moved with what was typed last")
    func moved() async throws {
        let form = try await aino.create(in: space, VisitNote())
        try await syncAll(aino)
        let other = try await otherSpace()
        form.value.summary = "Ei vielä tallennettu"
        let moved = try await form.move(to: other)
        #expect(!form.isEdited)
        #expect(try await aino.open(moved, as: VisitNote.self).value.summary == "Ei vielä tallennettu")
    }

    @Test("A cancelled task makes one document and opens it")
    func createdOnce() async throws {
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await aino.create(in: space, VisitNote()).id
        }
        let made = try await task.value
        #expect(try await aino.list().rows.map(\.id) == [made])
    }
}
