package fi.sopu

import fi.sopu.documents.VisitNote
import java.nio.file.Path
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** Stores whose files say nothing to whoever has no key. Needs a library built with SOPU_FEATURES=sqlcipher. */
class EncryptedStoreTest {
    @TempDir
    lateinit var folder: Path

    @TempDir
    lateinit var trial: Path

    private lateinit var relay: Relay
    private val phone by lazy { Phone(folder.toFile()) }
    private val keys = Keys(newKey(), newKey())

    @BeforeEach
    fun start() = runBlocking<Unit> {
        try {
            Phone(trial.toFile()).open(keys = keys).shut()
        } catch (why: SopuException.Storage) {
            assertEquals("no_encryption", why.why)
            assertFalse("sqlcipher" in System.getenv("SOPU_FEATURES").orEmpty())
            assumeTrue(false, "this library was built without SQLCipher")
        }
        relay = Relay()
    }

    @AfterEach
    fun stop() {
        if (::relay.isInitialized) {
            relay.close()
        }
    }

    @Test
    fun `an encrypted store works and its files say nothing`() = runBlocking<Unit> {
        val device = enrolled(keys)
        assertFalse(onDisk(TRACE) || onDisk(PLAIN))
        inRecord(device, device.search(RARE).rows.single().id)
        device.shut()
        assertFalse(onDisk(TRACE) || onDisk(PLAIN))
        // An app that has another key, or none for once, is told so and not that the store is damaged.
        assertTrue("the one it was made with" in refused(Keys(keys.device, newKey())).advice)
        refused(Keys(keys.device))
        assertEquals(1, phone.open(keys = keys).found())
    }

    @Test
    fun `after a change of key the new one opens it and the old one does not`() = runBlocking<Unit> {
        val device = enrolled(keys)
        val newer = newKey()
        device.changeStoreKey(newer)
        assertEquals(1, device.found())
        device.shut()
        refused(keys)
        assertEquals(1, phone.open(keys = Keys(keys.device, newer)).found())
    }

    @Test
    fun `a plain store is encrypted when it is opened with a key`() = runBlocking<Unit> {
        enrolled(Keys(keys.device)).shut()
        assertTrue(onDisk(TRACE) && onDisk(PLAIN))
        val device = phone.open(keys = keys)
        assertEquals(1, device.found())
        assertFalse(onDisk(TRACE) || onDisk(PLAIN))
        inRecord(device, device.search(RARE).rows.single().id)
        device.shut()
        refused(Keys(keys.device))
    }

    private suspend fun enrolled(keys: Keys): Device {
        val device = phone.open(keys = keys)
        device.enrol(relay.url, relay.invite("Aino"), "phone")
        device.sync()
        device.create(device.spaces().single().id, VisitNote(summary = RARE))
        return device
    }

    private suspend fun Device.found(): Int = search(RARE).rows.size

    private suspend fun refused(keys: Keys): SopuException.Storage {
        val why = assertThrows<SopuException.Storage> { phone.open(keys = keys) }
        assertEquals("wrong_key", why.why)
        return why
    }

    /** Whether any file of the store has this text in clear. */
    private fun onDisk(text: String): Boolean {
        val files = folder.toFile().listFiles { file -> file.name.startsWith("sopu.db") }.orEmpty()
        check(files.isNotEmpty())
        return files.any { text in it.readText(Charsets.ISO_8859_1) }
    }

    private companion object {
        const val RARE = "kvartsiukko"

        /** The search index keeps no word whole. */
        val TRACE = RARE.drop(2)
        const val PLAIN = "SQLite format 3"
    }
}
