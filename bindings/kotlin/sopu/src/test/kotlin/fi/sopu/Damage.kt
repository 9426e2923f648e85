package fi.sopu

import java.io.File
import org.junit.jupiter.api.Assertions.assertTrue

/** Flips a bit wherever this file says [mark]. */
fun File.flip(mark: String) {
    val said = readText(Charsets.ISO_8859_1)
    assertTrue(mark in said)
    writeText(said.replace(mark, mark[0].code.xor(1).toChar() + mark.drop(1)), Charsets.ISO_8859_1)
}
