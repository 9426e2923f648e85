package fi.sopu.keys

import fi.sopu.Keys
import fi.sopu.assertThrows
import fi.sopu.flip
import java.io.File
import java.nio.file.Path
import java.security.GeneralSecurityException
import java.security.InvalidKeyException
import java.security.ProviderException
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** Keys sealed in a file, by a key that a keystore keeps or loses. */
class KeyVaultTest {
    @TempDir
    lateinit var folder: Path

    private val file by lazy { File(folder.toFile(), "no_backup/sopu.keys") }
    private val keystore = InMemory()
    private val vault by lazy { KeyVault(file, keystore) }

    /** A keystore that is asked for one key. */
    private class InMemory(var key: SecretKey? = null, var fails: Exception? = null) : SealingKey {
        override fun find(): SecretKey? = fails?.let { throw it } ?: key

        override fun make(): SecretKey = fresh().also { key = it }

        override fun forget() {
            key = null
        }

        override fun isGone(failure: GeneralSecurityException) = failure.message == "for ever"
    }

    private fun assertSame(expected: Keys, actual: Keys) {
        assertArrayEquals(expected.device, actual.device)
        assertArrayEquals(expected.store, actual.store)
    }

    private suspend fun reason(): KeysException.Reason = assertThrows<KeysException> { vault.keys() }.reason

    @Test
    fun `keys are made once, and are the same whenever they are asked for`() = runBlocking<Unit> {
        val all = (1..8).map { async { KeyVault(file, keystore).keys() } }.awaitAll()
        all.forEach { assertSame(all.first(), it) }
        assertSame(all.first(), KeyVault(file, keystore).keys())
        assertEquals(listOf(32, 32), listOf(all.first().device.size, all.first().store?.size))
        assertFalse(all.first().device.contentEquals(all.first().store))
        assertEquals(listOf(file.name), file.parentFile.list()?.toList())
    }

    @Test
    fun `what is kept says nothing, and never twice the same`() = runBlocking<Unit> {
        val keys = vault.keys()
        val kept = file.readText(Charsets.ISO_8859_1)
        for (secret in listOf(keys.device, keys.store!!)) {
            assertFalse(String(secret, Charsets.ISO_8859_1) in kept)
        }
        val key = fresh()
        val sealed = (1..100).map { SealedKeys.seal(keys.device, keys.store, key) }
        assertEquals(100, sealed.map { it.copyOfRange(1, 13).toList() }.toSet().size)
        sealed.forEach { assertSame(keys, SealedKeys.open(it, key)) }
    }

    @Test
    fun `whatever bit was changed and wherever it was cut, it is damaged and no other keys`() = runBlocking<Unit> {
        vault.keys()
        val sealed = file.readBytes()
        assertEquals(1 + 12 + 64 + 16, sealed.size)
        for (at in sealed.indices) {
            val changed = sealed.copyOf().also { it[at] = (it[at].toInt() xor 1).toByte() }
            assertEquals(KeysException.Reason.DAMAGED, opening(changed))
            assertEquals(KeysException.Reason.DAMAGED, opening(sealed.copyOf(at)))
        }
        assertEquals(KeysException.Reason.DAMAGED, opening(sealed + 0))
        file.flip(String(sealed, 20, 8, Charsets.ISO_8859_1))
        assertEquals(KeysException.Reason.DAMAGED, reason())
    }

    private fun opening(sealed: ByteArray) =
        assertThrows<KeysException> { SealedKeys.open(sealed, keystore.key!!) }.reason

    @Test
    fun `another key opens nothing, and one that is gone says so`() = runBlocking<Unit> {
        val keys = vault.keys()
        val right = keystore.key
        keystore.key = fresh()
        assertEquals(KeysException.Reason.DAMAGED, reason())
        keystore.key = null
        assertEquals(KeysException.Reason.GONE, reason())
        keystore.fails = InvalidKeyException("for ever")
        assertEquals(KeysException.Reason.GONE, reason())
        keystore.fails = null
        keystore.key = right
        assertSame(keys, vault.keys())
    }

    @Test
    fun `a keystore or disk that does not answer now loses nothing`() = runBlocking<Unit> {
        val keys = vault.keys()
        for (failure in listOf(InvalidKeyException("busy"), ProviderException("busy"))) {
            keystore.fails = failure
            assertEquals(KeysException.Reason.UNAVAILABLE, reason())
        }
        keystore.fails = null
        assertSame(keys, vault.keys())
        val nowhere = KeyVault(File(file, "below/a/file"), InMemory())
        assertEquals(KeysException.Reason.UNAVAILABLE, assertThrows<KeysException> { nowhere.keys() }.reason)
    }

    @Test
    fun `once forgotten there are others`() = runBlocking<Unit> {
        val keys = vault.keys()
        vault.forget()
        vault.forget()
        assertEquals(null, keystore.key)
        assertFalse(file.exists())
        assertFalse(keys.device.contentEquals(vault.keys().device))
        // A process that was killed after it had made the key, before anything was sealed.
        file.delete()
        vault.keys()
    }

    private companion object {
        fun fresh(): SecretKey = KeyGenerator.getInstance("AES").apply { init(256) }.generateKey()
    }
}
