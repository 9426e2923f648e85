package fi.sopu.example

import fi.sopu.Pending
import fi.sopu.Place
import fi.sopu.Progress
import fi.sopu.SopuException
import fi.sopu.Stage
import fi.sopu.SyncState
import java.text.MessageFormat
import java.util.Locale
import java.util.ResourceBundle

/** The app's words, in Finnish, Swedish or English (`texts_*.properties`). */
class Texts(private val locale: Locale) {
    private val bundle = ResourceBundle.getBundle(
        "fi.sopu.example.texts",
        locale,
        ResourceBundle.Control.getNoFallbackControl(ResourceBundle.Control.FORMAT_PROPERTIES),
    )

    fun text(key: String, vararg facts: Any): String = MessageFormat(bundle.getString(key), locale).format(facts)

    /** The mark of one's own work. */
    fun mark(progress: Progress): String =
        when (progress.stage) {
            null -> ""
            Stage.HERE -> text("stage.here")
            Stage.SERVER -> if (progress.held > 0u) text("stage.held") else text("stage.server")
            Stage.RECORD -> text("stage.record")
            Stage.SEEN -> text("stage.seen")
        }

    /** Where own work stands that is not in the record, and why. */
    fun place(pending: Pending): String {
        val where = when (pending.place) {
            Place.HERE -> text("stage.here")
            Place.SERVER -> text("stage.server")
            Place.HELD -> text("stage.held")
            Place.REFUSED -> text("stage.refused")
        }
        return (listOf(where) + pending.reasons.map(::reason)).joinToString(": ")
    }

    /** Why the relay holds or refused it: in words where a person can do something, else the code, to ask the office. */
    fun reason(code: String): String =
        if (bundle.containsKey("reason.$code")) text("reason.$code") else text("reason.other", code)

    fun sync(state: SyncState): String =
        when (state) {
            SyncState.Off -> text("sync.off")
            SyncState.Working -> text("sync.working")
            SyncState.UpToDate -> text("sync.up_to_date")
            is SyncState.Offline -> text("sync.offline")
            is SyncState.Busy -> text("sync.busy")
            is SyncState.Waiting -> error(state.why)
            is SyncState.Failed -> error(state.why)
            SyncState.Wiped -> text("sync.wiped")
        }

    /** What to tell a person. */
    fun error(why: SopuException): String =
        when (why) {
            is SopuException.Enrol -> text("error.enrol")
            is SopuException.NotFound -> text("error.not_found")
            is SopuException.Erased -> text("error.erased")
            is SopuException.RightEnded -> text("error.right_ended")
            is SopuException.GoOnline -> text("error.go_online", why.days)
            is SopuException.Offline -> text("sync.offline")
            is SopuException.TryLater -> text("sync.busy")
            is SopuException.Refused -> text("error.refused", why.code)
            is SopuException.NotARelay -> text("error.not_a_relay")
            is SopuException.Update -> text("error.update")
            is SopuException.Storage -> text("error.storage", why.why)
            is SopuException.Mend -> text("error.mend", why.problems.size)
            is SopuException.Damaged -> text("error.damaged")
            is SopuException.BadValue -> text("error.defect", why.code)
            is SopuException.Defect -> text("error.defect", why.code)
            is SopuException.Insecure -> text("error.insecure")
            is SopuException.Superseded, is SopuException.ReadAgain, is SopuException.Stopped,
            is SopuException.Closed -> text("error.again")
        }
}
