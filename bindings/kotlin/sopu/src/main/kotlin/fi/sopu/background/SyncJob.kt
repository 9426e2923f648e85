package fi.sopu.background

import fi.sopu.Device
import fi.sopu.SopuException
import fi.sopu.SyncReport
import fi.sopu.keys.KeysException
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes

/**
 * One sync in the time a platform gives a task in the background, and what to tell the platform and the person
 * afterwards. It may be cut anywhere, by a cancelled coroutine or a killed process: what was acknowledged is safe, the
 * rest goes next time.
 *
 * @param budget how long it may take; WorkManager gives ten minutes, and takes back what it gives when it likes.
 * @param attempts after so many runs in a row that came to nothing it gives up, until something is saved or the next
 * regular run.
 */
public class SyncJob(private val budget: Duration = 9.minutes, private val attempts: Int = 8) {
    /** What to tell the platform, and the person. */
    public sealed interface Outcome {
        /** What to tell the person, whatever comes next. */
        public val news: News

        /** All is exchanged. */
        public data class Done(override val news: News = News()) : Outcome

        /** There is more, or it did not work now: run again, no sooner than [after]. */
        public data class Again(
            /** How long to wait at least, as the relay or the core asks; nothing if the time was merely over. */
            val after: Duration,
            /** What to give [run] then. */
            val attempt: Int,
            override val news: News = News(),
        ) : Outcome

        /** Running again does not help. */
        public data class GiveUp(
            /**
             * Why, a [SopuException] or [KeysException]: show it when the app is opened; `null` after too many attempts.
             */
            val why: Exception?,
            override val news: News = News(),
        ) : Outcome

        /** The relay ordered a wipe: remove the device, then forget the keys. */
        public data class Wiped(override val news: News = News()) : Outcome
    }

    /**
     * Runs once. [attempt] is how many runs in a row came to nothing, as the last [Outcome.Again] says.
     *
     * When it is cancelled it ends at once, and throws as every cancelled coroutine does.
     */
    public suspend fun run(device: Device, attempt: Int = 0): Outcome {
        val before = Standing.of(device)
        // What was exchanged before a failure is news as well.
        suspend fun news(leftOut: Int = 0): News = Standing.of(device).since(before, leftOut)
        return try {
            val report = device.syncWithin(budget)
            after(report, device, attempt, news(report.leftOut.toInt()))
        } catch (why: SopuException) {
            after(why, device.pauseMs(), attempt, news())
        }
    }

    /** As [run] with the device that [open] gives, whose failures are told as those of the sync. */
    public suspend fun run(open: suspend () -> Device, attempt: Int = 0): Outcome =
        try {
            run(open(), attempt)
        } catch (why: SopuException) {
            after(why, UNOPENED_MS, attempt, News())
        } catch (why: KeysException) {
            when (why.reason) {
                KeysException.Reason.UNAVAILABLE -> again(UNOPENED_MS, attempt, News())
                KeysException.Reason.GONE, KeysException.Reason.DAMAGED -> Outcome.GiveUp(why)
            }
        }

    private suspend fun after(report: SyncReport, device: Device, attempt: Int, news: News): Outcome =
        when {
            report.wiped -> Outcome.Wiped(news)
            // Whatever went through is progress: the attempts count from the last that brought nothing.
            report.more && report.requests > 0u -> Outcome.Again(device.pauseMs().milliseconds, 0, news)
            report.more -> again(device.pauseMs(), attempt, news)
            else -> Outcome.Done(news)
        }

    private fun after(why: SopuException, pauseMs: Long, attempt: Int, news: News): Outcome =
        when (why) {
            is SopuException.Offline, is SopuException.NotARelay -> again(pauseMs, attempt, news)
            is SopuException.TryLater -> again(maxOf(pauseMs, why.retryAfterMs ?: 0), attempt, news)
            // It has enrolled anew meanwhile, or is being shut.
            is SopuException.Stopped -> again(0, attempt, news)
            is SopuException.Storage ->
                if (why.why in PASSING) again(pauseMs, attempt, news) else Outcome.GiveUp(why, news)
            // Not enrolled yet: there is nothing to do.
            is SopuException.Enrol -> Outcome.Done(news)
            else -> Outcome.GiveUp(why, news)
        }

    private fun again(afterMs: Long, attempt: Int, news: News): Outcome =
        if (attempt + 1 < attempts) {
            Outcome.Again(afterMs.milliseconds, attempt + 1, news)
        } else {
            Outcome.GiveUp(null, news)
        }

    private companion object {
        private val PASSING = setOf("disk_full", "busy")

        /** The pause after a device could not be had, which would say how long. */
        private const val UNOPENED_MS = 60_000L
    }
}
