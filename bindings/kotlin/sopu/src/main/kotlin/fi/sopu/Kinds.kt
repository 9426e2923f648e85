package fi.sopu

import fi.sopu.documents.Contract
import fi.sopu.documents.VisitNote

/**
 * Saves the edits and locks the contract as it is shown, ready to be signed; throws [SopuException.Mend], and
 * [SopuException.ReadAgain] if it holds what the form did not show when this was called: refresh, look, lock again.
 */
public suspend fun Form<Contract>.lock(): Saved = savedThenAsSeen { lockContract(id, version) }

/** Signs the locked contract with this device's key. */
public suspend fun Form<Contract>.sign(statement: Statement): Saved = savedThen {
    val words = statement.copy(
        signerName = statement.signerName.wellFormed(),
        place = statement.place?.wellFormed(),
    )
    signContract(id, words)
}

/** How far the signing is. */
public suspend fun Form<Contract>.signingState(): SigningState = device.call { signingState(id) }

/** What was signed by all, as sealed; `null` before that. */
public suspend fun Form<Contract>.signedContent(): Contract? =
    device.call { signedContent(id) }?.let { ContentType.Contract.ofJson(it) }

/**
 * Saves the edits and moves a note that was written on the wrong client into this space, and to this farm or client
 * if it is known; the old one is marked for the office to take out. Gives the id of the new one; again gives the same.
 */
public suspend fun Form<VisitNote>.moveTo(space: String, subject: String? = null): String =
    savedThen { moveNote(id, space, subject) }
