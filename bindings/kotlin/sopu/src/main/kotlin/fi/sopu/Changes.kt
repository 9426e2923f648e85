package fi.sopu

import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.SharingStarted
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.shareIn

/** Word of every change of the device, from one thread that waits while anybody listens. */
internal class Changes(private val native: SopuDevice, private val dispatcher: CoroutineDispatcher) {
    @Volatile private var shut = false

    // Never cancelled: what runs in it ends by itself once nobody listens, or the device is shut.
    private val scope = CoroutineScope(SupervisorJob() + dispatcher)

    /** A number at once and one after each change; [SHUT] once the device is shut. */
    val numbers: Flow<ULong> =
        flow {
            var number = native.changeNumber()
            while (!shut) {
                emit(number)
                number = next(number)
            }
            emit(SHUT)
        }.shareIn(scope, SharingStarted.WhileSubscribed(), replay = 1)

    /** Before the device is shut, whereupon nothing waits for it any more. */
    fun shut() {
        shut = true
    }

    private suspend fun next(after: ULong): ULong = coroutineScope {
        val waiting = async(dispatcher) { native.nextChange(after, WAIT_MS) }
        try {
            waiting.await()
        } finally {
            if (!waiting.isCompleted) {
                native.wake()
            }
        }
    }

    companion object {
        val SHUT: ULong = ULong.MAX_VALUE
        private const val WAIT_MS = 600_000u
    }
}
