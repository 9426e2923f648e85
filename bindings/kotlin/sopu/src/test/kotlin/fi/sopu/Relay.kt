package fi.sopu

import java.io.File
import java.nio.file.Files
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking

/** A real `sopu serve` on loopback with data of its own: one organisation with one space, "Koivula". */
class Relay : AutoCloseable {
    private val folder = Files.createTempDirectory("sopu-kotlin-").toFile()
    private val data = File(folder, "relay")
    private val people = AtomicInteger()
    private var process: Process? = null

    /** Its address. */
    lateinit var url: String
        private set

    init {
        sopu("org", "add", "Hoiva Oy")
        sopu("space", "add", "Koivula")
        start()
    }

    /** Runs a command on its data; gives what it printed. */
    fun sopu(vararg words: String): String {
        val command = listOf(program(), "--data", data.path, *words)
        val log = File(folder, "command.log")
        val running = ProcessBuilder(command)
            .redirectInput(File("/dev/null"))
            .redirectError(log)
            .start()
        val out = running.inputStream.bufferedReader().readText()
        check(running.waitFor() == 0) { "sopu ${words.joinToString(" ")}: ${log.readText()}" }
        return out
    }

    fun start(listen: String = "127.0.0.1:0") {
        val serving = ProcessBuilder(program(), "--data", data.path, "serve", "--listen", listen)
            .redirectInput(File("/dev/null"))
            .redirectError(ProcessBuilder.Redirect.appendTo(File(folder, "relay.log")))
            .start()
        process = serving
        val line = serving.inputStream.bufferedReader().readLine().orEmpty()
        val found = Regex("http://[^/ ]+").find(line)
        url = checkNotNull(found) { "sopu serve did not start: $line ${File(folder, "relay.log").readText()}" }.value
    }

    /** Ends the process; [start] at the same address has it back. */
    fun stop() {
        process?.destroyForcibly()?.waitFor(20, TimeUnit.SECONDS)
        process = null
    }

    override fun close() {
        stop()
        folder.deleteRecursively()
    }

    /** A new person who writes in the space, and an invite for one device. */
    fun invite(firstName: String, role: String = "field"): String {
        val person = "$firstName ${people.incrementAndGet()}"
        sopu("member", "add", person)
        sopu("space", "grant", "Koivula", "--member", person, "--role", role)
        return sopu("invite", "add", person).lines().first()
    }

    /** A fresh device of a new person who writes in the space. */
    fun device(firstName: String, client: HttpClient? = null, through: String = url): Device = runBlocking {
        val phone = Phone(Files.createTempDirectory(folder.toPath(), "device-").toFile())
        val device = phone.open(client)
        device.enrol(through, invite(firstName), "$firstName's phone")
        device.sync()
        device
    }

    private companion object {
        fun program(): String = System.getenv("SOPU_BIN") ?: run {
            val target = System.getenv("CARGO_TARGET_DIR") ?: "../../../target"
            File(target, "debug/sopu").path
        }
    }
}

/** Where one installation keeps its things. */
class Phone(private val folder: File) {
    val keys = Keys(newKey())

    val store = File(folder, "sopu.db")

    suspend fun open(client: HttpClient? = null, keys: Keys = this.keys): Device =
        Device.open(store, File(folder, "instance"), keys, client)
}

/** Waits for what comes about in a moment: the relay merges off the request path. */
suspend fun until(what: suspend () -> Boolean) {
    val end = TimeSource.Monotonic.markNow() + 60.seconds
    while (!what()) {
        check(end.hasNotPassedNow()) { "did not come about in time" }
        delay(50.milliseconds)
    }
}

/** Syncs until the device's own work in a document is in the record. */
suspend fun inRecord(device: Device, doc: String) = until {
    device.sync()
    device.status(doc).stage in setOf(Stage.RECORD, Stage.SEEN)
}

/** Syncs until every device's work is in the record and has come to all others. */
suspend fun syncAll(vararg devices: Device) {
    until {
        devices.forEach { it.sync() }
        devices.all { device -> device.backlog().let { it.here + it.server } == 0u }
    }
    devices.forEach { it.sync() }
}
