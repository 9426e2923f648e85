package fi.sopu.android

import android.content.Context
import fi.sopu.Device
import fi.sopu.background.News
import java.io.File

/** An app that keeps what it is told. */
class App(override val noBackupFilesDir: File, private val open: suspend () -> Device) : Context(), DeviceProvider {
    val news = mutableListOf<News>()
    val failures = mutableListOf<Exception>()
    var wiped = 0
        private set

    override suspend fun device(): Device = open()

    override fun syncNews(news: News) {
        this.news += news
    }

    override fun syncFailed(why: Exception) {
        failures += why
    }

    override suspend fun wiped() {
        wiped += 1
    }
}
