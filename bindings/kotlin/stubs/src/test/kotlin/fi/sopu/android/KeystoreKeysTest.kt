package fi.sopu.android

import android.content.Context
import fi.sopu.Device
import fi.sopu.Keys
import fi.sopu.SopuException
import fi.sopu.assertThrows
import fi.sopu.keys.KeysException
import java.io.File
import java.nio.file.Path
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** Keys sealed by what stands in for the Android Keystore. The block of docs/kotlin.md stands here word for word. */
class KeystoreKeysTest {
    @TempDir
    lateinit var folder: Path

    private val context: Context by lazy { App(folder.toFile()) { error("is not opened") } }

    @BeforeEach
    fun install() {
        StandInKeystore.install()
        StandInKeystore.keys.clear()
    }

    private suspend fun keysOf(context: Context, store: File, instanceDir: File): Keys {
        val keystore = KeystoreKeys(context)
        val keys = try {
            keystore.keys()                       // made at the first call
        } catch (why: KeysException) {
            if (why.reason == KeysException.Reason.UNAVAILABLE) throw why   // try again later
            Device.remove(store, instanceDir)     // nothing opens it any more: enrol again
            keystore.forget()
            keystore.keys()
        }
        return keys
    }

    @Test
    fun `the keys stay, and an installation whose keys are lost begins anew`() = runBlocking<Unit> {
        val (store, instance) = File(folder.toFile(), "sopu.db") to File(folder.toFile(), "instance")
        val keys = keysOf(context, store, instance)
        assertEquals(setOf("fi.sopu.sopu"), StandInKeystore.keys.keys.toSet())
        assertArrayEquals(keys.store, keysOf(context, store, instance).store)
        Device.open(store, instance, Keys(keys.device)).shut()

        StandInKeystore.keys.clear()
        val gone = assertThrows<KeysException> { KeystoreKeys(context).keys() }
        assertEquals(KeysException.Reason.GONE, gone.reason)
        val others = keysOf(context, store, instance)
        assertFalse(keys.device.contentEquals(others.device))
        assertFalse(store.exists() || instance.exists())
        val fresh = Device.open(store, instance, Keys(others.device))
        assertThrows<SopuException.Enrol> { fresh.identity() }
    }

    @Test
    fun `two names are two installations, and forgetting takes key and file`() = runBlocking<Unit> {
        val (one, other) = KeystoreKeys(context) to KeystoreKeys(context, "toinen")
        assertFalse(one.keys().device.contentEquals(other.keys().device))
        one.forget()
        one.forget()
        assertEquals(listOf("fi.sopu.toinen"), StandInKeystore.keys.keys.toList())
        assertEquals(listOf("toinen.keys"), folder.toFile().list()?.toList())
        assertTrue(other.keys().store != null)
    }
}
