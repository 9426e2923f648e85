package fi.sopu

import fi.sopu.documents.Content
import java.io.File
import java.nio.file.Path
import kotlinx.coroutines.runBlocking
import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.descriptors.SerialDescriptor
import kotlinx.serialization.descriptors.StructureKind
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.serializer
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** The files every language must open (`bindings/golden`), and a full document of each kind. */
class GoldenTest {
    @TempDir
    lateinit var folder: Path

    private val golden = File("../../golden")
    private val expected = Json.parseToJsonElement(File(golden, "expected.json").readText()).jsonObject
    private val names = expected.getValue("names").jsonObject
    private val documents = expected.getValue("store").jsonObject.getValue("documents").jsonObject

    private fun JsonObject.text(name: String): String = getValue(name).jsonPrimitive.content

    private fun full(kind: String): JsonObject =
        documents.getValue(names.text("full_$kind")).jsonObject.getValue("value").jsonObject

    private fun bytes(hex: String) = hex.chunked(2).map { it.toInt(16).toByte() }.toByteArray()

    /** A copy of the store, for opening writes. */
    private suspend fun store(): Device {
        val copy = folder.resolve("copy").toFile()
        File(golden, "store").copyRecursively(copy)
        return Device.open(File(copy, "sopu.db"), File(copy, "instance"), Keys(bytes(expected.text("key"))))
    }

    private fun type(kind: String): ContentType<out Content> =
        when (kind) {
            "contract" -> ContentType.Contract
            "visit_note" -> ContentType.VisitNote
            "service_listing" -> ContentType.ServiceListing
            else -> error(kind)
        }

    @Test
    fun `every document of the golden store reads as it must, through the types too`() = runBlocking<Unit> {
        val device = store()
        for ((id, document) in documents) {
            val wanted = document.jsonObject
            val read = device.read(id)
            assertEquals(wanted["value"], Json.parseToJsonElement(read.value), id)
            assertEquals(wanted.text("space"), read.space)
            val codes = wanted.getValue("status").jsonArray.map { it.jsonObject.text("path") to it.jsonObject.text("code") }
            assertEquals(codes, read.status.map { it.path to it.code })
            assertEquals(wanted.getValue("conflicts").jsonArray.size, read.conflicts.size)
            unchanged(device.open(id, type(wanted.text("kind"))), wanted.getValue("value"))
        }
        assertEquals(documents.keys, device.list(Query(limit = 1000u)).rows.map { it.id }.toSet())
    }

    private suspend fun <T : Content> unchanged(form: Form<T>, wanted: JsonElement) {
        val type = ContentType.of(form.value::class)
        assertEquals(wanted, Json.parseToJsonElement(type.let { @Suppress("UNCHECKED_CAST") (it as ContentType<T>) }.toJson(form.value)))
        assertFalse(form.save().changed, "an untouched form writes nothing")
        form.close()
    }

    @Test
    fun `a full document of each kind is written by the types and comes back equal on another device`() =
        runBlocking<Unit> {
            Relay().use { relay ->
                val aino = relay.device("Aino")
                val eero = relay.device("Eero")
                comesBack(aino, eero, ContentType.Contract, full("contract"))
                comesBack(aino, eero, ContentType.VisitNote, full("visit_note"))
                comesBack(aino, eero, ContentType.ServiceListing, full("service_listing"))
            }
        }

    private suspend fun <T : Content> comesBack(aino: Device, eero: Device, type: ContentType<T>, full: JsonObject) {
        val value = type.ofJson(full.toString())
        val form = aino.create(aino.spaces().single().id, value, type)
        syncAll(aino, eero)
        val theirs = eero.open(form.id, type)
        assertEquals(form.value, theirs.value)
        val content = Json.parseToJsonElement(type.toJson(theirs.value)).jsonObject
        assertEquals(JsonObject(full - HEADER), JsonObject(content - HEADER))
        assertTrue(theirs.state.value.unknown.isEmpty())
    }

    @Test
    fun `the full documents leave no field of the types out`() {
        for (kind in listOf("contract", "visit_note", "service_listing")) {
            val type = type(kind)
            val name = "fi.sopu.documents." + kind.split('_').joinToString("") { it.replaceFirstChar(Char::uppercase) }
            val serializer = serializer(Class.forName(name))
            filled(serializer.descriptor, full(kind), kind)
            assertEquals(kind, type.kind.name.lowercase())
        }
    }

    @OptIn(ExperimentalSerializationApi::class)
    private fun filled(of: SerialDescriptor, value: JsonElement?, path: String) {
        assertTrue(value != null, "$path is not filled")
        when (of.kind) {
            StructureKind.CLASS -> for (index in 0 until of.elementsCount) {
                val name = of.getElementName(index)
                filled(of.getElementDescriptor(index), (value as JsonObject)[name], "$path.$name")
            }
            StructureKind.LIST -> filled(of.getElementDescriptor(0), (value as JsonArray).firstOrNull(), "$path[]")
            StructureKind.MAP -> filled(of.getElementDescriptor(1), (value as JsonObject).values.firstOrNull(), "$path{}")
            else -> Unit
        }
    }

    private companion object {
        // What a device itself writes into what it makes.
        val HEADER = setOf("schema_version", "created_at", "created_by", "created_on")
    }
}
