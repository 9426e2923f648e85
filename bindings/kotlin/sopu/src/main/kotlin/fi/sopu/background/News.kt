package fi.sopu.background

import fi.sopu.Device
import fi.sopu.Draft
import fi.sopu.Pending
import fi.sopu.Place
import fi.sopu.SopuException

/**
 * What came of a run that a person must be told: it may have happened at night, while nobody looked.
 *
 * A run whose process was killed tells nothing, so show what [Device.pending] and [Device.drafts] list in the app, too.
 */
public data class News(
    /** Own work that the relay has newly held or refused, with its reasons. */
    val rejected: List<Pending> = emptyList(),
    /** Edits that have newly come to nothing, to copy from. */
    val drafts: List<Draft> = emptyList(),
    /** Pieces of own work that went with a wipe or a space that was left, and could not be delivered. */
    val leftOut: Int = 0,
) {
    /** Whether there is nothing to tell. */
    val none: Boolean get() = rejected.isEmpty() && drafts.isEmpty() && leftOut == 0
}

/** Where own work stands that did not get into the record: what is there now and was not before is news. */
internal class Standing private constructor(private val rejected: List<Pending>, private val drafts: List<Draft>) {
    /** What has come since [before]. */
    fun since(before: Standing, leftOut: Int): News {
        val told = before.rejected.map { it.doc to it.reasons }.toSet()
        val known = before.drafts.map { it.number }.toSet()
        return News(rejected.filter { it.doc to it.reasons !in told }, drafts.filter { it.number !in known }, leftOut)
    }

    companion object {
        /** Of a device that shows nothing now, nothing: what it shows after the sync is told then. */
        suspend fun of(device: Device): Standing =
            try {
                val rejected = device.pending().filter { it.place == Place.HELD || it.place == Place.REFUSED }
                Standing(rejected, device.drafts())
            } catch (_: SopuException) {
                Standing(emptyList(), emptyList())
            }
    }
}
