package fi.sopu

import java.nio.ByteBuffer
import java.security.MessageDigest

/** What Automerge's binary document format says of a file before its columns. */
object AutomergeFile {
    private val MAGIC = byteArrayOf(0x85.toByte(), 0x6f, 0x4a, 0x83.toByte())
    private const val CHECKSUM = 4
    private const val HASH = 32

    /** The heads of the document, in hexadecimal; `IllegalArgumentException` if the file is not whole. */
    fun heads(file: ByteArray): Set<String> {
        val bytes = ByteBuffer.wrap(file)
        require(file.size > 9 && bytes.bytes(4).contentEquals(MAGIC)) { "no Automerge file" }
        val checksum = bytes.bytes(CHECKSUM)
        val rest = file.copyOfRange(bytes.position(), file.size)
        val digest = MessageDigest.getInstance("SHA-256").digest(rest)
        require(checksum.contentEquals(digest.copyOf(CHECKSUM))) { "damaged" }
        require(bytes.get() == 0.toByte()) { "no document" }
        require(bytes.number() == bytes.remaining()) { "not of one piece" }
        repeat(bytes.number()) { bytes.bytes(bytes.number()) }
        return (0 until bytes.number()).map { bytes.bytes(HASH).joinToString("") { "%02x".format(it) } }.toSet()
    }

    private fun ByteBuffer.bytes(count: Int) = ByteArray(count).also { get(it) }

    /** LEB128. */
    private fun ByteBuffer.number(): Int {
        var (number, shift) = 0 to 0
        do {
            val byte = get().toInt()
            number = number or ((byte and 0x7f) shl shift)
            shift += 7
        } while (byte < 0)
        return number
    }
}
