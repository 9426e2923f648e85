import Foundation
import Sopu
import Testing

/// Two people, two devices, one relay: what a field worker's app relies on.
@MainActor
@Suite
final class TwoDevicesTests: TwoDevices {
    @Test("Enrolling tells who one is, where one belongs and who else is there")
    func enrolling() async throws {
        let me = try await aino.identity()
        #expect(me.memberName.hasPrefix("Aino"))
        #expect(me.orgName == "Hoiva Oy")
        let spaces = try await aino.spaces()
        #expect(spaces.map(\.name) == ["Koivula"])
        #expect(spaces.map(\.role) == ["field"])
        try await aino.sync()
        let names = try await aino.members(of: space).map(\.name)
        #expect(names.contains { $0.hasPrefix("Eero") })
        #expect(try await !aino.mustEnrolAgain())
        #expect(try await aino.sealedSpaces().isEmpty)
    }

    @Test("Notes written apart are on both devices after a sync")
    func notesApart() async throws {
        let mine = try await note(aino, "Kävin pohjoispellolla")
        let theirs = try await note(eero, "Lääkkeet annettu aamulla")
        try await syncAll(aino, eero)
        #expect(try await open(eero, mine).value.summary == "Kävin pohjoispellolla")
        #expect(try await open(aino, theirs).value.summary == "Lääkkeet annettu aamulla")
    }

