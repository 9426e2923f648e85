package fi.sopu

import fi.sopu.documents.Content
import fi.sopu.documents.Contract
import fi.sopu.documents.VisitNote
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
import kotlinx.serialization.json.int
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
        return opened("copy", expected.text("key"))
    }

    private suspend fun opened(name: String, key: String): Device {
        val home = folder.resolve(name).toFile()
        return Device.open(File(home, "sopu.db"), File(home, "instance"), Keys(bytes(key)))
    }

    private fun type(kind: String): ContentType<out Content> =
        when (kind) {
            "contract" -> ContentType.Contract
            "visit_note" -> ContentType.VisitNote
            "service_listing" -> ContentType.ServiceListing
            else -> error(kind)
        }

    private suspend fun same(wanted: JsonObject, device: Device) {
        val read = Reading(device, wanted).store()
        assertEquals(wanted.keys, read.keys)
        for ((part, value) in wanted) {
            assertEquals(value, read[part], part)
        }
    }

    @Test
    fun `a store of an earlier version says what it said`() = runBlocking<Unit> {
        same(expected.getValue("store").jsonObject, store())
    }

    @Test
    fun `a contract signed with an earlier version is still signed`() = runBlocking<Unit> {
        val wanted = expected.getValue("signing").jsonObject
        val state = store().open<Contract>(wanted.text("doc")).signingState()
        assertEquals(wanted.text("hash") to true, state.hash to state.locked)
        val standing = wanted.getValue("signatories").jsonArray.map { it.jsonObject.text("standing") }
        assertEquals(standing, state.signatories.map { it.standing.name.lowercase() })
    }

    @Test
    fun `a store of an earlier version is written on`() = runBlocking<Unit> {
        val device = store()
        for (name in listOf("note", "conflict", "full_visit_note")) {
            val form = device.open<VisitNote>(names.text(name))
            form.edit { it.copy(summary = "Uusi") }
            assertTrue(form.save().changed)
            assertEquals("Uusi", device.open<VisitNote>(form.id).value.summary)
        }
    }

    @Test
    fun `a recorded exchange brings a fresh device what it brought`() = runBlocking<Unit> {
        val exchange = expected.getValue("exchange").jsonObject
        val player = Player(golden, exchange.getValue("steps").jsonArray.map { it.jsonObject })
        val (store, instance) = listOf("new.db", "instance").map { folder.resolve(it).toFile() }
        val device = Device.open(store, instance, Keys(bytes(exchange.text("key"))), player)
        device.enrol(exchange.text("relay"), exchange.text("code"), exchange.text("name"))
        while (player.left.isNotEmpty()) {
            device.sync()
        }
        same(exchange.getValue("store").jsonObject, device)
        assertThrows<SopuException.Offline> { device.sync() }
    }

    @Test
    fun `an export says what the store says, now as then`() = runBlocking<Unit> {
        val device = store()
        val reading = Reading(device, expected)
        for ((name, id) in expected.getValue("exports").jsonObject) {
            val doc = id.jsonPrimitive.content
            val wanted = Reading.inAFile(documents.getValue(doc).jsonObject)
            val file = File(golden, name).readBytes()
            assertEquals(wanted, reading.exported(file), name)
            assertEquals(wanted, reading.exported(device.export(doc)), name)
            for (at in file.indices) {
                val flipped = file.copyOf().also { it[at] = (it[at].toInt() xor 1).toByte() }
                assertEquals("file", assertThrows<SopuException.BadValue> { device.readExport(flipped) }.path)
            }
        }
    }

    @Test
    fun `an exported note is read through its type`() = runBlocking<Unit> {
        val read = store().readExport(File(golden, "export/full_visit_note.automerge").readBytes())
        assertEquals(Kind.VISIT_NOTE, read.kind)
        val note = ContentType.VisitNote.ofJson(read.value)
        assertEquals(full("visit_note"), Json.parseToJsonElement(ContentType.VisitNote.toJson(note)))
    }

    @Test
    fun `a flipped bit in a store of an earlier version is told of its document`() = runBlocking<Unit> {
        val id = names.text("full_visit_note")
        val mark = documents.getValue(id).jsonObject.getValue("value").jsonObject.text("profile")
        store().shut()
        val file = folder.resolve("copy/sopu.db").toFile()
        file.flip(mark)
        val device = opened("copy", expected.text("key"))
        assertEquals(id, assertThrows<SopuException.Damaged> { device.read(id) }.doc)
        for (other in documents.keys - id) {
            assertEquals(documents.getValue(other).jsonObject["value"], Json.parseToJsonElement(device.read(other).value))
        }
    }

    @Test
    fun `a store with refused work says what became of it`() = runBlocking<Unit> {
        val refused = Json.parseToJsonElement(File(golden, "refused.json").readText()).jsonObject
        File(golden, "refused").copyRecursively(folder.resolve("refused").toFile())
        val device = opened("refused", refused.text("key"))
        assertEquals(refused["store"], Reading(device, refused).refused())
        device.discardDraft(device.drafts().single().number)
        assertEquals(emptyList<Draft>(), device.drafts())
    }

    @Test
    fun `every document of the golden store goes through the types unchanged`() = runBlocking<Unit> {
        val device = store()
        for ((id, document) in documents) {
            val wanted = document.jsonObject
            unchanged(device.open(id, type(wanted.text("kind"))), wanted.getValue("value"))
        }
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

/** Gives the recorded replies in their order, whatever the request says; then there is no network. */
private class Player(private val golden: File, steps: List<JsonObject>) : HttpClient {
    val left = steps.toMutableList()

    override fun post(request: HttpRequest): HttpReply {
        val step = left.removeFirstOrNull() ?: throw HttpException.Unreachable()
        check(request.url.endsWith(step.getValue("path").jsonPrimitive.content)) { request.url }
        val reply = step.getValue("reply").jsonObject.mapValues { it.value.jsonPrimitive }
        return HttpReply(
            status = reply.getValue("status").int.toUShort(),
            encoding = reply.getValue("encoding").content,
            body = File(golden, reply.getValue("file").content).readBytes(),
        )
    }
}
