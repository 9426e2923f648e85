package fi.sopu.background

import fi.sopu.Counted
import fi.sopu.Device
import fi.sopu.HttpClient
import fi.sopu.HttpReply
import fi.sopu.HttpRequest
import fi.sopu.Office
import fi.sopu.Phone
import fi.sopu.Relay
import fi.sopu.SopuException
import fi.sopu.Stage
import fi.sopu.documents.VisitNote
import fi.sopu.syncAll
import fi.sopu.until
import java.nio.file.Path
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.measureTime
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeAll
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestInstance
import org.junit.jupiter.api.io.TempDir

/** What a task in the background does and tells its platform. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SyncJobTest {
    @TempDir
    lateinit var folder: Path

    private lateinit var relay: Relay

    @BeforeAll
    fun startRelay() {
        relay = Relay()
    }

    @AfterAll
    fun stopRelay() = relay.close()

    @Test
    fun `with a network all is sent and done`() = runBlocking<Unit> {
        val aino = relay.device("Aino")
        val doc = aino.create(aino.spaces().single().id, VisitNote(summary = "Taustalla")).id
        assertEquals(SyncJob.Outcome.Done(), SyncJob().run(aino))
        assertTrue(aino.status(doc).stage != Stage.HERE)
    }

    @Test
    fun `cut anywhere, it goes on where it was`() = runBlocking<Unit> {
        val aino = relay.device("Aino")
        val space = aino.spaces().single().id
        val docs = (0 until 120).map { aino.create(space, VisitNote(summary = "Pitkä jono $it ${"x".repeat(500)}")).id }
        // By its own time, which is too short for all of it.
        val first = SyncJob(budget = 1.milliseconds).run(aino)
        assertTrue(first is SyncJob.Outcome.Again || first == SyncJob.Outcome.Done(), "$first")
        // By the platform, at any moment.
        for (ms in listOf(0L, 1, 5, 20, 60)) {
            val running = launch { SyncJob().run(aino) }
            delay(ms.milliseconds)
            val took = measureTime { running.cancelAndJoin() }
            assertTrue(took < 2.seconds, "$took")
        }
        var runs = 0
        while (SyncJob(budget = 200.milliseconds).run(aino) != SyncJob.Outcome.Done()) {
            assertTrue(++runs < 200)
        }
        until {
            aino.sync()
            docs.all { aino.status(it).stage in setOf(Stage.RECORD, Stage.SEEN) }
        }
        val eero = relay.device("Eero")
        until {
            eero.sync()
            eero.search("Pitkä jono", limit = 200).total == 120uL
        }
    }

    @Test
    fun `without a network it asks to be run again, counts, and in the end gives up`() = runBlocking<Unit> {
        val aino = relay.device("Aino")
        relay.stop()
        try {
            val job = SyncJob(attempts = 3)
            val first = job.run(aino) as SyncJob.Outcome.Again
            // What is left of the pause depends on how busy the machine is.
            assertTrue(first.after <= 1.seconds, "${first.after}")
            val second = job.run(aino, first.attempt) as SyncJob.Outcome.Again
            assertEquals(1 to 2, first.attempt to second.attempt)
            assertEquals(SyncJob.Outcome.GiveUp(null), job.run(aino, second.attempt))
        } finally {
            relay.start(relay.url.removePrefix("http://"))
        }
        assertEquals(SyncJob.Outcome.Done(), SyncJob().run(aino))
    }

    @Test
    fun `a device that is not enrolled has nothing to do`(@TempDir folder: Path) = runBlocking<Unit> {
        assertEquals(SyncJob.Outcome.Done(), SyncJob().run(Phone(folder.toFile()).open()))
    }

    @Test
    fun `a device that is cut off hands in its work, is wiped, and is told no more`() = runBlocking<Unit> {
        val aino = relay.device("Aino")
        aino.create(aino.spaces().single().id, VisitNote(summary = "Viimeinen"))
        relay.sopu("device", "revoke", aino.identity().device)
        val outcomes = mutableListOf<SyncJob.Outcome>()
        until {
            outcomes += SyncJob().run(aino)
            outcomes.last() == SyncJob.Outcome.Wiped()
        }
        val after = SyncJob().run(aino)
        val over = after == SyncJob.Outcome.Done() || after is SyncJob.Outcome.GiveUp && after.why is SopuException.Refused
        assertTrue(over, "$after")
    }

    @Test
    fun `what the relay holds or the office drops is news once, whatever else becomes of the run`() = runBlocking<Unit> {
        val line = Counted()
        val phone = Phone(folder.toFile())
        val reader = phone.open(line)
        reader.enrol(relay.url, relay.invite("Sari", "reader"), "phone")
        reader.sync()
        val space = reader.spaces().single().id
        val doc = reader.create(space, VisitNote(summary = "Ilman oikeutta")).id
        val held = news(reader)
        assertEquals(listOf(doc to listOf("right_missing")), held.rejected.map { it.doc to it.reasons })
        assertTrue(held.drafts.isEmpty() && held.leftOut == 0)
        assertTrue(SyncJob().run(reader).news.none)

        // The answer comes, and then there is no network: the first portion is told all the same.
        assertTrue(Office(relay).drop(space, "ei hänen tehtävänsä") > 0)
        val other = relay.device("Eero")
        repeat(40) { number ->
            val text = (0 until 1_000).joinToString("") { "${(number * 7919 + it * it) % 977}" }
            other.create(space, VisitNote(summary = "Muuta $number", handover = text.take(500)))
        }
        syncAll(other)
        line.allow(1)
        val cut = SyncJob().run(reader)
        assertTrue(cut is SyncJob.Outcome.Again, "$cut")
        assertEquals(listOf(doc to listOf("dropped")), cut.news.rejected.map { it.doc to it.reasons })
        line.allow()
        val dropped = news(reader)
        assertEquals(listOf("dropped"), dropped.drafts.map { it.reason })
        assertTrue(SyncJob().run(reader).news.none)
    }

    @Test
    fun `a relay that asks for patience is not asked before its time`() = runBlocking<Unit> {
        val busy = object : HttpClient {
            override fun post(request: HttpRequest): HttpReply =
                HttpReply(503u, "", """{"code":"unavailable","retry_after_ms":120000}""".toByteArray())
        }
        val phone = Phone(folder.toFile())
        phone.open().run {
            enrol(relay.url, relay.invite("Aino"), "phone")
            shut()
        }
        val aino = phone.open(busy)
        val outcome = SyncJob().run(aino)
        assertTrue(outcome is SyncJob.Outcome.Again && outcome.after >= 120.seconds, "$outcome")
    }

    /** The next that there are. */
    private suspend fun news(device: Device): News {
        var news = News()
        until {
            news = SyncJob().run(device).news
            !news.none
        }
        return news
    }
}
