package fi.sopu.android

import android.content.Context
import androidx.work.BackoffPolicy
import androidx.work.Constraints
import androidx.work.CoroutineWorker
import androidx.work.ExistingPeriodicWorkPolicy
import androidx.work.ExistingWorkPolicy
import androidx.work.NetworkType
import androidx.work.OneTimeWorkRequestBuilder
import androidx.work.PeriodicWorkRequestBuilder
import androidx.work.WorkManager
import androidx.work.WorkerParameters
import fi.sopu.SopuException
import fi.sopu.background.SyncJob
import java.util.concurrent.TimeUnit

/**
 * Syncs in the background: every hour while there is a network, and soon after something was saved.
 *
 * What it does and decides is in [SyncJob], which is tested without Android; here it is told to WorkManager, which
 * keeps the times: `after` of an outcome is not more exact than its own backoff.
 */
public class SyncWorker(context: Context, parameters: WorkerParameters) : CoroutineWorker(context, parameters) {
    override suspend fun doWork(): Result {
        val app = applicationContext as DeviceProvider
        val device =
            try {
                app.device()
            } catch (why: SopuException) {
                app.syncFailed(why)
                return Result.failure()
            }
        return when (val outcome = SyncJob().run(device, runAttemptCount)) {
            SyncJob.Outcome.Done -> Result.success()
            is SyncJob.Outcome.Again -> Result.retry()
            is SyncJob.Outcome.GiveUp -> {
                outcome.why?.let(app::syncFailed)
                Result.failure()
            }
            SyncJob.Outcome.Wiped -> {
                app.wiped()
                Result.success()
            }
        }
    }

    public companion object {
        private const val HOURLY = "sopu-sync"
        private const val SOON = "sopu-sync-soon"
        private const val BACKOFF_SECONDS = 30L

        private val online = Constraints.Builder().setRequiredNetworkType(NetworkType.CONNECTED).build()

        /** Once, when the app starts. */
        public fun everyHour(context: Context) {
            val hourly = PeriodicWorkRequestBuilder<SyncWorker>(1, TimeUnit.HOURS)
                .setConstraints(online)
                .setBackoffCriteria(BackoffPolicy.EXPONENTIAL, BACKOFF_SECONDS, TimeUnit.SECONDS)
                .build()
            WorkManager.getInstance(context)
                .enqueueUniquePeriodicWork(HOURLY, ExistingPeriodicWorkPolicy.KEEP, hourly)
        }

        /** When the app goes to the background with something unsent. */
        public fun soon(context: Context) {
            val once = OneTimeWorkRequestBuilder<SyncWorker>()
                .setConstraints(online)
                .setBackoffCriteria(BackoffPolicy.EXPONENTIAL, BACKOFF_SECONDS, TimeUnit.SECONDS)
                .build()
            WorkManager.getInstance(context).enqueueUniqueWork(SOON, ExistingWorkPolicy.REPLACE, once)
        }
    }
}
