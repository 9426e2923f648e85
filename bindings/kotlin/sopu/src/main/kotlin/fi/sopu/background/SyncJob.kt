package fi.sopu.background

import fi.sopu.Device
import fi.sopu.SopuException
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes

/**
 * One sync in the time a platform gives a task in the background, and what to tell the platform afterwards. It may be
 * cut anywhere, by a cancelled coroutine or a killed process: what was acknowledged is safe, the rest goes next time.
 *
 * @param budget how long it may take; WorkManager gives ten minutes, and takes back what it gives when it likes.
 * @param attempts after so many runs in a row that came to nothing it gives up, until something is saved or the next
 * regular run.
 */
public class SyncJob(private val budget: Duration = 9.minutes, private val attempts: Int = 8) {
    /** What to tell the platform. */
    public sealed interface Outcome {
        /** All is exchanged. */
        public data object Done : Outcome

        /** There is more, or it did not work now: run again, no sooner than [after]. */
        public data class Again(
            /** How long to wait at least; nothing if the time was merely over. */
            val after: Duration,
        ) : Outcome

        /** Running again does not help. */
        public data class GiveUp(
            /** Why: show it when the app is opened; `null` after too many attempts. */
            val why: SopuException?,
        ) : Outcome

        /** The relay ordered a wipe: forget the keys. */
        public data object Wiped : Outcome
    }

    /**
     * Runs once. [attempt] is how many runs in a row asked to be run again (WorkManager's `runAttemptCount`).
     *
     * When it is cancelled it ends at once, and throws as every cancelled coroutine does.
     */
    public suspend fun run(device: Device, attempt: Int = 0): Outcome {
        try {
            val report = device.syncWithin(budget)
            return when {
                report.wiped -> Outcome.Wiped
                // Whatever went through is progress: the attempts count from the last that brought nothing.
                report.more && report.requests > 0u -> Outcome.Again(device.pauseMs().milliseconds)
                report.more -> again(device.pauseMs().milliseconds, attempt)
                else -> Outcome.Done
            }
        } catch (why: SopuException) {
            return when (why) {
                is SopuException.Offline, is SopuException.NotARelay ->
                    again(device.pauseMs().milliseconds, attempt)
                is SopuException.TryLater ->
                    again(maxOf(device.pauseMs(), why.retryAfterMs ?: 0).milliseconds, attempt)
                // It has enrolled anew meanwhile, or is being shut.
                is SopuException.Stopped -> again(Duration.ZERO, attempt)
                is SopuException.Storage ->
                    if (why.why in PASSING) again(device.pauseMs().milliseconds, attempt) else Outcome.GiveUp(why)
                // Not enrolled yet: there is nothing to do.
                is SopuException.Enrol -> Outcome.Done
                else -> Outcome.GiveUp(why)
            }
        }
    }

    private fun again(after: Duration, attempt: Int): Outcome =
        if (attempt + 1 < attempts) Outcome.Again(after) else Outcome.GiveUp(null)

    private companion object {
        private val PASSING = setOf("disk_full", "busy")
    }
}
