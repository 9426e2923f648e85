package fi.sopu

import fi.sopu.documents.Contract
import fi.sopu.documents.ServiceListing
import fi.sopu.documents.VisitNote
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Two people, two devices, one relay: what a field worker's app relies on. */
class TwoDevicesTest : TwoDevices() {
    @Test
    fun `enrolling tells who one is and where one belongs`() = runBlocking<Unit> {
        val me = aino.identity()
        assertTrue(me.memberName.startsWith("Aino"))
        assertEquals("Hoiva Oy", me.orgName)
        val koivula = aino.spaces().single()
        assertEquals("Koivula" to "field", koivula.name to koivula.role)
        assertTrue(me.member in aino.members(space).map { it.id })
        assertFalse(aino.mustEnrolAgain())
        aino.setApp("Test 1.0")
        aino.sync()
        assertTrue(aino.clockOffsetMs()!! in -5_000..5_000)
    }

    @Test
    fun `notes written apart are on both devices after a sync`() = runBlocking<Unit> {
        val mine = aino.note("Kävin pohjoispellolla")
        val theirs = eero.note("Lääkkeet annettu aamulla 🌅")
        syncAll(aino, eero)
        assertEquals("Kävin pohjoispellolla", eero.open<VisitNote>(mine.id).value.summary)
        assertEquals("Lääkkeet annettu aamulla 🌅", aino.open<VisitNote>(theirs.id).value.summary)
    }

    @Test
    fun `all three kinds are made, read and saved`() = runBlocking<Unit> {
        suspend fun <T : fi.sopu.documents.Content> check(form: Form<T>, change: (T) -> T) {
            form.edit(change)
            assertTrue(form.state.value.edited)
            assertTrue(form.save().changed)
            assertFalse(form.state.value.edited)
            assertFalse(form.save().changed, "nothing differs any more")
            val saved = form.value
            form.refresh()
            assertEquals(saved, form.value)
            form.close()
        }
        check(aino.create(space, Contract(scopeText = "a"))) { it.copy(scopeText = "b") }
        check(aino.create(space, VisitNote(summary = "a"))) { it.copy(summary = "b") }
        check(aino.create(space, ServiceListing(soteriId = "a"))) { it.copy(soteriId = "b") }
    }

    @Test
    fun `a form left open does not undo a colleague`() = runBlocking<Unit> {
        val form = aino.note("Aamulla.")
        syncAll(aino, eero)
        val other = eero.open<VisitNote>(form.id)
        other.edit { it.copy(handover = "Avain naapurissa.") }
        other.save()
        syncAll(eero, aino)
        form.edit { it.copy(summary = "Aamulla ja illalla.") }
        form.save()
        assertEquals("Aamulla ja illalla.", form.value.summary)
        form.refresh()
        assertEquals("Avain naapurissa.", form.value.handover)
        assertEquals("Aamulla ja illalla.", form.value.summary)
    }

    @Test
    fun `a conflict keeps both values until somebody chooses, and choosing saves what was typed`() = runBlocking<Unit> {
        val doc = aino.note("Kiistanalainen käynti").id
        syncAll(aino, eero)
        for ((device, outcome) in listOf(aino to "as_planned", eero to "client_absent")) {
            val form = device.open<VisitNote>(doc)
            form.edit { it.copy(outcome = outcome) }
            form.save()
        }
        syncAll(aino, eero)
        val form = aino.open<VisitNote>(doc)
        val conflict = form.conflicts.single { it.path == "outcome" }
        assertEquals(setOf("\"as_planned\"", "\"client_absent\""), conflict.values.map { it.value }.toSet())
        val theirs = conflict.values.single { it.value == "\"client_absent\"" }
        assertEquals(eero.identity().member, theirs.provenance.member)
        assertTrue(doc in aino.list(Query(conflictsOnly = true)).rows.map { it.id })

        form.edit { it.copy(handover = "Soitetaan.") }
        form.choose(conflict, conflict.values.single { it.value == "\"as_planned\"" })
        assertEquals(emptyList<Conflict>(), form.conflicts)
        syncAll(aino, eero)
        for (device in listOf(aino, eero)) {
            val settled = device.open<VisitNote>(doc)
            assertEquals(emptyList<Conflict>(), settled.conflicts)
            assertEquals("as_planned" to "Soitetaan.", settled.value.outcome to settled.value.handover)
        }
    }

    @Test
    fun `what the rules do not let a save write is told and shown`() = runBlocking<Unit> {
        val form = aino.note("Säännöt")
        val made = form.value.createdAt
        form.edit { it.copy(createdAt = 1) }
        val saved = form.save()
        assertEquals(listOf("created_at" to "immutable"), saved.ignored.map { it.path to it.code })
        assertEquals(made, form.value.createdAt)
        assertFalse(form.state.value.edited)
    }

    @Test
    fun `search knows that a with dots is a letter of its own`() = runBlocking<Unit> {
        aino.note("Sää oli kaunis")
        aino.note("Asiakas saa lisää tunteja")
        assertEquals(listOf("Sää oli kaunis"), aino.search("sää").rows.map { it.title })
        assertEquals(listOf("Asiakas saa lisää tunteja"), aino.search("saa").rows.map { it.title })
    }

