package fi.sopu.example

import fi.sopu.Candidate
import fi.sopu.Conflict
import fi.sopu.Device
import fi.sopu.Form
import fi.sopu.Row
import fi.sopu.SopuException
import fi.sopu.content
import fi.sopu.documents.VisitNote
import java.time.DateTimeException
import java.time.LocalDate
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.jsonPrimitive

/** The view: takes commands, prints what the view models have. It holds no content and decides nothing. */
class Terminal(
    private val device: Device,
    private val scope: CoroutineScope,
    private val texts: Texts,
    today: LocalDate,
    private val print: (String) -> Unit,
) {
    private val day = DayViewModel(device, scope, today)
    private var rows: List<Row> = emptyList()
    private var note: NoteViewModel? = null
    private var keeping: Job? = null

    /** Does what this line says; `false` once the person quits. */
    suspend fun command(line: String): Boolean {
        val word = line.trim().substringBefore(' ')
        val rest = line.trim().substringAfter(' ', "").trim()
        try {
            when (word) {
                "" -> Unit
                "enrol" -> enrol(rest.substringBefore(' '), rest.substringAfter(' ', ""))
                "list" -> list("")
                "day" -> {
                    day.day.value = LocalDate.parse(rest)
                    list("")
                }
                "find" -> list(rest)
                "new" -> day.write(rest)?.let { show(it) } ?: print(texts.text("note.no_space"))
                "open" -> rows.getOrNull(number(rest))?.let { show(device.open<VisitNote>(it.id)) }
                    ?: print(texts.text("error.not_found"))
                "summary" -> onNote { typeSummary(rest) }
                "handover" -> onNote { typeHandover(rest) }
                "outcome" -> onNote { pickOutcome(rest) }
                "choose" -> choose(number(rest))
                "show" -> show()
                "close" -> leave()
                "pending" -> pending()
                "sync" -> {
                    device.sync()
                    list("")
                }
                "online" -> if (keeping?.isActive != true) keeping = scope.launch { keepInSync() }
                "offline" -> keeping?.cancel()
                "quit" -> {
                    leave()
                    keeping?.cancel()
                    return false
                }
                else -> print(texts.text("help"))
            }
        } catch (why: SopuException) {
            print(texts.error(why))
        } catch (_: DateTimeException) {
            print(texts.text("help"))
        }
        return true
    }

    private suspend fun enrol(address: String, code: String) {
        val me = device.enrol(address, code, System.getProperty("os.name"))
        print(texts.text("enrolled", me.memberName, me.orgName))
        device.sync()
        list("")
    }

    private suspend fun keepInSync() {
        try {
            device.keepInSync()
        } catch (why: SopuException) {
            print(texts.error(why))
        }
    }

    private suspend fun list(words: String) {
        day.search.value = words
        val state = day.shown()
        rows = state.rows
        if (rows.isEmpty()) {
            print(texts.text("day.empty"))
        }
        rows.forEachIndexed { index, row ->
            val marks = listOfNotNull(
                texts.mark(row.progress).ifEmpty { null },
                texts.text("day.conflicts", row.conflicts.toInt()).takeIf { row.conflicts > 0u },
            )
            print("${index + 1}  ${row.title}" + marks.joinToString("") { "  [$it]" })
        }
        val unsent = state.backlog?.here?.toInt() ?: 0
        print(texts.sync(state.sync) + if (unsent > 0) " · " + texts.text("day.unsent", unsent) else "")
    }

    /** What has not come into the record, why, and what came to nothing, to copy from. */
    private suspend fun pending() {
        val waiting = device.pending()
        val drafts = device.drafts()
        if (waiting.isEmpty() && drafts.isEmpty()) {
            print(texts.text("pending.none"))
        }
        waiting.forEach { print("${it.title ?: texts.text("pending.hidden")}  [${texts.place(it)}]") }
        for (draft in drafts) {
            print(texts.text("pending.draft", texts.reason(draft.reason)))
            (draft.content() as? VisitNote)?.let {
                field("note.summary", it.summary)
                field("note.handover", it.handover)
            }
        }
    }

    private suspend fun show(form: Form<VisitNote>) {
        leave()
        note = NoteViewModel(form, scope)
        show()
    }

    private suspend fun show() {
        val model = note ?: return print(texts.text("note.none"))
        val state = model.state.value
        field("note.summary", state.value.summary)
        field("note.handover", state.value.handover)
        field("note.outcome", state.value.outcome.orEmpty())
        var number = 0
        for (conflict in state.conflicts) {
            print(texts.text("note.conflict", conflict.path))
            for (candidate in conflict.values) {
                number += 1
                val who = candidate.provenance.memberName.orEmpty()
                print("  $number  ${shown(candidate)}  ($who)")
            }
        }
        val mark = if (state.edited) texts.text("note.unsaved") else texts.mark(model.progress.first())
        if (mark.isNotEmpty()) {
            print("[$mark]")
        }
    }

    private fun field(label: String, value: String) {
        if (value.isNotEmpty()) {
            print("${texts.text(label)}: $value")
        }
    }

    /** Values of a conflict are JSON; a code or a text is shown as it is. */
    private fun shown(candidate: Candidate): String =
        runCatching { Json.parseToJsonElement(candidate.value).jsonPrimitive.contentOrNull }
            .getOrDefault(candidate.value).orEmpty()

    private suspend fun onNote(change: NoteViewModel.() -> Unit) {
        note?.change() ?: return print(texts.text("note.none"))
        show()
    }

    private suspend fun choose(number: Int) {
        val model = note ?: return print(texts.text("note.none"))
        val choices: List<Pair<Conflict, Candidate>> =
            model.state.value.conflicts.flatMap { conflict -> conflict.values.map { conflict to it } }
        choices.getOrNull(number)?.let { (conflict, candidate) -> model.choose(conflict, candidate) }
        show()
    }

    private suspend fun leave() {
        note?.leave()
        note?.ignored?.value?.forEach { print(texts.text("note.ignored", it.path)) }
        note = null
    }

    private fun number(text: String): Int = (text.toIntOrNull() ?: 0) - 1
}
