package fi.sopu.example

import fi.sopu.Device
import fi.sopu.Office
import fi.sopu.Relay
import fi.sopu.SyncState
import fi.sopu.until
import java.time.LocalDate
import java.time.ZoneId
import java.util.Locale
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.flow.filterNotNull
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Two people at two terminals. */
class ExampleTest {
    private val today = LocalDate.now(ZoneId.of("Europe/Helsinki"))

    private inner class Person(val device: Device, scope: CoroutineScope, language: String) {
        private val lines = CopyOnWriteArrayList<String>()
        private val terminal = Terminal(device, scope, Texts(Locale.forLanguageTag(language)), today, lines::add)

        /** What a command printed. */
        suspend fun says(command: String): List<String> {
            lines.clear()
            assertTrue(terminal.command(command))
            return lines.toList()
        }

        suspend fun quits() = assertFalse(terminal.command("quit"))
    }

    @Test
    fun `a day with and without a network`() = runBlocking<Unit> {
        Relay().use { relay ->
            val aino = Person(relay.device("Aino"), this, "fi")
            val eero = Person(relay.device("Eero"), this, "en")

            // Offline.
            assertEquals("Ei kirjauksia.", aino.says("list").first())
            assertEquals(listOf("Yhteenveto: Kävin pohjoispellolla", "[tässä puhelimessa]"), aino.says("new Kävin pohjoispellolla"))
            aino.says("summary Kävin pohjoispellolla aamulla")
            aino.says("close")
            val (row, state) = aino.says("list")
            assertEquals("1  Kävin pohjoispellolla aamulla  [tässä puhelimessa]", row)
            assertTrue("Lähettämättä: " in state, state)

            // The record.
            until { "[kirjattu]" in aino.says("sync").first() }
            until { "1  Kävin pohjoispellolla aamulla" == eero.says("sync").first() }

            // A conflict, and a person who settles it.
            for ((person, code) in listOf(aino to "as_planned", eero to "client_absent")) {
                person.says("open 1")
                person.says("outcome $code")
                person.says("close")
            }
            aino.says("sync")
            until { "decide: 1" in eero.says("sync").first().also { aino.says("sync") } }
            val shown = eero.says("open 1")
            assertTrue("Two people wrote this differently: outcome" in shown, "$shown")
            val mine = shown.single { "client_absent" in it && "Eero" in it }.trim().substringBefore(' ')
            val chosen = eero.says("choose $mine")
            assertTrue("Outcome: client_absent" in chosen, "$chosen")
            assertFalse(chosen.any { "differently" in it })
            eero.says("close")

            // Words.
            assertEquals(1, eero.says("find pohjoispello").count { "Kävin" in it })
            assertEquals("No notes.", eero.says("find navetta").first())
            assertEquals("No notes.", eero.says("day 2020-01-01").first())
            assertTrue(eero.says("what").single().startsWith("enrol ADDRESS"))
            assertEquals(listOf("There is no such note here."), eero.says("open 99"))

            aino.quits()
            eero.quits()
            coroutineContext.cancelChildren()
        }
    }

    @Test
    fun `kept online, what one saves the other sees, and typing saves itself`() = runBlocking<Unit> {
        Relay().use { relay ->
            val aino = Person(relay.device("Aino"), this, "sv")
            val eero = relay.device("Eero")
            aino.says("online")
            withTimeout(20.seconds) { aino.device.syncState.first { it == SyncState.UpToDate } }
            aino.says("new Tankar")
            aino.says("summary Tankar om åkern")
            val day = DayViewModel(eero, this, today)
            // Nobody closes or syncs the note: it is saved after a moment, and goes out.
            until {
                eero.sync()
                day.state.filterNotNull().first().rows.any { it.title == "Tankar om åkern" }
            }
            relay.stop()
            aino.says("offline")
            assertEquals("ingen kontakt; allt finns kvar i den här telefonen", aino.says("sync").single())
            aino.quits()
            coroutineContext.cancelChildren()
        }
    }

    @Test
    fun `what is pending is listed with its reason, and what came to nothing to copy from`() = runBlocking<Unit> {
        Relay().use { relay ->
            val device = relay.device("Sari")
            val sari = Person(device, this, "en")
            assertEquals(listOf("Everything is in the record."), sari.says("pending"))
            sari.says("new Without a right")
            sari.says("close")
            assertEquals(listOf("Without a right  [on this phone]"), sari.says("pending"))
            relay.sopu("space", "grant", "Koivula", "--member", device.identity().memberName, "--role", "reader")
            val held = "Without a right  [waits at the office: your right to this client was taken away]"
            until {
                sari.says("sync")
                sari.says("pending") == listOf(held)
            }
            Office(relay).drop(device.spaces().single().id, "not hers")
            val draft = listOf("Not taken into the record: the office did not take it. You wrote:", "Summary: Without a right")
            until {
                sari.says("sync")
                sari.says("pending") == draft
            }
            sari.quits()
            coroutineContext.cancelChildren()
        }
    }

    @Test
    fun `every text is there in three languages`() {
        val keys = listOf("", "_fi", "_sv").map { language ->
            val file = "/fi/sopu/example/texts$language.properties"
            java.util.Properties().apply { load(ExampleTest::class.java.getResourceAsStream(file)!!.reader()) }.stringPropertyNames()
        }
        assertEquals(keys[0], keys[1])
        assertEquals(keys[0], keys[2])
    }
}
