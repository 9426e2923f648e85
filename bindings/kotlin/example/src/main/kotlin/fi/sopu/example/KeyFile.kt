package fi.sopu.example

import fi.sopu.Keys
import fi.sopu.newKey
import java.io.File
import java.nio.file.Files
import java.nio.file.StandardOpenOption
import java.nio.file.attribute.PosixFilePermissions

/**
 * The key in a file that only its owner reads. For a terminal; on a phone the key is sealed by the platform's
 * keystore (docs/kotlin.md).
 */
class KeyFile(private val file: File) {
    fun keys(): Keys {
        if (!file.exists()) {
            val owner = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
            Files.createFile(file.toPath(), owner)
            Files.write(file.toPath(), newKey(), StandardOpenOption.WRITE, StandardOpenOption.DSYNC)
        }
        return Keys(file.readBytes())
    }
}
