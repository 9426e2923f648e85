package fi.sopu.transport

import java.io.IOException
import java.io.InputStream
import java.io.OutputStream
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.concurrent.thread

/** What befalls each connection. */
sealed interface Fault {
    data object None : Fault

    /** Closed before a byte. */
    data object Dropped : Fault

    /** Reset in the middle of the request. */
    data object Reset : Fault

    /** Everything goes to the relay, and only so many bytes of its reply come back. */
    data class CutReply(val bytes: Int) : Fault

    /** Every piece of the reply comes so late. */
    data class Late(val ms: Long) : Fault

    /** Nothing ever comes. */
    data object Silent : Fault

    /** The reply comes a byte at a time, for ever. */
    data object Dribble : Fault

    /** Something else answers. */
    data class Answer(val bytes: ByteArray) : Fault {
        constructor(text: String) : this(text.replace("\n", "\r\n").toByteArray())

        override fun toString(): String = "Answer(${bytes.take(40).map { it.toInt().toChar() }.joinToString("")})"
    }

    /** A reply that is too long. */
    data object Flood : Fault
}

/** A TCP proxy before a relay, on loopback. */
class FaultyLine(relay: String) : AutoCloseable {
    private val host = relay.removePrefix("http://").substringBefore(':')
    private val port = relay.substringAfterLast(':').toInt()
    private val listening = ServerSocket(0, 50, InetAddress.getLoopbackAddress())
    private val open = CopyOnWriteArrayList<Socket>()

    @Volatile var fault: Fault = Fault.None
        set(value) {
            field = value
            // A kept connection would keep its old fate.
            open.forEach { it.close() }
        }

    /** How many connections were made. */
    @Volatile var connections = 0
        private set

    val url = "http://127.0.0.1:${listening.localPort}"

    init {
        thread(isDaemon = true) {
            try {
                while (true) {
                    val client = listening.accept()
                    connections += 1
                    open += client
                    thread(isDaemon = true) { client.use { quietly { befall(it, fault) } } }
                }
            } catch (_: IOException) {
                // Closed.
            }
        }
    }

    override fun close() {
        listening.close()
        open.forEach { it.close() }
    }

    private fun befall(client: Socket, fault: Fault) {
        when (fault) {
            Fault.None -> pass(client) { it }
            Fault.Dropped -> Unit
            Fault.Reset -> {
                client.getInputStream().read(ByteArray(64))
                client.setSoLinger(true, 0)
            }
            is Fault.CutReply -> pass(client) { Cut(it, fault.bytes) }
            is Fault.Late -> pass(client) { Slow(it, fault.ms) }
            Fault.Silent -> {
                client.getInputStream().copyTo(OutputStream.nullOutputStream())
            }
            Fault.Dribble -> answer(client, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n".toByteArray()) {
                while (true) {
                    it.write(0)
                    it.flush()
                    Thread.sleep(50)
                }
            }
            is Fault.Answer -> answer(client, fault.bytes) {}
            Fault.Flood -> answer(client, "HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n\r\n".toByteArray()) {
                val piece = ByteArray(1 shl 16)
                repeat(40_000_000 / piece.size) { _ -> it.write(piece) }
            }
        }
    }

    private fun answer(client: Socket, head: ByteArray, then: (OutputStream) -> Unit) {
        val reading = thread(isDaemon = true) {
            quietly { client.getInputStream().copyTo(OutputStream.nullOutputStream()) }
        }
        Thread.sleep(50)
        val out = client.getOutputStream()
        out.write(head)
        out.flush()
        then(out)
        // A close with bytes unread would be a reset.
        client.shutdownOutput()
        reading.join(1_000)
    }

    private fun pass(client: Socket, down: (OutputStream) -> OutputStream) {
        Socket(host, port).use { relay ->
            val up = thread(isDaemon = true) {
                quietly { copy(client.getInputStream(), relay.getOutputStream()) }
                quietly { relay.shutdownOutput() }
            }
            quietly { copy(relay.getInputStream(), down(client.getOutputStream())) }
            client.close()
            up.join(1_000)
        }
    }

    private fun copy(from: InputStream, to: OutputStream) {
        val piece = ByteArray(8 * 1024)
        while (true) {
            val read = from.read(piece)
            if (read < 0) return
            to.write(piece, 0, read)
            to.flush()
        }
    }

    private class Cut(private val out: OutputStream, private var left: Int) : OutputStream() {
        override fun write(byte: Int) = write(byteArrayOf(byte.toByte()), 0, 1)

        override fun write(bytes: ByteArray, offset: Int, length: Int) {
            val some = minOf(left, length)
            out.write(bytes, offset, some)
            out.flush()
            left -= some
            if (left == 0) throw IOException("cut")
        }
    }

    private class Slow(private val out: OutputStream, private val ms: Long) : OutputStream() {
        override fun write(byte: Int) = write(byteArrayOf(byte.toByte()), 0, 1)

        override fun write(bytes: ByteArray, offset: Int, length: Int) {
            Thread.sleep(ms)
            out.write(bytes, offset, length)
            out.flush()
        }
    }

    private fun quietly(work: () -> Unit) {
        try {
            work()
        } catch (_: IOException) {
            // The other end has gone.
        }
    }
}
