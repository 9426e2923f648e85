package fi.sopu

import java.nio.charset.CharacterCodingException

/** What a developer should have the app do, in words; people get the app's own, in their language. */
public val SopuException.advice: String
    get() =
        when (this) {
            is SopuException.Enrol -> "Ask for an invite code and enrol."
            is SopuException.NotFound -> "No such document here: leave the page."
            is SopuException.Erased -> "The document was erased: say so and leave the page."
            is SopuException.RightEnded -> "The right to this space has ended: say so, and sync to send what is unsent."
            is SopuException.GoOnline -> "No contact for $days days: ask the person to go online, then sync."
            is SopuException.ReadAgain -> "Refresh the form and try again."
            is SopuException.Mend -> "Show the ${problems.size} problems at their fields."
            is SopuException.BadValue -> "The app gave a value that does not fit: $path: $code."
            is SopuException.Offline -> "No connection; everything is kept. Sync again later."
            is SopuException.Stopped -> "The app stopped it: nothing to tell."
            is SopuException.Superseded -> "Another enrolment was answered first: go on as who identity() says."
            is SopuException.Insecure -> "http:// to another machine: ask for the relay's https:// address."
            is SopuException.Closed -> "The device was shut: open it again."
            is SopuException.TryLater -> "The relay is busy: sync again after a while."
            is SopuException.Refused -> "The relay refuses ($code): show why."
            is SopuException.NotARelay -> "What answered is no relay: check the address, or sign in to the network."
            is SopuException.Update -> "Ask the person to update the app."
            is SopuException.Damaged -> "One document is damaged here: report it. All others are fine."
            is SopuException.Storage -> storageAdvice(why)
            is SopuException.Defect -> "A defect: report the code $code. Nothing was lost."
        }

private fun storageAdvice(why: String): String =
    when (why) {
        "disk_full" -> "The storage is full: ask the person to free space."
        "busy" -> "The store is busy: try again."
        "wrong_key" -> "The key is not this store's: use the one it was made with."
        "no_encryption" -> "This build cannot encrypt: use a library built with SQLCipher."
        "damaged" -> "The store is damaged: Device.salvage saves what can be read."
        else -> "The store cannot be read or written ($why): check its folder."
    }

/** Everything that goes wrong in a call into the library is a [SopuException]. */
internal inline fun <T> typed(work: () -> T): T =
    try {
        work()
    } catch (_: CharacterCodingException) {
        throw SopuException.BadValue("text", "unreadable")
    } catch (_: InternalException) {
        // Its message may hold anything.
        throw SopuException.Defect("ffi")
    }