    @Test
    fun `a list comes in pages that do not overlap`() = runBlocking<Unit> {
        val made = (0 until 5).map { aino.note("Käynti $it").id }.toSet()
        val seen = (0..4 step 2).flatMap { offset ->
            val page = aino.list(Query(kind = Kind.VISIT_NOTE, offset = offset.toUInt(), limit = 2u))
            assertTrue(page.total >= 5u)
            page.rows.map { it.id }
        }
        assertEquals(seen.size, seen.toSet().size)
        assertTrue(seen.containsAll(made))
    }

    @Test
    fun `what was acknowledged survives a killed server`() = runBlocking<Unit> {
        val before = aino.note("Ennen sähkökatkoa").id
        aino.sync()
        relay.stop()
        assertThrows<SopuException.Offline> { eero.sync() }
        val offline = eero.note("Sähkökatkon aikana").id
        relay.start(relay.url.removePrefix("http://"))
        syncAll(aino, eero)
        assertEquals("Ennen sähkökatkoa", eero.open<VisitNote>(before).value.summary)
        assertEquals("Sähkökatkon aikana", aino.open<VisitNote>(offline).value.summary)
    }

    @Test
    fun `status moves from this phone to the record`() = runBlocking<Unit> {
        val form = aino.note("Matkalla kirjaan")
        assertEquals(Stage.HERE, form.progress().stage)
        assertEquals(listOf(form.id to fi.sopu.Place.HERE), aino.pending().map { it.doc to it.place })
        aino.sync()
        assertNotEquals(Stage.HERE, form.progress().stage)
        inRecord(aino, form.id)
        assertEquals(0u, aino.backlog().here)
        assertEquals(emptyList<Pending>(), aino.pending())
        assertEquals(emptyList<Draft>(), aino.drafts())
        assertEquals(emptyList<Finding>(), aino.findings(space).filter { form.id in it.docs })
    }

    @Test
    fun `the timeline names who wrote what`() = runBlocking<Unit> {
        val doc = aino.note("Ensin").id
        syncAll(aino, eero)
        val form = eero.open<VisitNote>(doc)
        form.edit { it.copy(handover = "Sitten") }
        form.save()
        syncAll(eero, aino)
        val newest = aino.timeline(doc).first()
        assertEquals(eero.identity().member, newest.provenance.member)
        assertTrue("handover" in newest.fields.map { it.path })
    }

    @Test
    fun `a contract with gaps is not locked and says what is missing`() = runBlocking<Unit> {
        val form = aino.create(space, Contract(scopeText = "Siivous"))
        val refused = assertThrows<SopuException.Mend> { form.lock() }
        val blocking = refused.problems.filter { it.blocks }.map { it.path }.toSet()
        assertTrue(blocking.isNotEmpty())
        assertTrue(form.problems("locked").map { it.path }.containsAll(blocking))
        assertFalse(form.signingState().locked)
        assertNull(form.signedContent())
    }

    @Test
    fun `a contract is locked and signed offline on two devices`() = runBlocking<Unit> {
        val form = aino.create(space, careContract())
        form.edit { it.copy(tags = setOf("uusi")) }
        form.lock()
        form.sign(Statement(party = CUSTOMER, signer = CUSTOMER, signerName = "Aune Aalto"))
        val half = form.signingState()
        assertTrue(half.locked)
        assertFalse(half.complete)
        syncAll(aino, eero)

        eero.open<Contract>(form.id)
            .sign(Statement(party = PROVIDER, signer = PROVIDER, signerName = "Kaisa Kotiapu"))
        syncAll(eero, aino)
        val signed = form.signingState()
        assertTrue(signed.complete)
        assertEquals(half.hash, signed.hash)
        assertEquals(setOf(Standing.SIGNED), signed.signatories.map { it.standing }.toSet())

        form.refresh()
        form.edit { it.copy(title = "Kotihoito ja siivous") }
        form.save()
        assertEquals(Comparison.CHANGED, form.signingState().content)
        assertEquals("Kotihoito", form.signedContent()?.title)
    }

    @Test
    fun `a note on the wrong client is moved once`() = runBlocking<Unit> {
        relay.sopu("space", "add", "Mäkelä ${aino.identity().memberName}")
        relay.sopu(
            "space", "grant", "Mäkelä ${aino.identity().memberName}",
            "--member", aino.identity().memberName, "--role", "field",
        )
        aino.sync()
        val other = aino.spaces().single { it.id != space }.id
        val form = aino.note("Väärä asiakas")
        form.edit { it.copy(handover = "Kirjoitettu ennen siirtoa") }
        val moved = form.moveTo(other)
        assertEquals(moved, form.moveTo(other))
        assertEquals(other, aino.open<VisitNote>(moved).space)
        assertEquals("Kirjoitettu ennen siirtoa", aino.open<VisitNote>(moved).value.handover)
    }

    @Test
    fun `the exported file is Automerge's`() = runBlocking<Unit> {
        val bytes = aino.export(aino.note("Tiedosto").id)
        assertEquals(listOf(0x85, 0x6f, 0x4a, 0x83), bytes.take(4).map { it.toInt() and 0xff })
    }

    @Test
    fun `news come to a device that listens without its asking again`() = runBlocking<Unit> {
        syncAll(aino, eero)
        val doc = eero.note("Tuore havainto").id
        eero.sync()
        until {
            aino.watch(5.seconds)
            doc in aino.search("havainto").rows.map { it.id }
        }
    }

    @Test
    fun `a document of another kind is not opened as this one`() = runBlocking<Unit> {
        val note = aino.note("Ei sopimus")
        val wrong = assertThrows<SopuException.BadValue> { aino.open<Contract>(note.id) }
        assertEquals("kind", wrong.path)
    }
}