    @Test("All three kinds are made, read and saved, and only as themselves")
    func threeKinds() async throws {
        func saves<C: Content>(_ empty: C, _ field: WritableKeyPath<C, String>) async throws {
            var value = empty
            value[keyPath: field] = "a"
            let form = try await aino.create(in: space, value)
            #expect(!form.isEdited)
            form.value[keyPath: field] = "b"
            #expect(form.isEdited)
            #expect(try await form.save().changed)
            #expect(try await !form.save().changed, "nothing differs any more")
            #expect(try await aino.open(form.id, as: C.self).value[keyPath: field] == "b")
        }
        try await saves(Contract(), \.scopeText)
        try await saves(VisitNote(), \.summary)
        var listing = ServiceListing()
        listing.soteriId = "S-1"
        let form = try await aino.create(in: space, listing)
        #expect(try await aino.open(form.id, as: ServiceListing.self).value.soteriId == "S-1")
        let doc = try await note(aino, "Käynti")
        await #expect(throws: SopuError.BadValue(path: "kind", code: "other_kind")) {
            try await aino.open(doc, as: Contract.self)
        }
    }

    @Test("A form left open does not undo a colleague")
    func formLeftOpen() async throws {
        let doc = try await note(aino, "Aamulla.")
        try await syncAll(aino, eero)
        let left = try await open(aino, doc)
        let other = try await open(eero, doc)
        other.value.handover = "Avain naapurissa."
        try await other.save()
        try await syncAll(eero, aino)
        left.value.summary = "Aamulla ja illalla."
        try await left.save()
        try await left.refresh()
        #expect(left.value.handover == "Avain naapurissa.")
        #expect(left.value.summary == "Aamulla ja illalla.")
    }

    @Test("Two saves begun together build on each other")
    func savesTogether() async throws {
        let form = try await aino.create(in: space, VisitNote())
        form.value.summary = "Ensin"
        async let first = form.save()
        form.value.handover = "Sitten"
        async let second = form.save()
        _ = try await (first, second)
        #expect(try await open(aino, form.id).conflicts.isEmpty)
        #expect(try await open(aino, form.id).value == form.value)
    }

    @Test("A conflict keeps both values until somebody chooses")
    func conflict() async throws {
        let doc = try await note(aino, "Kiistanalainen käynti")
        try await syncAll(aino, eero)
        for (device, outcome) in [(aino, "as_planned"), (eero, "client_absent")] {
            let form = try await open(device, doc)
            form.value.outcome = outcome
            try await form.save()
        }
        try await syncAll(aino, eero)
        let form = try await open(aino, doc)
        let conflict = try #require(form.conflicts.first { $0.path == "outcome" })
        #expect(Set(conflict.values.map(\.value)) == ["\"as_planned\"", "\"client_absent\""])
        let theirs = try #require(conflict.values.first { $0.value == "\"client_absent\"" })
        let member = try await eero.identity().member
        #expect(theirs.provenance.member == member)
        let listed = try await aino.list(Query(conflictsOnly: true))
        #expect(listed.rows.map(\.id).contains(doc))

        let planned = try #require(conflict.values.first { $0.value == "\"as_planned\"" })
        form.value.handover = "Ei tallennettu vielä"
        try await form.choose(planned, at: conflict.path)
        #expect(form.conflicts.isEmpty)
        #expect(form.value.handover == "Ei tallennettu vielä", "saved before it was chosen")
        try await syncAll(aino, eero)
        for device in [aino, eero] {
            let settled = try await open(device, doc)
            #expect(settled.conflicts.isEmpty)
            #expect(settled.value.outcome == "as_planned")
        }
    }

    @Test("A save that settles a conflict shows that it is settled")
    func settledByTyping() async throws {
        let doc = try await note(aino, "Kiistanalainen käynti")
        try await syncAll(aino, eero)
        for (device, outcome) in [(aino, "as_planned"), (eero, "client_absent")] {
            let form = try await open(device, doc)
            form.value.outcome = outcome
            try await form.save()
        }
        try await syncAll(aino, eero)
        let form = try await open(aino, doc)
        #expect(form.conflicts.map(\.path) == ["outcome"])
        form.value.outcome = "partial"
        try await form.save()
        #expect(form.conflicts.isEmpty)
        #expect(form.value.outcome == "partial")
    }

    @Test("Search knows that ä is a letter of its own")
    func search() async throws {
        _ = try await note(aino, "Sää oli kaunis")
        _ = try await note(aino, "Asiakas saa lisää tunteja")
        #expect(try await aino.search("sää").rows.map(\.title) == ["Sää oli kaunis"])
        #expect(try await aino.search("saa").rows.map(\.title) == ["Asiakas saa lisää tunteja"])
    }

    @Test("A list comes in pages that do not overlap")
    func pages() async throws {
        var made: Set<String> = []
        for number in 1...5 { made.insert(try await note(aino, "Käynti \(number)")) }
        var seen: [String] = []
        for offset: UInt32 in [0, 2, 4] {
            let page = try await aino.list(Query(kind: .visitNote, offset: offset, limit: 2))
            #expect(page.total == 5)
            seen += page.rows.map(\.id)
        }
        #expect(seen.count == 5)
        #expect(Set(seen) == made)
    }

    @Test("What was acknowledged survives a killed server, and what is written meanwhile too")
    func killedServer() async throws {
        let doc = try await note(aino, "Ennen sähkökatkoa")
        try await aino.sync()
        relay.stop()
        await #expect(throws: SopuError.Offline) { try await eero.sync() }
        let offline = try await note(eero, "Sähkökatkon aikana")
        try relay.startAgain()
        try await syncAll(aino, eero)
        #expect(try await open(eero, doc).value.summary == "Ennen sähkökatkoa")
        #expect(try await open(aino, offline).value.summary == "Sähkökatkon aikana")
    }

    @Test("Status moves from this phone to the record")
    func status() async throws {
        let doc = try await note(aino, "Matkalla kirjaan")
        #expect(try await aino.status(of: doc).stage == .here)
        #expect(try await aino.backlog().here > 0)
        let pending = try await aino.pending()
        #expect(pending.map(\.doc) == [doc])
        #expect(pending.map(\.place) == [.here])
        try await aino.sync()
        #expect(try await aino.status(of: doc).stage != .here)
        try await syncAll(aino)
        #expect(try await aino.pending().isEmpty)
        #expect(try await [.record, .seen].contains(aino.status(of: doc).stage))
    }

    @Test("Work by somebody who may only read is held or refused, and says why")
    func held() async throws {
        let doc = try await note(aino, "Ennen")
        try await syncAll(aino)
        let me = try await aino.identity().memberName
        try relay.sopu("space", "grant", "Koivula", "--member", me, "--role", "reader")
        let form = try await open(aino, doc)
        form.value.handover = "Kirjoitettu oikeutta tietämättä"
        try await form.save()
        try await until {
            try await aino.sync()
            return try await [.held, .refused].contains(aino.pending().first?.place)
        }
        let pending = try #require(try await aino.pending().first)
        #expect(pending.doc == doc)
        #expect(!pending.reasons.isEmpty)
        #expect(try await aino.backlog().held + aino.backlog().refused > 0)
    }

    @Test("A status is taken back in a new round")
    func reopen() async throws {
        var note = VisitNote()
        note.summary = "Valmis"
        note.status = "started"
        let form = try await aino.create(in: space, note)
        form.value.status = "done"
        let saved = try await form.save()
        #expect(saved.ignored.isEmpty)
        #expect(form.status.first { $0.path == "status" }?.code == "done", "the save shows where it stands")
        form.value.status = "started"
        let lowered = try await form.save()
        #expect(lowered.ignored.map(\.code) == ["status_only_rises"])
        try await form.reopen("status", to: "started")
        #expect(form.value.status == "started")
        #expect(form.status.first { $0.path == "status" }?.round == 1)
    }

    @Test("The timeline names who wrote what")
    func timeline() async throws {
        let doc = try await note(aino, "Ensin")
        try await syncAll(aino, eero)
        let form = try await open(eero, doc)
        form.value.handover = "Sitten"
        try await form.save()
        try await syncAll(eero, aino)
        let newest = try #require(try await aino.timeline(of: doc).first)
        let member = try await eero.identity().member
        #expect(newest.provenance.member == member)
        #expect(newest.fields.map(\.path).contains("handover"))
        #expect(try await !aino.export(doc).isEmpty)
        _ = try await aino.findings(in: space)
        #expect(try await aino.drafts().isEmpty)
    }

    @Test("A note on the wrong client is moved once")
    func move() async throws {
        let doc = try await note(aino, "Väärälle asiakkaalle")
        try await syncAll(aino)
        let other = try await otherSpace()
        let moved = try await aino.moveNote(doc, to: other)
        #expect(try await aino.moveNote(doc, to: other) == moved)
        #expect(try await open(aino, moved).space == other)
    }

    @Test("A document made again under its id is one document, as it is")
    func again() async throws {
        let doc = newId()
        var note = VisitNote()
        note.summary = "Kerran"
        let form = try await aino.create(in: space, note, doc: doc)
        #expect(form.id == doc)
        form.value.handover = "Avain"
        try await form.save()
        let again = try await aino.create(in: space, note, doc: doc)
        #expect(again.value.summary == "Kerran" && again.value.handover == "Avain")
        #expect(try await aino.search("Kerran").rows.map(\.id) == [doc])
        await #expect(throws: SopuError.self) {
            try await self.aino.create(in: self.space, Contract(), doc: doc)
        }
    }
}
