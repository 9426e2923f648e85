package fi.sopu

import fi.sopu.documents.VisitNote
import fi.sopu.transport.JavaHttp
import java.util.Locale
import kotlinx.coroutines.runBlocking

/**
 * What crossing into the library costs. Run by hand, with a library built with SOPU_RELEASE=1:
 * `bindings/kotlin/build test-compile exec:java@bench -pl sopu`. The figures go into BENCHMARKS.md.
 */
fun main() = runBlocking {
    Relay().use { relay ->
        val device = relay.device("Aino", JavaHttp())
        val space = device.spaces().single().id
        repeat(200) { device.create(space, VisitNote(summary = "Käynti $it: pohjoispelto, lääkkeet ja avain")) }
        report("a call that does nothing", 20.0) { device.bare { changeNumber() } }
        report("the same from a coroutine", null) { device.call { changeNumber() } }
        report("a list of 50 of 200 notes", 2_000.0) { check(device.list(Query(limit = 50u)).rows.size == 50) }
        device.shut()
    }
}

/** Prints the median of many runs, in microseconds, after as many to warm up. */
private inline fun report(what: String, targetUs: Double?, work: () -> Unit) {
    val times = LongArray(RUNS)
    for (round in 0..1) {
        for (run in 0 until RUNS) {
            val began = System.nanoTime()
            work()
            times[run] = System.nanoTime() - began
        }
    }
    times.sort()
    val median = times[RUNS / 2] / 1_000.0
    val target = targetUs?.let { String.format(Locale.ROOT, "  (target < %.0f µs)", it) }.orEmpty()
    println(String.format(Locale.ROOT, "%-28s %9.1f µs%s", what, median, target))
}

private const val RUNS = 2_000
