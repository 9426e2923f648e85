package fi.sopu.transport

import fi.sopu.HttpClient
import fi.sopu.HttpException
import fi.sopu.HttpReply
import fi.sopu.HttpRequest
import fi.sopu.Relay
import fi.sopu.SopuException
import fi.sopu.Stage
import fi.sopu.assertThrows
import fi.sopu.documents.VisitNote
import fi.sopu.inRecord
import fi.sopu.syncAll
import fi.sopu.until
import java.net.http.HttpClient as JavaClient
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.system.measureTimeMillis
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.measureTime
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeAll
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestInstance
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.MethodSource

/** Each transport over a line that goes wrong. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TransportTest {
    private lateinit var relay: Relay

    @BeforeAll
    fun startRelay() {
        relay = Relay()
    }

    @AfterAll
    fun stopRelay() = relay.close()

    enum class Transport(val make: () -> HttpClient) {
        JAVA({ JavaHttp() }),
        OK({ OkHttp() }),
    }

    fun transports() = Transport.entries

    private fun faults(): List<Fault> = listOf(
        Fault.Dropped,
        Fault.Reset,
        Fault.CutReply(10),
        Fault.CutReply(100),
        Fault.Answer("this is no HTTP at all\n\n"),
        Fault.Answer("HTTP/1.1 200 OK\nContent-Length: 9\nConnection: close\n\nnot CBOR!"),
        Fault.Answer("HTTP/1.1 200 OK\nContent-Encoding: zstd\nContent-Length: 9\nConnection: close\n\nnot zstd!"),
        Fault.Answer("HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: 6\nConnection: close\n\n<html>"),
        Fault.Answer("HTTP/1.1 302 Found\nLocation: /elsewhere\nContent-Length: 0\nConnection: close\n\n"),
        Fault.Answer("HTTP/1.1 503 Service Unavailable\nContent-Length: 0\nConnection: close\n\n"),
        Fault.Answer("HTTP/1.1 500 Internal Server Error\nContent-Length: 4\nConnection: close\n\noops"),
        Fault.Flood,
    )

    @ParameterizedTest
    @MethodSource("transports")
    fun `nothing is lost on a line that goes wrong, and all is well once it is well`(transport: Transport) =
        runBlocking<Unit> {
            FaultyLine(relay.url).use { line ->
                val aino = relay.device("Aino", transport.make(), line.url)
                val eero = relay.device("Eero")
                val space = aino.spaces().single().id
                for ((number, fault) in faults().withIndex()) {
                    val doc = aino.create(space, VisitNote(summary = "Vika ${transport.name} $number")).id
                    line.fault = fault
                    val why = runCatching { aino.sync() }.exceptionOrNull()
                    val transient = why is SopuException.Offline || why is SopuException.TryLater ||
                        why is SopuException.NotARelay
                    assertTrue(transient, "$fault: $why")
                    line.fault = Fault.None
                    inRecord(aino, doc)
                    syncAll(aino, eero)
                    assertEquals("Vika ${transport.name} $number", eero.open<VisitNote>(doc).value.summary, "$fault")
                }
                // Everything once: none of the repeated sends was taken twice.
                assertEquals(faults().size.toULong(), eero.search("Vika ${transport.name}", limit = 100).total)
            }
        }

    @ParameterizedTest
    @MethodSource("transports")
    fun `a slow line is slow and works`(transport: Transport) = runBlocking<Unit> {
        FaultyLine(relay.url).use { line ->
            val aino = relay.device("Aino", transport.make(), line.url)
            line.fault = Fault.Late(300)
            val doc = aino.create(aino.spaces().single().id, VisitNote(summary = "Hidas linja")).id
            aino.sync()
            assertNotEquals(Stage.HERE, aino.status(doc).stage)
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    fun `the time for a reply is the time for all of it`(transport: Transport) {
        val client = transport.make()
        for (fault in listOf(Fault.Silent, Fault.Dribble)) {
            FaultyLine(relay.url).use { line ->
                line.fault = fault
                val took = measureTimeMillis {
                    assertThrows<HttpException.TimedOut> { client.post(request(line.url, timeoutMs = 700u)) }
                }
                assertTrue(took in 600..5_000, "$fault: $took ms")
            }
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    fun `too long a reply is not kept`(transport: Transport) {
        FaultyLine(relay.url).use { line ->
            line.fault = Fault.Flood
            assertThrows<HttpException.TooLarge> { transport.make().post(request(line.url)) }
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    fun `a packed reply is handed on as it came, and a redirect is not followed`(transport: Transport) {
        val packed = byteArrayOf(0x1f, 0x8b.toByte(), 8, 0)
        FaultyLine(relay.url).use { line ->
            val head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\nConnection: close\r\n\r\n"
            line.fault = Fault.Answer(head.toByteArray() + packed)
            val reply = transport.make().post(request(line.url))
            assertEquals("gzip", reply.encoding)
            assertArrayEquals(packed, reply.body)

            val before = line.connections
            line.fault = Fault.Answer(
                "HTTP/1.1 307 Temporary Redirect\nLocation: ${line.url}/x\nContent-Length: 0\nConnection: close\n\n",
            )
            assertEquals(307u.toUShort(), transport.make().post(request(line.url)).status)
            assertEquals(before + 1, line.connections)
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    fun `no address, nobody there`(transport: Transport) {
        for (url in listOf("http://127.0.0.1:1/v1/sync", "no address", "ftp://127.0.0.1/")) {
            assertThrows<HttpException.Unreachable> { transport.make().post(request(url)) }
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    fun `a sync goes over it and nothing else`(transport: Transport) = runBlocking<Unit> {
        val posts = CopyOnWriteArrayList<String>()
        val inner = transport.make()
        val counting = object : HttpClient {
            override fun post(request: HttpRequest): HttpReply {
                posts += request.url
                return inner.post(request)
            }
        }
        val aino = relay.device("Aino", counting)
        posts.clear()
        aino.create(aino.spaces().single().id, VisitNote(summary = "Oman asiakkaan kautta"))
        assertEquals(aino.sync().requests.toInt(), posts.size)
    }

    @ParameterizedTest
    @MethodSource("transports")
    fun `a long poll that is cancelled ends at once`(transport: Transport) = runBlocking<Unit> {
        val aino = relay.device("Aino", transport.make())
        until { measureTime { aino.watch(300.milliseconds) } > 300.milliseconds }
        val listening = launch { aino.watch(60.seconds) }
        delay(400.milliseconds)
        assertTrue(listening.isActive)
        val took = measureTime { listening.cancelAndJoin() }
        assertTrue(took < 1.seconds, "$took")
        // And the device works on.
        aino.sync()
    }

    @Test
    fun `a client that follows redirects is not taken`() {
        val following = JavaClient.newBuilder().followRedirects(JavaClient.Redirect.NORMAL).build()
        assertThrows<IllegalArgumentException> { JavaHttp(following) }
    }

    @Test
    fun `a client that throws anything is no network and no crash`() = runBlocking<Unit> {
        val broken = object : HttpClient {
            override fun post(request: HttpRequest): HttpReply = error("a defect of the app")
        }
        assertThrows<SopuException.Offline> { relay.device("Aino", broken) }
        assertTrue(relay.device("Aino").spaces().isNotEmpty())
    }

    private fun request(url: String, timeoutMs: UInt = 10_000u) =
        HttpRequest(url = url, token = "t", body = byteArrayOf(1), encoding = null, timeoutMs = timeoutMs)
}
