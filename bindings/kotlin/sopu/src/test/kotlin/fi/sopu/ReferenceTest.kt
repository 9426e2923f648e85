package fi.sopu

import java.io.File
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Every public name has words, of which the reference is made: those written here, and those the build writes. */
class ReferenceTest {
    private var looked = 0

    /** Lines that name something and have no words above. */
    private fun wordless(file: File, names: Regex): List<String> {
        val lines = file.readLines()
        return lines.indices.filter { names.containsMatchIn(lines[it]) }.mapNotNull { at ->
            looked += 1
            val above = lines.take(at).last { it.isNotBlank() && !it.trim().startsWith("@") }
            "${file.name}:${at + 1}: ${lines[at].trim()}".takeUnless { above.endsWith("*/") }
        }
    }

    private fun kotlin(folder: String) = File(folder).walk().filter { it.extension == "kt" && it.name != SURFACE }.toList()

    @Test
    fun `every public name of the package and of the records has words`() {
        val files = kotlin("src/main/kotlin") + kotlin("target/generated-sources")
        assertEquals(emptyList<String>(), files.flatMap { wordless(it, WRITTEN) })
        assertTrue(looked > 500, "$looked")
    }

    @Test
    fun `every public name of the library's surface has words`() {
        assertEquals(emptyList<String>(), wordless(File("target/generated-sources/fi/sopu/$SURFACE"), GENERATED))
        assertTrue(looked > 250, "$looked")
    }

    private companion object {
        const val SURFACE = "sopu.kt"

        // With an explicit API everything public says so, but for the properties of a data class.
        val WRITTEN = Regex("^ *public (?!override|companion|constructor)|^    va[lr] `?\\w+`?: .*,$")

        // Fields, variants, methods of interfaces and the types themselves; not what is uniffi's own.
        val GENERATED = Regex(
            "^    va[lr] `|^    fun `[^{]*$|^    class (?!Uniffi)\\w+\\(|^    [A-Z_]+[,;]$|" +
                "^(public )?(data class|enum class|sealed class|open class|interface) " +
                "(?!RustBuffer|Uniffi|Disposable|FfiConverter)",
        )
    }
}
