package fi.sopu

import org.junit.jupiter.api.Assertions.fail

/** As JUnit's, of something that suspends. */
inline fun <reified E : Throwable> assertThrows(work: () -> Any?): E {
    try {
        work()
    } catch (thrown: Throwable) {
        return thrown as? E ?: throw thrown
    }
    return fail("nothing was thrown")
}
