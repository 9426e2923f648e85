package fi.sopu

import fi.sopu.documents.VisitNote
import java.io.RandomAccessFile
import java.nio.file.Files
import java.time.Instant
import java.time.ZoneId
import kotlin.math.abs
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** What an app meets when something has come to its end: a document, a right, a version, a device. */
class EndsTest : TwoDevices() {
    @Test
    fun `an erased document says so to whoever opens it or has it open`() = runBlocking<Unit> {
        val form = aino.note("Poistettava")
        inRecord(aino, form.id)
        val note = aino.note("Jää")
        relay.sopu("erase", "document", form.id, "--reason", "request")
        until {
            aino.sync()
            runCatching { aino.read(form.id) }.isFailure
        }
        form.edit { it.copy(summary = "Liian myöhään") }
        for (call in listOf<suspend () -> Any?>(
            { aino.open<VisitNote>(form.id) },
            { aino.read(form.id) },
            { form.refresh() },
            { form.save() },
        )) {
            val why = assertThrows<SopuException.Erased> { call() }
            assertEquals(form.id, why.doc)
            assertFalse(form.value.summary in "$why ${why.advice}")
        }
        assertEquals("Jää", aino.open<VisitNote>(note.id).value.summary)
        assertEquals(0uL, aino.search("Poistettava").total)
    }

    @Test
    fun `a right that ends says when, and what was written before goes out with the next sync`() = runBlocking<Unit> {
        val me = aino.identity()
        val form = aino.note("Ennen loppua")
        inRecord(aino, form.id)
        // The device has to hear of the end, and save, before it comes, also on a busy machine.
        val until = Instant.now().plusSeconds(30).atZone(ZoneId.of("Europe/Helsinki")).toLocalDateTime()
        relay.sopu("space", "revoke", "Koivula", "--member", me.memberName)
        relay.sopu("space", "grant", "Koivula", "--member", me.memberName, "--role", "field", "--until", "$until")
        aino.sync()
        form.edit { it.copy(handover = "Kirjoitettu ajoissa") }
        form.save()
        until { aino.sealedSpaces().isNotEmpty() }

        val endedMs = until.atZone(ZoneId.of("Europe/Helsinki")).toInstant().toEpochMilli()
        val ended = assertThrows<SopuException.RightEnded> { aino.open<VisitNote>(form.id) }
        assertTrue(abs(ended.endedMs - endedMs) < 1_000, "${ended.endedMs} and $endedMs")
        assertThrows<SopuException.RightEnded> { form.refresh() }
        assertTrue("sync" in ended.advice)
        assertEquals(listOf("Koivula"), aino.sealedSpaces().map { it.name })
        assertEquals(0uL, aino.list().total)
        val waiting = aino.pending().single()
        assertEquals(Triple(form.id, null, Place.HERE), Triple(waiting.doc, waiting.title, waiting.place))

        until {
            aino.sync()
            eero.sync()
            eero.open<VisitNote>(form.id).value.handover == "Kirjoitettu ajoissa"
        }
        until {
            aino.sync()
            aino.spaces().isEmpty() && aino.sealedSpaces().isEmpty()
        }
        assertThrows<SopuException.NotFound> { aino.open<VisitNote>(form.id) }
    }

    @Test
    fun `a store of a newer version asks for an update and is left as it is`() = runBlocking<Unit> {
        val phone = Phone(Files.createTempDirectory("sopu-kotlin-").toFile())
        phone.open().shut()
        // SQLite keeps the number, the schema's, here.
        val version = RandomAccessFile(phone.store, "rw").use { file ->
            file.seek(USER_VERSION)
            val version = file.readInt()
            file.seek(USER_VERSION)
            file.writeInt(version + 1)
            version
        }
        val before = phone.store.readBytes()
        val why = assertThrows<SopuException.Update> { phone.open() }
        assertTrue("update" in why.advice)
        assertTrue(before.contentEquals(phone.store.readBytes()))
        RandomAccessFile(phone.store, "rw").use { file ->
            file.seek(USER_VERSION)
            file.writeInt(version)
        }
        assertEquals(emptyList<Space>(), phone.open().spaces())
    }

    @Test
    fun `a device that is cut off hands in its work, ends being kept in sync, and holds nothing`() = runBlocking<Unit> {
        val doc = aino.note("Viimeinen").id
        val keeping = async { aino.keepInSync() }
        withTimeout(20.seconds) { aino.syncState.first { it == SyncState.UpToDate } }
        relay.sopu("device", "revoke", aino.identity().device)
        withTimeout(60.seconds) { keeping.await() }
        assertEquals(SyncState.Wiped, aino.syncState.value)
        assertEquals(emptyList<Space>(), aino.spaces())
        assertEquals(0uL, aino.list().total)
        assertThrows<SopuException.NotFound> { aino.open<VisitNote>(doc) }
        until {
            eero.sync()
            eero.search("Viimeinen").total == 1uL
        }
        // It is nobody to the relay now, which brings it nothing any more.
        val after = runCatching { aino.sync() }.exceptionOrNull()
        assertTrue(after == null || after is SopuException.Refused, "$after")
        assertEquals(emptyList<Space>(), aino.spaces())
    }

    private companion object {
        const val USER_VERSION = 60L
    }
}
