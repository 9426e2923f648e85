package fi.sopu

import fi.sopu.background.SyncJob
import fi.sopu.documents.Contract
import fi.sopu.documents.VisitNote
import fi.sopu.transport.OkHttp
import java.io.File
import java.nio.file.Path
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import okhttp3.OkHttpClient
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** The code of docs/kotlin.md, run. Each block of the page stands here word for word, Android's in a test of the stand-ins. */
class DocsTest {
    @TempDir
    lateinit var temporary: Path

    private val shown = CopyOnWriteArrayList<Any?>()

    private fun show(what: Any?) {
        shown += what
    }

    @Test
    fun `the page's code runs`() = runBlocking<Unit> {
        Relay().use { relay ->
            val scanned = "${relay.url}/enrol#${relay.invite("Maria")}"
            val filesDir = temporary.toFile()
            val noBackupFilesDir = File(filesDir, "no_backup").apply { mkdirs() }

            val keys = Keys(newKey())                 // made once, then from the keystore
            val device = Device.open(File(filesDir, "sopu.db"), File(noBackupFilesDir, "sopu"), keys)
            val invitation = readInvitation(scanned)  // the office's QR code or link
            device.enrol(invitation.relay, invitation.code, "Maria's phone")
            device.sync()

            val space = device.spaces().first().id
            val note = device.create(space, VisitNote(summary = "Walked the north field."))
            note.edit { it.copy(handover = "The key is at the neighbour's.") }
            note.save()                               // durable, with or without a network

            assertEquals("The key is at the neighbour's.", device.open<VisitNote>(note.id).value.handover)

            coroutineScope {
                launch { device.keepInSync() }
                launch { device.syncState.collect { show(it) } }
                launch { device.live(Query(kind = Kind.VISIT_NOTE)).collect { page -> show(page.rows) } }
                launch { device.live { status(note.id) }.collect { progress -> show(progress.stage) } }

                until { SyncState.UpToDate in shown && Stage.RECORD in shown }
                coroutineContext.cancelChildren()
            }

            fun ask(conflict: Conflict): Candidate = conflict.values.last()
            for (conflict in note.conflicts) {
                note.choose(conflict, candidate = ask(conflict))
            }

            val contract = device.create(space, Contract(title = "Kotihoito"))
            try {
                contract.lock()
            } catch (why: SopuException.Mend) {
                show(why.problems.map { it.path })
            }
            assertTrue("parties" in (shown.last() as List<*>))

            val outcome = SyncJob(budget = 25.seconds).run(device)
            if (!outcome.news.none) {
                show("${outcome.news.rejected.size} notes wait at the office")
            }
            when (outcome) {
                is SyncJob.Outcome.Done -> show("done")
                is SyncJob.Outcome.Again -> show("attempt ${outcome.attempt}, no sooner than ${outcome.after}")
                is SyncJob.Outcome.GiveUp -> show(outcome.why)
                is SyncJob.Outcome.Wiped -> show("forget the keys")
            }
            assertEquals("done", shown.last())

            device.shut()
            Device.remove(File(filesDir, "sopu.db"), File(noBackupFilesDir, "sopu"))

            assertEquals(listOf("no_backup"), filesDir.list()?.toList())

            val fresh = Device.open(
                File(filesDir, "sopu.db"),
                File(noBackupFilesDir, "sopu"),
                Keys(newKey()),
                client = OkHttp(OkHttpClient()),
            )
            assertThrows<SopuException.Enrol> { fresh.identity() }
        }
    }

    @Test
    fun `every block of the page stands in a test`() {
        fun lines(text: String) = text.lines().map { it.trim() }.filter { it.isNotEmpty() }
        val tests = listOf(
            File("src/test/kotlin/fi/sopu/DocsTest.kt"),
            File("../stubs/src/test/kotlin/fi/sopu/android/KeystoreKeysTest.kt"),
        ).map { lines(it.readText()).joinToString("\n") }
        val page = File("../../../docs/kotlin.md").readText()
        val blocks = Regex("```kotlin\n(.*?)```", RegexOption.DOT_MATCHES_ALL).findAll(page).map { it.groupValues[1] }
        assertTrue(blocks.count() >= 6)
        for (block in blocks) {
            assertTrue(tests.any { lines(block).joinToString("\n") in it }, block)
        }
    }
}
