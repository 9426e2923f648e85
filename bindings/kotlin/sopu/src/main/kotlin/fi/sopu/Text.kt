package fi.sopu

/**
 * The same text with U+FFFD where half of a surrogate pair stands alone. Kotlin's strings are UTF-16 and may hold
 * such a half, after an emoji was cut in two; the core's are Unicode text and cannot.
 */
internal fun String.wellFormed(): String {
    if (indices.none { isLoneSurrogate(it) }) {
        return this
    }
    return buildString(length) {
        for (at in this@wellFormed.indices) {
            append(if (this@wellFormed.isLoneSurrogate(at)) '\uFFFD' else this@wellFormed[at])
        }
    }
}

private fun String.isLoneSurrogate(at: Int): Boolean =
    when {
        this[at].isHighSurrogate() -> getOrNull(at + 1)?.isLowSurrogate() != true
        this[at].isLowSurrogate() -> getOrNull(at - 1)?.isHighSurrogate() != true
        else -> false
    }
