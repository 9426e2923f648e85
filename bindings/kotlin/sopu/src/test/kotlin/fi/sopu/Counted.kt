package fi.sopu

import fi.sopu.transport.JavaHttp
import java.util.concurrent.atomic.AtomicInteger

/** Lets as many requests through as it may, and counts them all. */
class Counted : HttpClient {
    private val below = JavaHttp()
    private val made = AtomicInteger()
    private val left = AtomicInteger(Int.MAX_VALUE)

    /** How many were made. */
    val requests: Int get() = made.get()

    /** From now on so many get through; then there is no network. */
    fun allow(count: Int = Int.MAX_VALUE) = left.set(count)

    override fun post(request: HttpRequest): HttpReply {
        made.incrementAndGet()
        if (left.getAndUpdate { maxOf(it - 1, 0) } == 0) {
            throw HttpException.Unreachable()
        }
        return below.post(request)
    }
}
