package fi.sopu

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive

/** What a store says, in the form of `bindings/golden/expected.json`; `reading.py` is the same in Python. */
internal class Reading(private val device: Device, private val expected: JsonObject) {
    /** Everything of it, part by part. */
    suspend fun store(): Map<String, JsonElement> {
        val documents = device.list(Query(limit = 1_000u)).rows.map { it.id }
        val spaces = device.spaces()
        return mapOf(
            "identity" to device.identity().let {
                objectOf(
                    "device" to it.device,
                    "member" to it.member,
                    "member_name" to it.memberName,
                    "org" to it.org,
                    "org_name" to it.orgName,
                )
            },
            "spaces" to spaces.each { objectOf("id" to it.id, "name" to it.name, "role" to it.role) },
            "members" to JsonObject(
                spaces.associate { space ->
                    space.id to device.members(space.id).each { objectOf("id" to it.id, "name" to it.name, "role" to it.role) }
                },
            ),
            "documents" to JsonObject(documents.associateWith { document(it) }),
            "lists" to expected.parts("lists").each { listed(it.getValue("query").jsonObject) },
            "searches" to expected.parts("searches").each { found(it.getValue("text").jsonPrimitive.content) },
            "timelines" to JsonObject(documents.associateWith { timeline(it) }),
            "pending" to device.pending().each { objectOf("doc" to it.doc, "place" to it.place.code(), "title" to it.title) },
        )
    }

    /** What it says of work that does not get into the record. */
    suspend fun refused(): JsonElement = objectOf(
        "backlog" to device.backlog().let {
            objectOf("here" to it.here.toLong(), "held" to it.held.toLong(), "refused" to it.refused.toLong())
        },
        "pending" to device.pending().each { pending ->
            val reasons = pending.reasons.each { json(it) }
            objectOf("doc" to pending.doc, "place" to pending.place.code(), "reasons" to reasons, "title" to pending.title)
        },
        "drafts" to device.drafts().each { draft ->
            objectOf(
                "number" to draft.number,
                "doc" to draft.doc,
                "space" to draft.space,
                "kind" to draft.kind?.code(),
                "reason" to draft.reason,
                "made_ms" to draft.madeMs,
                "value" to Json.parseToJsonElement(draft.value),
            )
        },
    )

    /** What an exported file says: of a document all but what only a store knows. */
    suspend fun exported(file: ByteArray): JsonElement {
        val read = device.readExport(file)
        return objectOf(
            "kind" to read.kind.code(),
            "version" to read.version,
            "value" to Json.parseToJsonElement(read.value),
            "unknown" to read.unknown.each { json(it) },
            "status" to read.status.each { mark(it) },
            "conflicts" to read.conflicts.each { conflict ->
                val values = conflict.values.each {
                    objectOf("value" to Json.parseToJsonElement(it.value), "change" to it.change)
                }
                objectOf("path" to conflict.path, "values" to values)
            },
        )
    }

    private suspend fun document(id: String): JsonElement {
        val read = device.read(id)
        return objectOf(
            "space" to read.space,
            "kind" to read.kind.code(),
            "version" to read.version,
            "value" to Json.parseToJsonElement(read.value),
            "unknown" to read.unknown.each { json(it) },
            "status" to read.status.each { mark(it) },
            "stage" to device.status(id).stage?.code(),
            "conflicts" to read.conflicts.each { conflict ->
                objectOf("path" to conflict.path, "values" to conflict.values.each { candidate(it) })
            },
        )
    }

    private fun mark(of: StatusMark): JsonElement =
        objectOf("path" to of.path, "code" to of.code, "round" to of.round.toLong(), "by" to of.by, "at_ms" to of.atMs)

    private fun candidate(one: Candidate): JsonElement = objectOf(
        "value" to Json.parseToJsonElement(one.value),
        "change" to one.change,
        "member_name" to one.provenance.memberName,
    )

    private suspend fun listed(of: JsonObject): JsonElement {
        val page = device.list(query(of))
        val rows = page.rows.each {
            objectOf("id" to it.id, "title" to it.title, "status" to it.status, "date" to it.date, "conflicts" to it.conflicts.toLong())
        }
        return objectOf("query" to of, "total" to page.total.toLong(), "rows" to rows)
    }

    private suspend fun found(text: String): JsonElement {
        val page = device.search(text)
        return objectOf("text" to text, "total" to page.total.toLong(), "ids" to page.rows.each { json(it.id) })
    }

    private suspend fun timeline(id: String): JsonElement = device.timeline(id, limit = 100).each { step ->
        val fields = step.fields.each { field ->
            val (before, after) = listOf(field.before, field.after).map { text -> text?.let { Json.parseToJsonElement(it) } }
            objectOf("path" to field.path, "before" to before, "after" to after)
        }
        objectOf("change" to step.change, "member_name" to step.provenance.memberName, "fields" to fields)
    }

    companion object {
        /** What of a document an exported file says. */
        fun inAFile(document: JsonObject): JsonElement {
            val conflicts = document.parts("conflicts").each { conflict ->
                JsonObject(conflict + ("values" to conflict.parts("values").each { JsonObject(it - "member_name") }))
            }
            return JsonObject(document - "space" - "stage" + ("conflicts" to conflicts))
        }

        /** The query that one of the lists names: what it leaves out is as always. */
        fun query(of: JsonObject): Query = of.entries.fold(Query()) { query, (name, value) ->
            val of = value.jsonPrimitive
            when (name) {
                "kind" -> query.copy(kind = Kind.valueOf(of.content.uppercase()))
                "sort" -> query.copy(sort = Sort.valueOf(of.content.uppercase()))
                "ascending" -> query.copy(ascending = of.boolean)
                "offset" -> query.copy(offset = of.int.toUInt())
                "limit" -> query.copy(limit = of.int.toUInt())
                "conflicts_only" -> query.copy(conflictsOnly = of.boolean)
                "from_date" -> query.copy(fromDate = of.content)
                "to_date" -> query.copy(toDate = of.content)
                else -> error(name)
            }
        }

        private fun Enum<*>.code(): String = name.lowercase()

        private fun JsonObject.parts(name: String) = getValue(name).jsonArray.map { it.jsonObject }

        private inline fun <T> List<T>.each(write: (T) -> JsonElement) = JsonArray(map { write(it) })

        private fun objectOf(vararg fields: Pair<String, Any?>) =
            JsonObject(fields.associate { (name, of) -> name to json(of) })

        private fun json(of: Any?): JsonElement = when (of) {
            null -> JsonNull
            is JsonElement -> of
            is Long -> JsonPrimitive(of)
            else -> JsonPrimitive(of as String)
        }
    }
}
