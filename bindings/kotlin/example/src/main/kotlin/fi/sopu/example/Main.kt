package fi.sopu.example

import fi.sopu.Device
import fi.sopu.SopuException
import java.io.File
import java.time.LocalDate
import java.time.ZoneId
import java.util.Locale
import kotlin.system.exitProcess
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext

/** `example FOLDER`: where this device keeps its store and its key. */
fun main(words: Array<String>) {
    val folder = File(words.singleOrNull() ?: "sopu-example").apply { mkdirs() }
    val texts = Texts(Locale.getDefault())
    try {
        runBlocking {
            val keys = KeyFile(File(folder, "key")).keys()
            val device = Device.open(File(folder, "sopu.db"), File(folder, "instance"), keys)
            coroutineScope {
                val today = LocalDate.now(ZoneId.of("Europe/Helsinki"))
                val terminal = Terminal(device, this, texts, today, ::println)
                do {
                    val line = withContext(Dispatchers.IO) { readlnOrNull() } ?: "quit"
                } while (terminal.command(line))
                coroutineContext.cancelChildren()
            }
            device.shut()
        }
    } catch (why: SopuException) {
        System.err.println(texts.error(why))
        exitProcess(1)
    }
}
