package fi.sopu

import fi.sopu.documents.Content
import fi.sopu.documents.Contract
import fi.sopu.documents.ServiceListing
import fi.sopu.documents.VisitNote
import kotlin.reflect.KClass
import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.KSerializer
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json

/** How the content of one kind of document is written and read. */
public class ContentType<T : Content> private constructor(
    /** The kind. */
    public val kind: Kind,
    private val serializer: KSerializer<T>,
) {
    /** As JSON. What is absent is not written; half a character, as a cut emoji leaves, becomes U+FFFD. */
    public fun toJson(value: T): String = exact.encodeToString(serializer, value).wellFormed()

    /**
     * Read from JSON. What this class does not know is left out, such as the `supersedes` that any log entry may have
     * got by a correction; saving a form keeps it.
     */
    public fun ofJson(json: String): T =
        try {
            lenient.decodeFromString(serializer, json)
        } catch (_: SerializationException) {
            // Its message has a piece of the content in it.
            throw SopuException.Defect("records_of_another_version")
        }

    public companion object {
        /** Contracts. */
        public val Contract: ContentType<Contract> = ContentType(Kind.CONTRACT, fi.sopu.documents.Contract.serializer())

        /** Visit notes. */
        public val VisitNote: ContentType<VisitNote> =
            ContentType(Kind.VISIT_NOTE, fi.sopu.documents.VisitNote.serializer())

        /** Service listings. */
        public val ServiceListing: ContentType<ServiceListing> =
            ContentType(Kind.SERVICE_LISTING, fi.sopu.documents.ServiceListing.serializer())

        /** The one whose content is of this class. */
        public inline fun <reified T : Content> of(): ContentType<T> = of(T::class)

        /** The one whose content is of this class. */
        @Suppress("UNCHECKED_CAST")
        public fun <T : Content> of(type: KClass<T>): ContentType<T> =
            when (type) {
                fi.sopu.documents.Contract::class -> Contract
                fi.sopu.documents.VisitNote::class -> VisitNote
                fi.sopu.documents.ServiceListing::class -> ServiceListing
                else -> throw IllegalArgumentException("not one kind of document: $type")
            } as ContentType<T>

        /** The one of this kind. */
        public fun of(kind: Kind): ContentType<out Content> =
            when (kind) {
                Kind.CONTRACT -> Contract
                Kind.VISIT_NOTE -> VisitNote
                Kind.SERVICE_LISTING -> ServiceListing
            }

        private val exact = Json

        @OptIn(ExperimentalSerializationApi::class)
        private val lenient = Json {
            ignoreUnknownKeys = true
            explicitNulls = false
        }
    }
}

/** The edit as its document had it, for a person to copy from; `null` if its kind is of a later version. */
public fun Draft.content(): Content? = kind?.let { ContentType.of(it).ofJson(value) }
