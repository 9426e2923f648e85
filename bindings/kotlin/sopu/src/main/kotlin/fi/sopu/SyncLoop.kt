package fi.sopu

import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.selects.select
import kotlinx.coroutines.withTimeoutOrNull

/** Keeps one device in sync: see [Device.keepInSync]. */
internal class SyncLoop(private val device: Device, private val state: MutableStateFlow<SyncState>) {
    // So much stays unsent whatever is done, such as what is damaged here; only what comes on top sets it going.
    private var stuck = 0u

    /** Returns only after a wipe. */
    suspend fun run() {
        state.value = SyncState.Working
        try {
            var listen = false
            while (state.value != SyncState.Wiped) {
                listen = if (listen) listens() else exchanges()
            }
        } catch (cancelled: CancellationException) {
            state.value = SyncState.Off
            throw cancelled
        } catch (why: SopuException) {
            state.value = SyncState.Failed(why)
            throw why
        }
    }

    /** Sends and takes in everything; whether to listen next. */
    private suspend fun exchanges(): Boolean {
        state.value = SyncState.Working
        val report = attempt { device.sync() } ?: return false
        if (report.more) {
            rest(device.pauseMs(), unsent())
        } else {
            stuck = unsent()
        }
        return !report.more
    }

    /** Waits for news or for work of one's own; whether to go on listening. */
    private suspend fun listens(): Boolean {
        if (hasWork()) {
            return false
        }
        state.value = SyncState.UpToDate
        val report = attempt { unlessSaved { device.watch(LISTEN) } }
        return report?.more == false
    }

    /** `null` if it did not work, after a pause, or if something else was done meanwhile. */
    private suspend fun attempt(exchange: suspend () -> SyncReport?): SyncReport? {
        try {
            val report = exchange()
            if (report?.wiped == true) {
                state.value = SyncState.Wiped
            }
            return report
        } catch (_: SopuException.Stopped) {
            // It has enrolled anew meanwhile, or is being shut: the next exchange tells.
            return null
        } catch (why: SopuException) {
            // Before the state is shown: whoever sees it may sync or save at once.
            val (pauseMs, before) = device.pauseMs() to unsent()
            state.value = afterTrouble(why, pauseMs) ?: throw why
            rest(pauseMs, before, LEAST_PAUSE_MS)
            return null
        }
    }

    /** Does it until it is done or something of one's own waits to be sent; then `null`. */
    private suspend fun unlessSaved(exchange: suspend () -> SyncReport): SyncReport? = coroutineScope {
        val saved = async { device.changes.first { hasWork() } }
        val report = async { exchange() }
        try {
            select {
                report.onAwait { it }
                saved.onAwait { null }
            }
        } finally {
            saved.cancel()
            report.cancel()
        }
    }

    /**
     * Waits so long; less if somebody syncs meanwhile, or, without a network, if there is more unsent than [before].
     */
    private suspend fun rest(pauseMs: Long, before: UInt, leastMs: Long = 0) {
        val whenSaved = state.value is SyncState.Offline
        withTimeoutOrNull(pauseMs.coerceAtLeast(leastMs).milliseconds) {
            device.changes.first { pauseMs > 0 && device.pauseMs() == 0L || whenSaved && unsent() > before }
        }
    }

    private suspend fun hasWork(): Boolean {
        val unsent = unsent()
        stuck = minOf(stuck, unsent)
        return unsent > stuck
    }

    private suspend fun unsent(): UInt = device.backlog().here

    companion object {
        private val LISTEN: Duration = 5.minutes
        private const val LEAST_PAUSE_MS = 1_000L

        /** What to show while it waits; `null` if waiting does not help. */
        private fun afterTrouble(why: SopuException, pauseMs: Long): SyncState? =
            when (why) {
                is SopuException.Offline -> SyncState.Offline(pauseMs)
                is SopuException.TryLater ->
                    SyncState.Busy(maxOf(pauseMs, why.retryAfterMs ?: 0))
                is SopuException.NotARelay -> SyncState.Waiting(why, pauseMs)
                is SopuException.Storage ->
                    if (why.why in PASSING) SyncState.Waiting(why, pauseMs) else null
                else -> null
            }

        private val PASSING = setOf("disk_full", "busy")
    }
}
