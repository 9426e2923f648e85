package fi.sopu

import fi.sopu.documents.VisitNote
import java.nio.file.Files
import kotlin.math.abs
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test

/** Work that does not get into the record by itself: held, refused, or not to be sent at all. */
class PendingTest : TwoDevices() {
    private lateinit var line: Counted
    private lateinit var phone: Phone

    @BeforeEach
    fun freshPhone() {
        line = Counted()
        phone = Phone(Files.createTempDirectory("sopu-kotlin-").toFile())
    }

    private suspend fun enrolled(role: String): Device {
        val device = phone.open(line)
        device.enrol(relay.url, relay.invite("Sari", role), "phone")
        device.sync()
        return device
    }

    /** A note of somebody who may only read: the relay holds it. */
    private suspend fun held(reader: Device): String {
        val doc = reader.create(space, VisitNote(summary = "Ilman oikeutta", handover = "Avain")).id
        until {
            reader.sync()
            reader.pending().any { it.place == Place.HELD }
        }
        return doc
    }

    private fun noteOf(draft: Draft): VisitNote = ContentType.VisitNote.ofJson(draft.value)

    @Test
    fun `what the server holds is listed with its reason`() = runBlocking<Unit> {
        val reader = enrolled("reader")
        val doc = reader.create(space, VisitNote(summary = "Ilman oikeutta")).id
        var rejected = 0u
        until {
            rejected += reader.sync().rejected
            reader.pending().any { it.place == Place.HELD }
        }
        val held = reader.pending().single()
        assertEquals(doc, held.doc)
        assertEquals("Ilman oikeutta", held.title)
        assertEquals(listOf("right_missing"), held.reasons)
        assertTrue(rejected > 0u)
        assertTrue(reader.status(doc).held > 0u)
    }

    @Test
    fun `what the office drops is refused with its reason, then a draft to copy from`() = runBlocking<Unit> {
        val reader = enrolled("reader")
        val doc = held(reader)
        assertTrue(Office(relay).drop(space, "ei hänen tehtävänsä") > 0)
        // More than comes in one portion: what is refused is set aside once all of it is here.
        repeat(40) { number ->
            val text = (0 until 1_000).joinToString("") { "${(number * 7919 + it * it) % 977}" }
            eero.create(space, VisitNote(summary = "Muuta $number", handover = text.take(500)))
        }
        syncAll(eero)
        line.allow(1)
        assertThrows<SopuException.Offline> { reader.syncWithin(60.seconds) }
        val refused = reader.pending().single()
        assertEquals(Triple(doc, Place.REFUSED, listOf("dropped")), Triple(refused.doc, refused.place, refused.reasons))
        assertEquals("Ilman oikeutta", refused.title)
        assertEquals(1u, reader.backlog().refused)
        assertEquals(emptyList<Draft>(), reader.drafts())

        line.allow()
        reader.sync()
        assertEquals(emptyList<Pending>(), reader.pending())
        val draft = reader.drafts().single()
        assertEquals(Triple(doc, space, Kind.VISIT_NOTE), Triple(draft.doc, draft.space, draft.kind))
        assertEquals("dropped", draft.reason)
        assertTrue(abs(draft.madeMs - System.currentTimeMillis()) < 600_000)
        val copied = noteOf(draft)
        assertEquals("Ilman oikeutta" to "Avain", copied.summary to copied.handover)
        // Nothing of it was in the record, so there is no document left.
        assertThrows<SopuException.NotFound> { reader.open<VisitNote>(doc) }
        reader.shut()
        val again = phone.open(line)
        assertEquals(listOf(draft), again.drafts(), "it is kept")
        again.discardDraft(draft.number)
        assertEquals(emptyList<Draft>(), again.drafts())
    }

    @Test
    fun `a dropped edit leaves the document as the record has it`() = runBlocking<Unit> {
        val form = aino.note("Kirjassa")
        syncAll(aino)
        relay.sopu("space", "grant", "Koivula", "--member", aino.identity().memberName, "--role", "reader")
        form.edit { it.copy(summary = "Ei enää kirjassa") }
        form.save()
        until {
            aino.sync()
            aino.status(form.id).held > 0u
        }
        assertTrue(Office(relay).drop(space, "oikeus oli päättynyt") > 0)
        until {
            aino.sync()
            aino.drafts().isNotEmpty()
        }
        assertEquals("Ei enää kirjassa", noteOf(aino.drafts().single()).summary)
        form.refresh()
        assertEquals("Kirjassa", form.value.summary)
    }

    @Test
    fun `kept in sync, a device listens though something of it is held`() = runBlocking<Unit> {
        val reader = enrolled("reader")
        held(reader)
        listens(reader)
        assertEquals(1u, reader.backlog().held)
    }

    @Test
    fun `kept in sync, a device listens and sends though something of it is damaged`() = runBlocking<Unit> {
        val before = enrolled("field")
        val doc = before.create(space, VisitNote(summary = "Vaurio", visitKey = "MERKKI")).id
        before.shut()
        phone.store.flip("MERKKI")
        val device = phone.open(line)
        assertThrows<SopuException.Damaged> { device.open<VisitNote>(doc) }
        listens(device)
        assertTrue(device.backlog().here > 0u)
        val keeping = launch { device.keepInSync() }
        val mine = device.note("Lähtee silti").id
        withTimeout(20.seconds) { device.live { status(mine) }.first { it.here == 0u } }
        keeping.cancelAndJoin()
    }

    /** Kept in sync it asks seldom, and hears of news all the same. */
    private suspend fun listens(device: Device) = coroutineScope {
        val keeping = launch { device.keepInSync() }
        withTimeout(20.seconds) { device.syncState.first { it == SyncState.UpToDate } }
        val before = line.requests
        delay(3.seconds)
        val asked = line.requests - before
        assertTrue(asked <= 8, "it listens, and does not ask again and again: $asked requests")
        val theirs = eero.note("Kuullaan silti")
        eero.sync()
        withTimeout(20.seconds) {
            device.live(Query(text = "Kuullaan")).first { page -> theirs.id in page.rows.map { it.id } }
        }
        keeping.cancelAndJoin()
    }
}
