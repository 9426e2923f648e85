package fi.sopu.android

import androidx.work.Data
import androidx.work.Enqueued
import androidx.work.ExistingPeriodicWorkPolicy
import androidx.work.ExistingWorkPolicy
import androidx.work.ListenableWorker.Result
import androidx.work.NetworkType
import androidx.work.PeriodicWorkRequest
import androidx.work.WorkManager
import androidx.work.WorkerParameters
import fi.sopu.Device
import fi.sopu.Relay
import fi.sopu.SopuException
import fi.sopu.documents.VisitNote
import fi.sopu.keys.KeysException
import fi.sopu.until
import java.io.File
import java.nio.file.Path
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeAll
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestInstance
import org.junit.jupiter.api.io.TempDir

/** What a run of the worker tells WorkManager and the app, with a real device and a real relay. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SyncWorkerTest {
    @TempDir
    lateinit var folder: Path

    private lateinit var relay: Relay

    @BeforeAll
    fun startRelay() {
        relay = Relay()
    }

    @AfterAll
    fun stopRelay() = relay.close()

    private fun app(device: Device) = App(folder.toFile()) { device }

    private fun App.run(input: Data = Data()): Result =
        runBlocking { SyncWorker(this@run, WorkerParameters(input)).doWork() }

    private val App.works get() = WorkManager.getInstance(this).enqueued

    private val Enqueued.attempt get() = work.inputData.getInt("attempt", -1)

    @Test
    fun `all sent is success, and nothing is enqueued`() = runBlocking<Unit> {
        val app = app(relay.device("Aino"))
        assertEquals(Result.success(), app.run())
        assertTrue(app.works.isEmpty() && app.news.isEmpty() && app.failures.isEmpty())
    }

    @Test
    fun `what did not work is run again after the pause, counted, and given up in the end`() = runBlocking<Unit> {
        val device = relay.device("Aino")
        val app = app(device)
        relay.stop()
        try {
            assertEquals(Result.success(), app.run())
            val first = app.works.single()
            assertEquals("sopu-sync-again" to ExistingWorkPolicy.KEEP, first.name to first.policy)
            assertTrue(first.work.delayMs <= FIRST_PAUSE_MS, "${first.work.delayMs}")
            assertEquals(1, first.attempt)
            assertEquals(NetworkType.CONNECTED, first.work.constraints?.network)

            // Such a run must not take its own place.
            assertEquals(Result.success(), app.run(first.work.inputData))
            val second = app.works.last()
            assertEquals(first.name to ExistingWorkPolicy.APPEND_OR_REPLACE, second.name to second.policy)
            assertEquals(2, second.attempt)

            var runs = 2
            while (app.run(app.works.last().work.inputData) == Result.success()) {
                assertTrue(++runs < 20)
            }
            assertEquals(7, app.works.size)
            assertTrue(app.failures.isEmpty(), "nothing that the person could mend")
        } finally {
            relay.start(relay.url.removePrefix("http://"))
        }
    }

    @Test
    fun `what the relay holds is told once`() = runBlocking<Unit> {
        val device = relay.device("Aino")
        relay.sopu("space", "grant", "Koivula", "--member", device.identity().memberName, "--role", "reader")
        val doc = device.create(device.spaces().single().id, VisitNote(summary = "Yöllä")).id
        val app = app(device)
        until {
            app.run()
            app.news.isNotEmpty()
        }
        assertEquals(listOf(doc to listOf("removed")), app.news.single().rejected.map { it.doc to it.reasons })
        app.run()
        assertEquals(1, app.news.size)
    }

    @Test
    fun `a wipe is told, and so is a store that does not open`() = runBlocking<Unit> {
        val device = relay.device("Aino")
        val app = app(device)
        relay.sopu("device", "revoke", device.identity().device)
        until {
            assertEquals(Result.success(), app.run())
            app.wiped == 1
        }
        for (why in listOf(
            SopuException.Storage("wrong_key"),
            KeysException(KeysException.Reason.GONE),
            KeysException(KeysException.Reason.DAMAGED),
        )) {
            val closed = App(folder.toFile()) { throw why }
            assertEquals(Result.failure(), closed.run())
            assertSame(why, closed.failures.single())
            assertTrue(closed.works.isEmpty())
        }
    }

    @Test
    fun `a store or keystore that does not answer now is tried again, counted, and given up in the end`() {
        for (why in listOf(
            SopuException.Storage("busy"),
            SopuException.Storage("disk_full"),
            KeysException(KeysException.Reason.UNAVAILABLE),
        )) {
            val app = App(folder.toFile()) { throw why }
            assertEquals(Result.success(), app.run())
            while (app.run(app.works.last().work.inputData) == Result.success()) {
                assertTrue(app.works.size < 20)
            }
            assertEquals((1..7).toList(), app.works.map { it.attempt })
            assertTrue(app.works.all { it.work.delayMs == 60_000L })
            assertTrue(app.failures.isEmpty(), "nothing that the person could mend")
        }
    }

    @Test
    fun `it is enqueued every hour, and anew when something is left unsent`() {
        val app = App(File("/")) { error("is not opened") }
        SyncWorker.everyHour(app)
        SyncWorker.soon(app)
        val (hourly, soon) = app.works
        assertEquals(ExistingPeriodicWorkPolicy.KEEP, hourly.policy)
        assertEquals(3_600_000, (hourly.work as PeriodicWorkRequest).everyMs)
        assertEquals(ExistingWorkPolicy.REPLACE, soon.policy)
        assertTrue(app.works.all { it.work.constraints?.network == NetworkType.CONNECTED })
    }

    private companion object {
        /** What is left of it depends on how busy the machine is. */
        const val FIRST_PAUSE_MS = 1_000L
    }
}
