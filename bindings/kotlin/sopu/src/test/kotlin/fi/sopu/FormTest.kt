package fi.sopu

import fi.sopu.documents.Contract
import fi.sopu.documents.Cosign
import fi.sopu.documents.VisitNote
import java.nio.file.Files
import java.util.concurrent.atomic.AtomicReference
import kotlin.coroutines.CoroutineContext
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.supervisorScope
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** What happens to a form while something of it is on its way. */
class FormTest : TwoDevices() {
    private val gate = Gate()

    /** Does something once, just before the next call of the library begins. */
    private class Gate : CoroutineDispatcher() {
        private val once = AtomicReference<() -> Unit>()

        fun beforeNext(what: () -> Unit) = once.set(what)

        override fun dispatch(context: CoroutineContext, block: Runnable) {
            once.getAndSet(null)?.invoke()
            Dispatchers.IO.dispatch(context, block)
        }
    }

    override suspend fun firstDevice(): Device {
        val folder = Files.createTempDirectory("sopu-kotlin-").toFile()
        val store = folder.resolve("sopu.db")
        val device = Device.open(store, folder.resolve("instance"), Keys(newKey()), dispatcher = gate)
        device.enrol(relay.url, relay.invite("Aino"), "phone")
        device.sync()
        return device
    }

    @Test
    fun `what was saved is not made again over a colleague's work`() = runBlocking<Unit> {
        val form = aino.create(space, VisitNote(summary = "Ensin"))
        form.edit { it.copy(summary = "Aamulla") }
        gate.beforeNext { form.edit { it.copy(summary = "Aamulla") } }
        form.save()
        assertFalse(form.state.value.edited)
        // Nor is what did not happen.
        assertThrows<IllegalStateException> { form.edit { error("a defect of the app") } }

        syncAll(aino, eero)
        val theirs = eero.open<VisitNote>(form.id)
        theirs.edit { it.copy(summary = "Eerolta") }
        theirs.save()
        syncAll(eero, aino)
        val following = launch { form.keepFresh() }
        val shown = withTimeout(20.seconds) { form.state.first { it.value.summary == "Eerolta" } }
        assertFalse(shown.edited)
        following.cancelAndJoin()
    }

    @Test
    fun `a form is at what it saved though an edit made meanwhile throws`() = runBlocking<Unit> {
        val form = aino.create(space, VisitNote(summary = "Ensin"))
        val before = form.version
        form.edit { it.copy(summary = "Aamulla") }
        var times = 0
        gate.beforeNext { form.edit { if (times++ == 0) it.copy(handover = "Avain") else error("a defect") } }
        assertThrows<IllegalStateException> { form.save() }
        assertNotEquals(before, form.version)
        assertEquals("Aamulla", form.value.summary)
        assertFalse(form.save().changed)
    }

    @Test
    fun `an entry that was corrected is read, and saved no second time`() = runBlocking<Unit> {
        val key = "0190b5a0-0000-7000-8000-000000000009"
        val form = aino.create(space, VisitNote(summary = "Opiskelija", cosign = mapOf(key to Cosign(at = 1))))
        form.edit { it.copy(cosign = mapOf(key to Cosign(at = 2))) }
        assertTrue(form.save().changed)
        assertFalse(form.save().changed)
        val again = aino.open<VisitNote>(form.id)
        assertEquals(setOf(1L, 2L), again.value.cosign.values.map { it.at }.toSet())
        again.edit { it.copy(handover = "Avain") }
        again.save()
        assertEquals(2, again.value.cosign.size)
    }

    private suspend fun changedByEero(title: String): Form<Contract> {
        val form = aino.create(space, careContract())
        syncAll(aino, eero)
        val theirs = eero.open<Contract>(form.id)
        theirs.edit { it.copy(title = title) }
        theirs.save()
        syncAll(eero, aino)
        return form
    }

    @Test
    fun `what others wrote is not sealed unseen with one's own edits`() = runBlocking<Unit> {
        val form = changedByEero("Eeron otsikko")
        form.edit { it.copy(tags = setOf("uusi")) }
        assertThrows<SopuException.ReadAgain> { form.lock() }
        assertFalse(form.signingState().locked)
        form.refresh()
        assertEquals("Eeron otsikko" to setOf("uusi"), form.value.title to form.value.tags)
        form.lock()
        assertTrue(form.signingState().locked)
    }

    @Test
    fun `what a refresh brought while locking waited is not sealed unseen`() = runBlocking<Unit> {
        val form = changedByEero("Eeron otsikko")
        supervisorScope {
            var locking: Deferred<Saved>? = null
            gate.beforeNext { locking = async(start = CoroutineStart.UNDISPATCHED) { form.lock() } }
            form.refresh()
            assertThrows<SopuException.ReadAgain> { locking!!.await() }
        }
        assertEquals("Eeron otsikko", form.value.title)
        assertFalse(form.signingState().locked)
    }

    @Test
    fun `making a document is done to its end`() = runBlocking<Unit> {
        var form: Form<VisitNote>? = null
        val making = launch(start = CoroutineStart.LAZY) { form = aino.create(space, VisitNote(summary = "Peruttu")) }
        // Between making it and opening the form.
        gate.beforeNext { gate.beforeNext { making.cancel() } }
        making.join()
        assertEquals(aino.search("Peruttu").rows.map { it.id }, listOf(form?.id))
    }

    @Test
    fun `a document made again under its id is one document, as it is`() = runBlocking<Unit> {
        val doc = newId()
        val form = aino.create(space, VisitNote(summary = "Kerran"), doc = doc)
        assertEquals(doc, form.id)
        form.edit { it.copy(handover = "Avain") }
        form.save()
        val again = aino.create(space, VisitNote(summary = "Kerran"), doc = doc)
        assertEquals("Kerran" to "Avain", again.value.summary to again.value.handover)
        assertEquals(listOf(doc), aino.search("Kerran").rows.map { it.id })
        val taken = assertThrows<SopuException.BadValue> { aino.create(space, careContract(), doc = doc) }
        assertEquals("doc" to "taken", taken.path to taken.code)
    }

    @Test
    fun `a device is shut though whoever shuts it is cancelled`() = runBlocking<Unit> {
        launch(start = CoroutineStart.UNDISPATCHED) {
            cancel()
            aino.shut()
        }.join()
        assertThrows<SopuException.Closed> { aino.spaces() }
    }
}
