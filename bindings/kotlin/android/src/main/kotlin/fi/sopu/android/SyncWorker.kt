package fi.sopu.android

import android.content.Context
import androidx.work.Constraints
import androidx.work.CoroutineWorker
import androidx.work.ExistingPeriodicWorkPolicy
import androidx.work.ExistingWorkPolicy
import androidx.work.NetworkType
import androidx.work.OneTimeWorkRequestBuilder
import androidx.work.PeriodicWorkRequestBuilder
import androidx.work.WorkManager
import androidx.work.WorkerParameters
import androidx.work.workDataOf
import fi.sopu.background.SyncJob
import java.util.concurrent.TimeUnit

/**
 * Syncs in the background: every hour while there is a network, and soon after something was saved. What it does and
 * decides is in [SyncJob]; here it is told to WorkManager and to the app.
 */
public class SyncWorker(context: Context, parameters: WorkerParameters) : CoroutineWorker(context, parameters) {
    override suspend fun doWork(): Result {
        val app = applicationContext as DeviceProvider
        val attempt = inputData.getInt(ATTEMPT, NO_ATTEMPT)
        val outcome = SyncJob().run(app::device, attempt.coerceAtLeast(0))
        if (!outcome.news.none) {
            app.syncNews(outcome.news)
        }
        return when (outcome) {
            is SyncJob.Outcome.Done -> Result.success()
            is SyncJob.Outcome.Again -> {
                again(outcome, ofItself = attempt != NO_ATTEMPT)
                Result.success()
            }
            is SyncJob.Outcome.GiveUp -> {
                outcome.why?.let(app::syncFailed)
                Result.failure()
            }
            is SyncJob.Outcome.Wiped -> {
                app.wiped()
                Result.success()
            }
        }
    }

    /**
     * Runs again after the pause that was asked for, which WorkManager's own backoff knows nothing of. The run that
     * waits so already does for all others; one that is such a run itself appends the next, which waits from its end,
     * for replacing it would cancel it.
     */
    private fun again(outcome: SyncJob.Outcome.Again, ofItself: Boolean) {
        val policy = if (ofItself) ExistingWorkPolicy.APPEND_OR_REPLACE else ExistingWorkPolicy.KEEP
        val later = OneTimeWorkRequestBuilder<SyncWorker>()
            .setConstraints(online)
            .setInitialDelay(outcome.after.inWholeMilliseconds, TimeUnit.MILLISECONDS)
            .setInputData(workDataOf(ATTEMPT to outcome.attempt))
            .build()
        WorkManager.getInstance(applicationContext).enqueueUniqueWork(AGAIN, policy, later)
    }

    public companion object {
        private const val HOURLY = "sopu-sync"
        private const val SOON = "sopu-sync-soon"
        private const val AGAIN = "sopu-sync-again"
        private const val ATTEMPT = "attempt"
        private const val NO_ATTEMPT = -1

        private val online = Constraints.Builder().setRequiredNetworkType(NetworkType.CONNECTED).build()

        /** Once, when the app starts. */
        public fun everyHour(context: Context) {
            val hourly = PeriodicWorkRequestBuilder<SyncWorker>(1, TimeUnit.HOURS).setConstraints(online).build()
            WorkManager.getInstance(context)
                .enqueueUniquePeriodicWork(HOURLY, ExistingPeriodicWorkPolicy.KEEP, hourly)
        }

        /** When the app goes to the background with something unsent. */
        public fun soon(context: Context) {
            val once = OneTimeWorkRequestBuilder<SyncWorker>().setConstraints(online).build()
            WorkManager.getInstance(context).enqueueUniqueWork(SOON, ExistingWorkPolicy.REPLACE, once)
        }
    }
}
