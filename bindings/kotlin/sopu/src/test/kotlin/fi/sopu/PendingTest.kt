package fi.sopu

import fi.sopu.documents.VisitNote
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Work that does not get into the record by itself. */
class PendingTest {
    @Test
    fun `what the server holds is listed with its reason`() = runBlocking<Unit> {
        Relay().use { relay ->
            val phone = Phone(kotlin.io.path.createTempDirectory("sopu-kotlin-").toFile())
            val reader = phone.open()
            reader.enrol(relay.url, relay.invite("Lukija", role = "reader"), "phone")
            reader.sync()
            val doc = reader.create(reader.spaces().single().id, VisitNote(summary = "Ilman oikeutta")).id
            var rejected = 0u
            until {
                rejected += reader.sync().rejected
                reader.pending().any { it.place == Place.HELD }
            }
            val held = reader.pending().single()
            assertEquals(doc, held.doc)
            assertEquals("Ilman oikeutta", held.title)
            assertEquals(listOf("right_missing"), held.reasons)
            assertTrue(rejected > 0u)
            assertTrue(reader.status(doc).held > 0u)
        }
    }
}
