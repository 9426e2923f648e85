package fi.sopu

import fi.sopu.documents.VisitNote
import java.io.File
import java.nio.file.Path
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** A store on this machine, without a relay or with one that is asked once. */
class StoreTest {
    @TempDir
    lateinit var folder: Path

    private fun phone() = Phone(folder.toFile())

    @Test
    fun `a library that cannot encrypt says which one can`() {
        assertTrue("SQLCipher" in SopuException.Storage("no_encryption").advice)
    }

    @Test
    fun `a device that never enrolled says so, also to who would keep it in sync`() = runBlocking<Unit> {
        val device = phone().open()
        assertThrows<SopuException.Enrol> { device.identity() }
        assertThrows<SopuException.Enrol> { device.sync() }
        assertThrows<SopuException.Enrol> { device.keepInSync() }
        assertTrue(device.syncState.value is SyncState.Failed)
        assertThrows<SopuException.Offline> { device.enrol("http://127.0.0.1:9", "CODE", "phone") }
    }

    @Test
    fun `arguments that make no sense name themselves`() = runBlocking<Unit> {
        val device = phone().open()
        assertEquals("doc", assertThrows<SopuException.BadValue> { device.read("not an id") }.path)
        val key = assertThrows<SopuException.BadValue> { phone().open(keys = Keys(ByteArray(5))) }
        assertEquals("key", key.path)
        assertFalse("5" in Keys(ByteArray(5)).toString())
    }

    @Test
    fun `a defect inside is an error with a code, and the device works on`() = runBlocking<Unit> {
        val device = phone().open()
        assertEquals("panic", assertThrows<SopuException.Defect> { device.rehearseDefect() }.code)
        assertEquals(emptyList<Space>(), device.spaces())
    }

    @Test
    fun `what was saved is there when the store is opened again`() = runBlocking<Unit> {
        Relay().use { relay ->
            val phone = phone()
            val device = phone.open()
            device.enrol(relay.url, relay.invite("Aino"), "phone")
            device.sync()
            val form = device.create(device.spaces().single().id, VisitNote(summary = "Ennen"))
            form.edit { it.copy(summary = "Ennen sulkemista") }
            form.save()
            device.shut()
            assertThrows<SopuException.Closed> { form.save() }

            val again = phone.open()
            assertEquals("Ennen sulkemista", again.open<VisitNote>(form.id).value.summary)
            assertTrue(again.backlog().here > 0u)
            again.shut()
        }
    }

    @Test
    fun `an invite enrols one device, once`() = runBlocking<Unit> {
        Relay().use { relay ->
            val code = relay.invite("Aino")
            phone().open().enrol(relay.url, code, "phone")
            val second = Phone(folder.resolve("second").toFile().apply { mkdirs() }).open()
            val refused = assertThrows<SopuException.Refused> { second.enrol(relay.url, code, "other phone") }
            assertEquals("invite_used", refused.code)
            assertTrue("invite_used" in refused.advice)
            assertFalse(code in "$refused ${refused.advice}")
        }
    }

    @Test
    fun `half an emoji is saved as the sign for what cannot be read`() = runBlocking<Unit> {
        Relay().use { relay ->
            val device = relay.device("Aino")
            val cut = "Aamu 🌅".dropLast(1)
            val form = device.create(device.spaces().single().id, VisitNote(summary = "Aamu 🌅"))
            assertEquals("Aamu 🌅", form.value.summary)
            form.edit { it.copy(summary = cut) }
            form.save()
            form.refresh()
            assertEquals("Aamu \uFFFD", form.value.summary)
            assertEquals(1uL, device.search("Aamu").total)
            assertEquals(0uL, device.search("\uD83C").total)
            // Indices are Kotlin's own everywhere: none crosses into the library.
            form.edit { it.copy(summary = "🌅".repeat(40) + "ä") }
            form.save()
            assertEquals('ä', device.open<VisitNote>(form.id).value.summary.orEmpty()[80])
        }
    }

    @Test
    fun `edits made while a save is on its way are kept`() = runBlocking<Unit> {
        Relay().use { relay ->
            val device = relay.device("Aino")
            val form = device.create(device.spaces().single().id, VisitNote(summary = ""))
            val saving = (1..20).map { number ->
                form.edit { it.copy(summary = it.summary + "$number ") }
                async { form.save() }
            }
            (21..40).forEach { number -> form.edit { it.copy(summary = it.summary + "$number ") } }
            saving.awaitAll()
            form.save()
            val all = (1..40).joinToString("") { "$it " }
            assertEquals(all, form.value.summary)
            assertEquals(all, device.open<VisitNote>(form.id).value.summary)
            assertFalse(form.state.value.edited)
        }
    }

    @Test
    fun `a store that is salvaged has what it had`() = runBlocking<Unit> {
        Relay().use { relay ->
            val phone = phone()
            val device = phone.open()
            device.enrol(relay.url, relay.invite("Aino"), "phone")
            device.sync()
            val doc = device.create(device.spaces().single().id, VisitNote(summary = "Ehjä")).id
            inRecord(device, doc)
            device.shut()
            Device.salvage(phone.store, File(folder.toFile(), "instance"), phone.keys).run {
                sync()
                assertEquals("Ehjä", open<VisitNote>(doc).value.summary)
            }
        }
    }

    @Test
    fun `nothing is left of an installation that is removed, and another begins in its place`() = runBlocking<Unit> {
        Relay().use { relay ->
            val phone = phone()
            val instance = File(folder.toFile(), "instance")
            val others = File(folder.toFile(), "sopu.db.zip").apply { writeText("an app's own") }
            phone.open().run {
                enrol(relay.url, relay.invite("Aino"), "phone")
                shut()
            }
            Device.salvage(phone.store, instance, phone.keys).shut()
            assertTrue(folder.toFile().list().orEmpty().any { "damaged" in it })
            Device.remove(phone.store, instance)
            assertEquals(listOf(others.name), folder.toFile().list()?.toList())
            Device.remove(phone.store, instance)
            val fresh = phone.open()
            assertThrows<SopuException.Enrol> { fresh.identity() }
            assertEquals(emptyList<Space>(), fresh.spaces())
        }
    }

    @Test
    fun `an installation that cannot be removed says so`() = runBlocking<Unit> {
        val instance = File(folder.toFile(), "instance")
        File(instance, "sopu-instance/inside").mkdirs()
        assertThrows<SopuException.Storage> { Device.remove(phone().store, instance) }
    }

    @Test
    fun `an invitation is read, and no other code that was scanned`() {
        val read = readInvitation(" https://sopu.example.fi/enrol#A0B1-CDEF-GH01\n")
        assertEquals(Invitation("https://sopu.example.fi", "A0B1-CDEF-GH01"), read)
        for (text in listOf("", "WIFI:S:Vieraat;T:WPA;P:salasana;;", "https://sopu.example.fi/enrol", "A0B1-CDEF-GH01")) {
            assertEquals("invitation", assertThrows<SopuException.BadValue> { readInvitation(text) }.path)
        }
    }
}
