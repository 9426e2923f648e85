package fi.sopu

/** How [Device.keepInSync] is getting on. */
public sealed interface SyncState {
    /** Nobody keeps this device in sync. */
    public data object Off : SyncState

    /** It sends or takes in. */
    public data object Working : SyncState

    /** Nothing is unsent and nothing new is known; it listens. */
    public data object UpToDate : SyncState

    /** No network, or the relay is not there. Everything is kept. */
    public data class Offline(
        /** It tries again after so many milliseconds, or when something is saved. */
        val retryInMs: Long,
    ) : SyncState

    /** The relay asks for patience. */
    public data class Busy(
        /** It tries again after so many milliseconds. */
        val retryInMs: Long,
    ) : SyncState

    /** It cannot go on now, but may later: [why] says what to tell the person. */
    public data class Waiting(
        /** [SopuException.NotARelay] or [SopuException.Storage]. */
        val why: SopuException,
        /** It tries again after so many milliseconds. */
        val retryInMs: Long,
    ) : SyncState

    /** It ended, for a reason that waiting does not mend. */
    public data class Failed(
        /** What `keepInSync` threw. */
        val why: SopuException,
    ) : SyncState

    /** The relay ordered a wipe: this device holds nothing any more. Remove it, then forget the keys. */
    public data object Wiped : SyncState
}
