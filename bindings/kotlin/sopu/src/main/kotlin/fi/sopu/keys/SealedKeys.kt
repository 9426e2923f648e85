package fi.sopu.keys

import fi.sopu.Keys
import java.security.GeneralSecurityException
import javax.crypto.AEADBadTagException
import javax.crypto.Cipher
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec

/**
 * The two keys of an installation as they are kept, sealed with a key of the platform's by AES/GCM: a byte that says
 * which form this is, which is authenticated too, the nonce, and both keys with their tag.
 */
internal object SealedKeys {
    private const val CIPHER = "AES/GCM/NoPadding"
    private const val KEY_BYTES = 32
    private const val NONCE_BYTES = 12
    private const val TAG_BYTES = 16
    private const val BYTES = 1 + NONCE_BYTES + 2 * KEY_BYTES + TAG_BYTES
    private val FORM = byteArrayOf(1)

    /** Seals both. */
    @Throws(GeneralSecurityException::class)
    fun seal(device: ByteArray, store: ByteArray, with: SecretKey): ByteArray {
        require(device.size == KEY_BYTES && store.size == KEY_BYTES)
        val cipher = Cipher.getInstance(CIPHER)
        // The nonce is the cipher's to make: Android's keystore takes none.
        cipher.init(Cipher.ENCRYPT_MODE, with)
        cipher.updateAAD(FORM)
        val nonce = cipher.iv
        check(nonce.size == NONCE_BYTES)
        return FORM + nonce + cipher.doFinal(device + store)
    }

    /** The keys, or [KeysException.Reason.DAMAGED]. */
    @Throws(GeneralSecurityException::class)
    fun open(sealed: ByteArray, with: SecretKey): Keys {
        if (sealed.size != BYTES || sealed[0] != FORM[0]) {
            throw KeysException(KeysException.Reason.DAMAGED)
        }
        val cipher = Cipher.getInstance(CIPHER)
        cipher.init(Cipher.DECRYPT_MODE, with, GCMParameterSpec(8 * TAG_BYTES, sealed, 1, NONCE_BYTES))
        cipher.updateAAD(FORM)
        val both =
            try {
                cipher.doFinal(sealed, 1 + NONCE_BYTES, BYTES - 1 - NONCE_BYTES)
            } catch (why: AEADBadTagException) {
                throw KeysException(KeysException.Reason.DAMAGED, why)
            }
        return Keys(both.copyOfRange(0, KEY_BYTES), both.copyOfRange(KEY_BYTES, 2 * KEY_BYTES))
    }
}
