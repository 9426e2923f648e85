package android.security.keystore

import java.security.InvalidKeyException
import java.security.spec.AlgorithmParameterSpec

// Stand-ins for what KeystoreKeys uses of Android's, with the same signatures and values.

object KeyProperties {
    const val PURPOSE_ENCRYPT = 1
    const val PURPOSE_DECRYPT = 2
    const val KEY_ALGORITHM_AES = "AES"
    const val BLOCK_MODE_GCM = "GCM"
    const val ENCRYPTION_PADDING_NONE = "NoPadding"
}

class KeyPermanentlyInvalidatedException : InvalidKeyException()

class KeyGenParameterSpec private constructor(
    val keystoreAlias: String,
    val purposes: Int,
    val blockModes: List<String>,
    val encryptionPaddings: List<String>,
    val keySize: Int,
) : AlgorithmParameterSpec {
    class Builder(private val keystoreAlias: String, private val purposes: Int) {
        private var blockModes = emptyList<String>()
        private var encryptionPaddings = emptyList<String>()
        private var keySize = -1

        fun setBlockModes(vararg blockModes: String): Builder = apply { this.blockModes = blockModes.toList() }

        fun setEncryptionPaddings(vararg paddings: String): Builder = apply { encryptionPaddings = paddings.toList() }

        fun setKeySize(keySize: Int): Builder = apply { this.keySize = keySize }

        fun build() = KeyGenParameterSpec(keystoreAlias, purposes, blockModes, encryptionPaddings, keySize)
    }
}
