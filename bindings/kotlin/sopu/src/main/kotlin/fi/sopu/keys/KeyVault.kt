package fi.sopu.keys

import fi.sopu.Keys
import fi.sopu.newKey
import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.StandardCopyOption
import java.nio.file.StandardOpenOption
import java.security.GeneralSecurityException
import java.security.ProviderException
import javax.crypto.SecretKey
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext

/** A key of the platform's keystore, which never leaves it. Blocking; its failures are [GeneralSecurityException]. */
public interface SealingKey {
    /** The key, for AES/GCM; `null` if there is none. */
    public fun find(): SecretKey?

    /** A fresh one, in place of any other. */
    public fun make(): SecretKey

    /** Takes it away. Again does nothing. */
    public fun forget()

    /** Whether such a failure says that it is there and works never again. */
    public fun isGone(failure: GeneralSecurityException): Boolean = false
}

/**
 * Keeps the two keys of an installation in a file, sealed by a key of the platform's keystore.
 *
 * @param file must be left out of backups and device transfers.
 * @param dispatcher where blocking work is done.
 */
public class KeyVault(
    private val file: File,
    private val key: SealingKey,
    private val dispatcher: CoroutineDispatcher = Dispatchers.IO,
) {
    /** The keys, made when there are none. They are durable when this returns. Throws [KeysException]. */
    public suspend fun keys(): Keys = alone { if (file.exists()) open() else make() }

    /** Takes everything away; then [keys] makes others. Again does nothing. Throws [KeysException]. */
    public suspend fun forget(): Unit = alone {
        // First what is sealed: without it the key is worth nothing, and a key alone is replaced.
        Files.deleteIfExists(file.toPath())
        key.forget()
    }

    private fun open(): Keys {
        val found = key.find() ?: throw KeysException(KeysException.Reason.GONE)
        return SealedKeys.open(file.readBytes(), found)
    }

    private fun make(): Keys {
        val keys = Keys(newKey(), newKey())
        write(SealedKeys.seal(keys.device, checkNotNull(keys.store), key.make()))
        return keys
    }

    /** All of it is there or nothing, and stays after a power cut: a store made with keys that are lost is lost. */
    private fun write(bytes: ByteArray) {
        val folder = file.absoluteFile.parentFile
        folder.mkdirs()
        val fresh = File(folder, "${file.name}.new")
        FileOutputStream(fresh).use {
            it.write(bytes)
            it.fd.sync()
        }
        Files.move(fresh.toPath(), file.toPath(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING)
        try {
            FileChannel.open(folder.toPath(), StandardOpenOption.READ).use { it.force(true) }
        } catch (_: IOException) {
            // Only some systems let a folder be synced; on the others names are durable with their file.
        }
    }

    private suspend fun <T> alone(work: () -> T): T = withContext(NonCancellable + dispatcher) {
        turn.withLock {
            try {
                work()
            } catch (why: GeneralSecurityException) {
                val reason = if (key.isGone(why)) KeysException.Reason.GONE else KeysException.Reason.UNAVAILABLE
                throw KeysException(reason, why)
            } catch (why: ProviderException) {
                throw KeysException(KeysException.Reason.UNAVAILABLE, why)
            } catch (why: IOException) {
                throw KeysException(KeysException.Reason.UNAVAILABLE, why)
            }
        }
    }

    private companion object {
        // One for the process: an app may make a vault for each call, and two that made keys at once would lose some.
        private val turn = Mutex()
    }
}
