package fi.sopu

/**
 * The secrets of one installation, 32 bytes each, from [newKey]. They live in the platform's keystore, out of
 * backups.
 *
 * @property device signs what this device writes; the store is worth nothing to another one.
 * @property store encrypts the store's file; `null` leaves it plain. Needs a library built with SQLCipher.
 */
public class Keys(public val device: ByteArray, public val store: ByteArray? = null) {
    /** Says nothing about them. */
    override fun toString(): String = "Keys(…)"
}
