package fi.sopu

import com.sun.jna.Callback
import com.sun.jna.Library
import com.sun.jna.NativeMapped
import com.sun.jna.Structure
import java.io.File
import java.lang.reflect.Modifier
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** What R8 leaves of an Android app keeps all that JNA looks for by name (android/consumer-rules.pro). */
class ConsumerRulesTest {
    private val rules = File("../android/consumer-rules.pro").readLines().mapNotNull(Rule::of)

    /** Every class of the package, as compiled. */
    private val classes = File("target/classes").let { root ->
        root.walk().filter { it.extension == "class" }.map {
            Class.forName(it.relativeTo(root).path.removeSuffix(".class").replace(File.separatorChar, '.'), false, javaClass.classLoader)
        }.toList()
    }

    private fun lost(which: (Class<*>) -> Boolean): List<String> {
        val looked = classes.filter(which)
        assertTrue(looked.isNotEmpty())
        return looked.filter { rules.none { rule -> rule.keeps(it) } }.map { it.name }
    }

    @Test
    fun `every structure, callback and library is kept`() {
        val kinds = listOf(Structure::class, Callback::class, Library::class, NativeMapped::class).map { it.java }
        assertEquals(emptyList<String>(), lost { type -> kinds.any { it.isAssignableFrom(type) } })
    }

    @Test
    fun `every class with native methods, which are registered by name, is kept`() {
        assertEquals(emptyList<String>(), lost { type -> type.declaredMethods.any { Modifier.isNative(it.modifiers) } })
    }

    @Test
    fun `every kind of content, which is asked for by class, is kept`() {
        assertEquals(emptyList<String>(), lost { it.interfaces.contains(fi.sopu.documents.Content::class.java) })
    }

    /** `-keep class NAME [extends|implements TYPE] { *; }`, the only form that keeps a class with all it has. */
    private class Rule(private val name: Regex, private val how: String, private val type: Regex?) {
        fun keeps(candidate: Class<*>): Boolean = name.matches(candidate.name) && (type == null || above(candidate).any { type.matches(it.name) })

        private fun above(candidate: Class<*>): Sequence<Class<*>> {
            val supers = generateSequence(candidate.superclass) { it.superclass }
            return if (how == "extends") supers else (sequenceOf(candidate) + supers).flatMap(::interfaces)
        }

        private fun interfaces(of: Class<*>): List<Class<*>> = of.interfaces.flatMap { listOf(it) + interfaces(it) }

        companion object {
            private val FORM = Regex("""-keep class (\S+)(?: (extends|implements) (\S+))? \{ \*; }""")

            fun of(line: String): Rule? =
                FORM.matchEntire(line.trim())?.destructured?.let { (name, how, type) ->
                    Rule(pattern(name), how, type.ifEmpty { null }?.let(::pattern))
                }

            // "A class name may have ** for any part of it, and * for any that has no dot"; alone, * is every class.
            private fun pattern(text: String): Regex =
                Regex(
                    if (text == "*") ".*" else Regex("""\*\*|\*|[^*]+""").replace(text) {
                        when (it.value) {
                            "**" -> ".*"
                            "*" -> "[^.]*"
                            else -> Regex.escape(it.value)
                        }
                    },
                )
        }
    }
}
