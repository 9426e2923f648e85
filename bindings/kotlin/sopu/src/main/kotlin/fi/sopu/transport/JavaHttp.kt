package fi.sopu.transport

import fi.sopu.HttpClient
import fi.sopu.HttpException
import fi.sopu.HttpReply
import fi.sopu.HttpRequest
import java.io.ByteArrayOutputStream
import java.io.IOException
import java.net.URI
import java.net.http.HttpResponse
import java.net.http.HttpTimeoutException
import java.nio.ByteBuffer
import java.time.Duration
import java.util.concurrent.CompletableFuture
import java.util.concurrent.CompletionStage
import java.util.concurrent.ExecutionException
import java.util.concurrent.Flow
import java.util.concurrent.TimeUnit
import java.util.concurrent.TimeoutException
import java.net.http.HttpClient as JavaClient
import java.net.http.HttpRequest as JavaRequest

/**
 * The JVM's own client (`java.net.http`), with its proxies and certificates. Android has none: use `OkHttp` there.
 *
 * @param client for an app with settings of its own; it must not follow redirects.
 */
public class JavaHttp(private val client: JavaClient = standard()) : HttpClient {
    init {
        // A redirect would take the token elsewhere.
        require(client.followRedirects() == JavaClient.Redirect.NEVER) { "the client follows redirects" }
    }

    override fun post(request: HttpRequest): HttpReply {
        val posting =
            try {
                client.sendAsync(request.toJava()) { Capped() }
            } catch (_: IllegalArgumentException) {
                // An address that is none.
                throw HttpException.Unreachable()
            }
        try {
            // The client's own timeout ends with the headers; this one is for the whole reply.
            val response = posting.get(request.timeoutMs.toLong(), TimeUnit.MILLISECONDS)
            val encoding = response.headers().firstValue("content-encoding").orElse("")
            return HttpReply(response.statusCode().toUShort(), encoding, response.body())
        } catch (_: TimeoutException) {
            posting.cancel(true)
            throw HttpException.TimedOut()
        } catch (_: InterruptedException) {
            posting.cancel(true)
            Thread.currentThread().interrupt()
            throw HttpException.Unreachable()
        } catch (failed: ExecutionException) {
            throw reason(failed)
        }
    }

    /** The body, as long as it is no longer than any reply may be. */
    private class Capped : HttpResponse.BodySubscriber<ByteArray> {
        private val body = CompletableFuture<ByteArray>()
        private val bytes = ByteArrayOutputStream()
        private lateinit var subscription: Flow.Subscription

        override fun getBody(): CompletionStage<ByteArray> = body

        override fun onSubscribe(subscription: Flow.Subscription) {
            this.subscription = subscription
            subscription.request(Long.MAX_VALUE)
        }

        override fun onNext(parts: List<ByteBuffer>) {
            if (bytes.size() + parts.sumOf { it.remaining().toLong() } > BODY_CAP) {
                subscription.cancel()
                body.completeExceptionally(TooLarge())
                return
            }
            for (part in parts) {
                val taken = ByteArray(part.remaining())
                part.get(taken)
                bytes.write(taken)
            }
        }

        override fun onError(error: Throwable) {
            body.completeExceptionally(error)
        }

        override fun onComplete() {
            body.complete(bytes.toByteArray())
        }
    }

    private class TooLarge : IOException()

    private companion object {
        private const val CONNECT_SECONDS = 10L

        fun standard(): JavaClient =
            JavaClient.newBuilder()
                .version(JavaClient.Version.HTTP_1_1)
                .followRedirects(JavaClient.Redirect.NEVER)
                .connectTimeout(Duration.ofSeconds(CONNECT_SECONDS))
                .build()

        fun HttpRequest.toJava(): JavaRequest {
            val post = JavaRequest.newBuilder(URI.create(url))
                .POST(JavaRequest.BodyPublishers.ofByteArray(body))
                .header("content-type", "application/cbor")
                .header("accept-encoding", "zstd")
                .header("user-agent", "sopu")
            token?.let { post.header("authorization", "Bearer $it") }
            encoding?.let { post.header("content-encoding", it) }
            return post.build()
        }

        fun reason(failed: ExecutionException): HttpException {
            val causes = generateSequence<Throwable>(failed) { it.cause }
            return when {
                causes.any { it is TooLarge } -> HttpException.TooLarge()
                causes.any { it is HttpTimeoutException } -> HttpException.TimedOut()
                else -> HttpException.Unreachable()
            }
        }
    }
}
