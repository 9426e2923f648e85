package fi.sopu

import java.net.URI
import java.net.URLEncoder
import java.net.http.HttpResponse
import java.net.http.HttpClient as JavaClient
import java.net.http.HttpRequest as JavaRequest

/** A person in the office, on the pages of a real relay, at home in the space "Koivula". */
class Office(private val relay: Relay) {
    private val client = JavaClient.newBuilder().version(JavaClient.Version.HTTP_1_1).build()

    // Java's own puts them between quotation marks, which are none of them.
    private val cookies = mutableMapOf<String, String>()

    init {
        val login = "toimisto${newId().takeLast(12)}"
        val said = relay.sopu("member", "add", "Toimisto $login", "--login", login)
        relay.sopu("space", "grant", "Koivula", "--member", "Toimisto $login", "--role", "office")
        val password = Regex("(?m)^Password: +(\\S.*)$").find(said)!!.groupValues[1]
        post("/office/sign-in", "/office/sign-in", "name" to login, "password" to password)
    }

    /** Drops all work of a space that is held; gives how much that was. */
    fun drop(space: String, reason: String): Int {
        val review = "/office/spaces/$space/review"
        val held = Regex("name=\"envelope\" value=\"([^\"]+)\"").findAll(get(review)).map { it.groupValues[1] }.toSet()
        held.forEach { post(review, "$review/drop", "envelope" to it, "reason" to reason) }
        return held.size
    }

    private fun get(path: String): String = answer(JavaRequest.newBuilder(URI.create(relay.url + path)).GET())

    private fun post(page: String, path: String, vararg fields: Pair<String, String>) {
        val token = Regex("name=\"form_token\" value=\"([^\"]*)\"").find(get(page))!!.groupValues[1]
        val form = (fields.toList() + ("form_token" to token)).joinToString("&") { (name, value) ->
            "$name=${URLEncoder.encode(value, Charsets.UTF_8)}"
        }
        answer(
            JavaRequest.newBuilder(URI.create(relay.url + path))
                .header("content-type", "application/x-www-form-urlencoded")
                .POST(JavaRequest.BodyPublishers.ofString(form)),
        )
    }

    private fun answer(request: JavaRequest.Builder): String {
        if (cookies.isNotEmpty()) {
            request.header("cookie", cookies.entries.joinToString("; ") { (name, value) -> "$name=$value" })
        }
        val response = client.send(request.build(), HttpResponse.BodyHandlers.ofString())
        check(response.statusCode() in SUCCESSES) { "${response.uri()}: ${response.statusCode()}" }
        response.headers().allValues("set-cookie").forEach { said ->
            val (name, value) = said.substringBefore(';').split('=', limit = 2)
            cookies[name] = value
        }
        return response.body()
    }

    private companion object {
        // A page, or "see other".
        val SUCCESSES = setOf(200, 303)
    }
}
