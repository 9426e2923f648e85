package fi.sopu.transport

import fi.sopu.HttpClient
import fi.sopu.HttpException
import fi.sopu.HttpReply
import fi.sopu.HttpRequest
import java.io.IOException
import java.io.InterruptedIOException
import java.util.concurrent.TimeUnit
import okhttp3.CookieJar
import okhttp3.MediaType.Companion.toMediaType
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.RequestBody.Companion.toRequestBody
import okhttp3.Response

/**
 * OkHttp 5, for Android and wherever an app has it already (an optional dependency: add it to your own).
 *
 * @param client the app's, whose connections, certificates and proxies are used; redirects, cookies, cache and
 * timeouts are set here.
 */
public class OkHttp(client: OkHttpClient = OkHttpClient()) : HttpClient {
    private val client: OkHttpClient =
        client.newBuilder()
            .followRedirects(false)
            .followSslRedirects(false)
            .cookieJar(CookieJar.NO_COOKIES)
            .cache(null)
            .connectTimeout(CONNECT_SECONDS, TimeUnit.SECONDS)
            // The whole call has a limit of its own; a long poll is silent for minutes.
            .readTimeout(0, TimeUnit.MILLISECONDS)
            .writeTimeout(0, TimeUnit.MILLISECONDS)
            .build()

    override fun post(request: HttpRequest): HttpReply {
        val call =
            try {
                client.newCall(request.toOk())
            } catch (_: IllegalArgumentException) {
                // An address that is none.
                throw HttpException.Unreachable()
            }
        call.timeout().timeout(request.timeoutMs.toLong(), TimeUnit.MILLISECONDS)
        try {
            return call.execute().use { it.toReply() }
        } catch (_: InterruptedIOException) {
            throw HttpException.TimedOut()
        } catch (_: IOException) {
            throw HttpException.Unreachable()
        }
    }

    private companion object {
        private const val CONNECT_SECONDS = 10L
        private val CBOR = "application/cbor".toMediaType()

        fun HttpRequest.toOk(): Request {
            val post = Request.Builder()
                .url(url)
                .post(body.toRequestBody(CBOR))
                // Said by hand, so that OkHttp does not decompress.
                .header("accept-encoding", "zstd")
                .header("user-agent", "sopu")
            token?.let { post.header("authorization", "Bearer $it") }
            encoding?.let { post.header("content-encoding", it) }
            return post.build()
        }

        fun Response.toReply(): HttpReply {
            val source = body.source()
            if (source.request(BODY_CAP + 1)) {
                throw HttpException.TooLarge()
            }
            return HttpReply(code.toUShort(), header("content-encoding").orEmpty(), source.readByteArray())
        }
    }
}
