package fi.sopu

/** What a form shows. */
public data class FormState<T>(
    /** The content, with the edits that are not saved yet. */
    val value: T,
    /** The version the next save is made against. */
    val version: String,
    /** Whether [value] has edits that are not saved. */
    val edited: Boolean,
    /** Fields waiting for a person's choice. */
    val conflicts: List<Conflict>,
    /** Fields holding something this version does not understand; they are kept. */
    val unknown: List<String>,
    /** Items removed, which can be brought back by putting them into [value] again. */
    val removed: List<Removed>,
    /** Log keys with unequal values. */
    val logClashes: List<Clash>,
    /** Where each status stands. */
    val status: List<StatusMark>,
)
