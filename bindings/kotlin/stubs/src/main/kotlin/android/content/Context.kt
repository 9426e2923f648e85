package android.content

import java.io.File

/** Stands in for Android's. */
abstract class Context {
    abstract val noBackupFilesDir: File
}
