package fi.sopu

import fi.sopu.documents.VisitNote
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.measureTime
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.launchIn
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Lists that follow, and a device that is kept in sync. */
class LiveTest : TwoDevices() {
    private suspend fun <T> Flow<T>.soon(what: (T) -> Boolean): T = withTimeout(20.seconds) { first { what(it) } }

    private fun Page.titles() = rows.map { it.title }

    @Test
    fun `a list comes at once and again whenever it has changed`() = runBlocking<Unit> {
        val pages = Channel<Page>(Channel.UNLIMITED)
        val search = Query(text = "Elävä")
        val collecting = aino.live(search).onEach { pages.send(it) }.launchIn(this)
        assertEquals(0uL, pages.receive().total)
        aino.note("Elävä lista")
        withTimeout(5.seconds) { assertEquals(listOf("Elävä lista"), pages.receive().titles()) }
        // Something else changes: the same page does not come again.
        aino.note("Muuta")
        val theirs = eero.note("Elävä myös Eerolla")
        eero.sync()
        aino.sync()
        until { theirs.id in aino.list(search).rows.map { it.id }.also { aino.sync() } }
        withTimeout(5.seconds) {
            var page = pages.receive()
            while (page.total < 2u) page = pages.receive()
            assertEquals(setOf("Elävä lista", "Elävä myös Eerolla"), page.titles().toSet())
        }
        collecting.cancelAndJoin()
    }

    @Test
    fun `one thread waits for all that follow, and none when nobody does`() = runBlocking<Unit> {
        val following = (0 until 5).map { number ->
            launch { aino.live(Query(text = "$number")).collect {} }
        } + launch { aino.live { backlog() }.collect {} }
        until { waitingThreads() == 1 }
        delay(200.milliseconds)
        assertEquals(1, waitingThreads())
        val took = measureTime { following.forEach { it.cancelAndJoin() } }
        until { waitingThreads() == 0 }
        assertTrue(took < 2.seconds, "$took")
    }

    private fun waitingThreads(): Int =
        Thread.getAllStackTraces().values.count { frames -> frames.any { it.methodName.startsWith("nextChange") } }

    @Test
    fun `an open form shows what others write while nothing is unsaved in it`() = runBlocking<Unit> {
        val form = aino.note("Yhteinen")
        syncAll(aino, eero)
        val following = launch { form.keepFresh() }
        val theirs = eero.open<VisitNote>(form.id)
        theirs.edit { it.copy(handover = "Eerolta") }
        theirs.save()
        syncAll(eero, aino)
        form.state.soon { it.value.handover == "Eerolta" }

        form.edit { it.copy(summary = "Kesken") }
        theirs.edit { it.copy(handover = "Taas Eerolta") }
        theirs.save()
        syncAll(eero, aino)
        delay(300.milliseconds)
        assertEquals("Kesken" to "Eerolta", form.value.summary to form.value.handover)
        form.save()
        form.state.soon { it.value.handover == "Taas Eerolta" && it.value.summary == "Kesken" }
        following.cancelAndJoin()
    }

    @Test
    fun `a device that was shut ends what follows it`() = runBlocking<Unit> {
        val following = async { runCatching { aino.live(Query()).collect {} } }
        until { waitingThreads() == 1 }
        aino.shut()
        aino.shut()
        assertTrue(withTimeout(5.seconds) { following.await() }.exceptionOrNull() is SopuException.Closed)
        assertThrows<SopuException.Closed> { aino.live(Query()).first() }
        assertThrows<SopuException.Closed> { aino.spaces() }
        until { waitingThreads() == 0 }
    }

    @Test
    fun `two that are kept in sync see each other's notes without asking`() = runBlocking<Unit> {
        val both = listOf(aino, eero).map { launch { it.keepInSync() } }
        listOf(aino, eero).forEach { device -> device.syncState.soon { it == SyncState.UpToDate } }
        // While it listens: what is saved goes out at once, not when the long poll is over.
        val took = measureTime {
            val doc = aino.note("Heti perille").id
            eero.live(Query(text = "perille")).soon { page -> doc in page.rows.map { it.id } }
        }
        assertTrue(took < 10.seconds, "$took")
        aino.live { backlog() }.soon { it.here == 0u }
        both.forEach { it.cancelAndJoin() }
        assertEquals(SyncState.Off, aino.syncState.value)
    }

    @Test
    fun `without a relay it says offline, tries when something is saved, and goes on by itself`() = runBlocking<Unit> {
        relay.stop()
        val keeping = launch { aino.keepInSync() }
        aino.syncState.soon { it is SyncState.Offline }
        val doc = aino.note("Odottaa verkkoa").id
        relay.start(relay.url.removePrefix("http://"))
        aino.syncState.soon { it == SyncState.UpToDate }
        aino.live { status(doc) }.soon { it.here == 0u }
        keeping.cancelAndJoin()
    }

    @Test
    fun `a person who syncs while it waits sets it going`() = runBlocking<Unit> {
        relay.stop()
        val keeping = launch { aino.keepInSync() }
        // The pauses double: soon it would not come back for a while by itself.
        aino.syncState.soon { it is SyncState.Offline && it.retryInMs > 4_000 }
        relay.start(relay.url.removePrefix("http://"))
        aino.sync()
        val took = measureTime { aino.syncState.soon { it == SyncState.UpToDate } }
        assertTrue(took < 3.seconds, "$took")
        keeping.cancelAndJoin()
    }

    @Test
    fun `keeping in sync is cancelled at once`() = runBlocking<Unit> {
        val keeping = launch { aino.keepInSync() }
        aino.syncState.soon { it == SyncState.UpToDate }
        delay(500.milliseconds)
        val took = measureTime { keeping.cancelAndJoin() }
        assertTrue(took < 1.seconds, "$took")
        aino.sync()
    }

    @Test
    fun `a device that is cut off is wiped, and keeping it in sync is over`() = runBlocking<Unit> {
        val keeping = async { aino.keepInSync() }
        aino.syncState.soon { it == SyncState.UpToDate }
        relay.sopu("device", "revoke", aino.identity().device)
        withTimeout(30.seconds) { keeping.await() }
        assertEquals(SyncState.Wiped, aino.syncState.value)
    }
}
