package fi.sopu.android

import android.content.Context
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.KeyProperties
import fi.sopu.Keys
import fi.sopu.keys.KeyVault
import fi.sopu.keys.SealingKey
import java.io.File
import java.security.GeneralSecurityException
import java.security.KeyStore
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey

/**
 * The two keys of this phone's installation: sealed by an AES key that never leaves the Android Keystore, in
 * `noBackupFilesDir`. The Keystore itself signs no Ed25519 on most phones.
 *
 * @param name of the key in the Keystore and of the file, for an app with more than one installation.
 */
public class KeystoreKeys(context: Context, name: String = "sopu") {
    private val vault = KeyVault(File(context.noBackupFilesDir, "$name.keys"), KeystoreKey("fi.sopu.$name"))

    /** The keys, made at the first call. Throws [fi.sopu.keys.KeysException]. */
    public suspend fun keys(): Keys = vault.keys()

    /** Forgets them, after a wipe or [fi.sopu.Device.remove]. Throws [fi.sopu.keys.KeysException]. */
    public suspend fun forget(): Unit = vault.forget()
}

/** An AES key in the Android Keystore. It asks for no unlocked screen: a sync in the background needs it too. */
internal class KeystoreKey(private val alias: String) : SealingKey {
    private val store: KeyStore by lazy { KeyStore.getInstance(KEYSTORE).apply { load(null) } }

    override fun find(): SecretKey? = store.getKey(alias, null) as SecretKey?

    override fun make(): SecretKey {
        val purposes = KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT
        val form = KeyGenParameterSpec.Builder(alias, purposes)
            .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
            .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
            .setKeySize(KEY_BITS)
            .build()
        val generator = KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, KEYSTORE)
        generator.init(form)
        return generator.generateKey()
    }

    override fun forget() {
        if (store.containsAlias(alias)) {
            store.deleteEntry(alias)
        }
    }

    override fun isGone(failure: GeneralSecurityException): Boolean =
        generateSequence<Throwable>(failure) { it.cause }.any { it is KeyPermanentlyInvalidatedException }

    private companion object {
        const val KEYSTORE = "AndroidKeyStore"
        const val KEY_BITS = 256
    }
}
