package fi.sopu

import fi.sopu.documents.VisitNote
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.BeforeAll
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.TestInstance

/** A relay for all tests of a class, and for each of them fresh devices of two people who write in one space. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class TwoDevices {
    protected lateinit var relay: Relay
    protected lateinit var aino: Device
    protected lateinit var eero: Device
    protected lateinit var space: String

    @BeforeAll
    fun startRelay() {
        relay = Relay()
    }

    @AfterAll
    fun stopRelay() = relay.close()

    @BeforeEach
    fun enrol() = runBlocking<Unit> {
        aino = firstDevice()
        eero = relay.device("Eero")
        space = aino.spaces().single().id
    }

    protected open suspend fun firstDevice(): Device = relay.device("Aino")

    protected suspend fun Device.note(summary: String): Form<VisitNote> =
        create(space, VisitNote(summary = summary))
}
