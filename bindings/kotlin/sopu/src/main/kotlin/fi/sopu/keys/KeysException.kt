package fi.sopu.keys

/** The keys of an installation cannot be had: [reason] says what to do. */
public class KeysException(
    /** What to do. */
    public val reason: Reason,
    cause: Throwable? = null,
) : Exception("keys: $reason", cause) {
    /** What to do. */
    public enum class Reason {
        /**
         * They are sealed with a key that is not there any more, as after the files came to another phone. The store
         * is worth nothing: remove it, forget the keys and enrol again.
         */
        GONE,

        /** What was sealed is not what is there, or another key sealed it. As [GONE]. */
        DAMAGED,

        /** The keystore or the disk does not answer now: nothing is lost, try again later. */
        UNAVAILABLE,
    }
}
