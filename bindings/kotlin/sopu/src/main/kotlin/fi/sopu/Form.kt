package fi.sopu

import fi.sopu.documents.Content
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext

/**
 * A document open for reading and writing: [edit] what it shows, then [save].
 *
 * A save writes what differs from what was read, nothing else, so a form that stayed open for an hour does not undo
 * a colleague. What others wrote meanwhile shows after [refresh], or by itself with [keepFresh]. Functions may be
 * called from any thread; those that write are done one after another and to their end.
 */
public class Form<T : Content> private constructor(
    /** Where it lives. */
    public val device: Device,
    private val type: ContentType<T>,
    opened: Document,
) {
    /** The document. */
    public val id: String = opened.id

    /** The space it lives in. */
    public val space: String = opened.space

    private val shown = MutableStateFlow(opened.shown(type))

    // What the document holds at the shown version; guarded by `writing`.
    private var saved: T = shown.value.value
    private val writing = Mutex()

    // Edits made while something is written: made again on what that brings. Guarded by itself.
    private val meanwhile = mutableListOf<(T) -> T>()

    /** What the form shows, for the view. */
    public val state: StateFlow<FormState<T>> = shown.asStateFlow()

    /** The content, with the edits that are not saved yet. */
    public val value: T get() = shown.value.value

    /** The version the next save is made against. */
    public val version: String get() = shown.value.version

    /** Fields waiting for a person's choice. */
    public val conflicts: List<Conflict> get() = shown.value.conflicts

    /**
     * Changes what the form shows, at once: `form.edit { it.copy(summary = text) }`. While a save is on its way
     * [change] may be called once more, on what the save brought; so it should say what to change in what it is
     * given, and do nothing else.
     */
    public fun edit(change: (T) -> T): Unit = synchronized(meanwhile) {
        // First, since it may throw: what did not happen is not made again.
        val next = change(value)
        meanwhile += change
        shown.value = shown.value.copy(value = next, edited = true)
    }

    /**
     * Saves the edits; durable when it returns. Shows what the merge made of them, if that is something else. What
     * the merge rules did not let it write is in [Saved.ignored]: tell the person.
     */
    public suspend fun save(): Saved = written { save(id, version, type.toJson(it)) }

    /** Reads the document as it stands now. Edits that are not saved are forgotten. */
    public suspend fun refresh(): Unit = exclusive {
        synchronized(meanwhile) { meanwhile.clear() }
        show(device.read(id))
    }

    /** Shows what others write, whenever nothing is unsaved here, until it is cancelled. */
    public suspend fun keepFresh(): Unit = device.changes.collect {
        exclusive {
            if (!shown.value.edited) {
                show(device.read(id))
            }
        }
    }

    /** Saves the edits and settles a conflict in favour of this value of it. */
    public suspend fun choose(conflict: Conflict, candidate: Candidate): Saved =
        choose(conflict.path, candidate.change)

    /** Saves the edits and settles the conflict at [path] in favour of the value that [change] wrote. */
    public suspend fun choose(path: String, change: String): Saved =
        savedThen { choose(id, version, path, change) }

    /** Saves the edits and takes the status at [path] back to this code in a new round. */
    public suspend fun reopen(path: String, code: String): Saved = savedThen { reopen(id, version, path, code) }

    /** What is wrong, as last saved, on the way to a status, or while writing (`"save"`). */
    public suspend fun problems(towards: String): List<Problem> = device.problems(id, towards)

    /** What happened to it, newest first. */
    public suspend fun timeline(offset: Int = 0, limit: Int = 50): List<TimelineStep> =
        device.timeline(id, offset, limit)

    /** How far one's own work in it has come. */
    public suspend fun progress(): Progress = device.status(id)

    /** The form is left: the document need not be kept loaded. Edits that are not saved are forgotten. */
    public suspend fun close(): Unit = withContext(NonCancellable) { device.call { formClosed(id) } }

    /** Saves the edits, does this at the version they led to, and reads the document again. */
    internal suspend fun <R> savedThen(work: SopuDevice.() -> R): R = exclusive {
        if (shown.value.edited) {
            taken { save(id, version, type.toJson(it)) }
        }
        doneAndRead(work)
    }

    /**
     * As [savedThen], for what must be done to what the person sees: throws [SopuException.ReadAgain] if something
     * else comes to be shown after this is called, be it while it waits or by the save.
     */
    internal suspend fun savedThenAsSeen(work: SopuDevice.() -> Saved): Saved {
        val seen = version
        return exclusive {
            if (version != seen) {
                throw SopuException.ReadAgain()
            }
            if (shown.value.edited && taken { save(id, version, type.toJson(it)) }.merged != null) {
                throw SopuException.ReadAgain()
            }
            doneAndRead(work)
        }
    }

    private suspend fun <R> doneAndRead(work: SopuDevice.() -> R): R {
        val done = device.call(work)
        show(device.read(id))
        return done
    }

    private suspend fun written(work: SopuDevice.(T) -> Saved): Saved = exclusive { taken(work) }

    /** Writes what is shown, and shows what came of it. */
    private suspend fun taken(work: SopuDevice.(T) -> Saved): Saved {
        val value = synchronized(meanwhile) {
            meanwhile.clear()
            value
        }
        val done = device.call { work(value) }
        saved = done.merged?.let { type.ofJson(it) } ?: value
        replaced { it.copy(value = saved, version = done.version) }
        showMarks(done.version)
        return done
    }

    /** Conflicts and marks as they are now, unless others have written more than is shown here. */
    private suspend fun showMarks(version: String) {
        try {
            val document = device.read(id)
            if (document.version == version) {
                show(document)
            }
        } catch (_: SopuException) {
            // What was saved is saved, whether or not it can still be read; whoever reads next hears why not.
        }
    }

    private fun show(document: Document) {
        val read = document.shown(type)
        saved = read.value
        replaced { read }
    }

    /** Edits made meanwhile are made again on it. If one throws, it is shown with those before that one. */
    private fun replaced(by: (FormState<T>) -> FormState<T>) = synchronized(meanwhile) {
        val base = by(shown.value)
        var value = base.value
        try {
            meanwhile.forEach { change -> value = change(value) }
        } finally {
            shown.value = base.copy(value = value, edited = value != saved)
            if (value == saved) {
                // They have come to nothing, and nothing is left to save: later they would undo what others write.
                meanwhile.clear()
            }
        }
    }

    /** One at a time, and to its end: a save that is done must also be shown. */
    private suspend fun <R> exclusive(work: suspend () -> R): R =
        writing.withLock { withContext(NonCancellable) { work() } }

    internal companion object {
        suspend fun <T : Content> open(device: Device, doc: String, type: ContentType<T>): Form<T> {
            val document = device.read(doc)
            if (document.kind != type.kind) {
                throw SopuException.BadValue("kind", "other_kind")
            }
            device.call { formOpened(doc) }
            return Form(device, type, document)
        }

        private fun <T : Content> Document.shown(type: ContentType<T>) = FormState(
            value = type.ofJson(value),
            version = version,
            edited = false,
            conflicts = conflicts,
            unknown = unknown,
            removed = removed,
            logClashes = logClashes,
            status = status,
        )
    }
}
