package fi.sopu.example

import fi.sopu.Device
import fi.sopu.Form
import fi.sopu.Kind
import fi.sopu.Progress
import fi.sopu.Query
import fi.sopu.Row
import fi.sopu.Sort
import fi.sopu.SyncState
import fi.sopu.documents.VisitNote
import java.time.LocalDate
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.SharingStarted
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.flatMapLatest
import kotlinx.coroutines.flow.stateIn

/** What the day list shows. */
data class DayState(
    /** The notes of the day, or what was searched for. */
    val rows: List<Row>,
    /** Own work that has not come to the office yet, of all days. */
    val backlog: Progress?,
    /** How the syncing is getting on. */
    val sync: SyncState,
)

/**
 * The notes of one day, or those with certain words. On Android this is a `ViewModel`, and [scope] its
 * `viewModelScope`: nothing else here changes.
 */
@OptIn(ExperimentalCoroutinesApi::class)
class DayViewModel(private val device: Device, scope: CoroutineScope, today: LocalDate) {
    /** The day that is shown. */
    val day = MutableStateFlow(today)

    /** Words to look for, on all days; the day's notes if blank. */
    val search = MutableStateFlow("")

    /** What to show. It follows every change, one's own and what a sync brings, while somebody looks. */
    val state: StateFlow<DayState?> =
        combine(
            combine(day, search, ::query).flatMapLatest { device.live(it) },
            device.live { backlog() },
            device.syncState,
        ) { page, backlog, sync -> DayState(page.rows, backlog, sync) }
            .stateIn(scope, SharingStarted.WhileSubscribed(STAYS_MS), null)

    /** What to show for the day and words just set: for a view that prints once instead of following [state]. */
    suspend fun shown(): DayState =
        DayState(device.list(query(day.value, search.value)).rows, device.backlog(), device.syncState.value)

    /** Begins a note in the first space this person writes in. It is on the phone when this returns. */
    suspend fun write(text: String): Form<VisitNote>? {
        val space = device.spaces().firstOrNull { it.role != "reader" && !it.leaving } ?: return null
        return device.create(space.id, VisitNote(summary = text))
    }

    private fun query(day: LocalDate, words: String): Query =
        if (words.isBlank()) {
            Query(
                kind = Kind.VISIT_NOTE,
                fromDate = day.toString(),
                toDate = day.toString(),
                sort = Sort.DATE,
                ascending = true,
            )
        } else {
            Query(kind = Kind.VISIT_NOTE, text = words)
        }

    private companion object {
        /** A turned screen stops looking for a moment; that is no reason to ask anew. */
        const val STAYS_MS = 5_000L
    }
}
