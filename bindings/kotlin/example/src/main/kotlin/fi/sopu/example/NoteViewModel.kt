package fi.sopu.example

import fi.sopu.Candidate
import fi.sopu.Conflict
import fi.sopu.Form
import fi.sopu.FormState
import fi.sopu.Ignored
import fi.sopu.Progress
import fi.sopu.documents.VisitNote
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.collectLatest
import kotlinx.coroutines.launch

/**
 * One open note. It saves by itself once nobody has typed for a moment, shows what colleagues write meanwhile, and
 * leaves conflicts to the person.
 */
class NoteViewModel(
    private val form: Form<VisitNote>,
    private val scope: CoroutineScope,
    private val saveAfter: Duration = 800.milliseconds,
) {
    private val refused = MutableStateFlow<List<Ignored>>(emptyList())

    /** What the note's form shows. */
    val state: StateFlow<FormState<VisitNote>> = form.state

    /** Parts of the last save that the rules did not let it write: to be told. */
    val ignored: StateFlow<List<Ignored>> = refused.asStateFlow()

    /** Whether one's own work in it is on the phone, on the server, in the record, seen. */
    val progress: Flow<Progress> = form.device.live { status(form.id) }

    private val working: List<Job> = listOf(
        scope.launch(start = CoroutineStart.UNDISPATCHED) {
            form.state.collectLatest {
                if (it.edited) {
                    delay(saveAfter)
                    save()
                }
            }
        },
        scope.launch { form.keepFresh() },
    )

    fun typeSummary(text: String) = form.edit { it.copy(summary = text) }

    fun typeHandover(text: String) = form.edit { it.copy(handover = text) }

    fun pickOutcome(code: String) = form.edit { it.copy(outcome = code) }

    /** Saves now. */
    suspend fun save() {
        refused.value = form.save().ignored
    }

    /** Settles a conflict with what the person picked. */
    suspend fun choose(conflict: Conflict, candidate: Candidate) {
        form.choose(conflict, candidate)
    }

    /** The person leaves the note: what was typed last is saved. */
    suspend fun leave() {
        working.forEach { it.cancel() }
        if (form.state.value.edited) {
            save()
        }
        form.close()
    }
}
