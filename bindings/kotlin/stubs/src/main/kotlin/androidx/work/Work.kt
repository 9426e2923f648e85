package androidx.work

import android.content.Context
import java.util.concurrent.TimeUnit

// Stand-ins for what SyncWorker uses of androidx.work 2.10, with the same signatures and nothing behind them.

class WorkerParameters

abstract class ListenableWorker(val applicationContext: Context) {
    val runAttemptCount: Int get() = 0

    abstract class Result {
        companion object {
            @JvmStatic fun success(): Result = object : Result() {}

            @JvmStatic fun retry(): Result = object : Result() {}

            @JvmStatic fun failure(): Result = object : Result() {}
        }
    }
}

@Suppress("UNUSED_PARAMETER")
abstract class CoroutineWorker(context: Context, parameters: WorkerParameters) : ListenableWorker(context) {
    abstract suspend fun doWork(): Result
}

enum class NetworkType { CONNECTED }

enum class BackoffPolicy { EXPONENTIAL }

enum class ExistingWorkPolicy { REPLACE }

enum class ExistingPeriodicWorkPolicy { KEEP }

class Constraints {
    class Builder {
        @Suppress("UNUSED_PARAMETER")
        fun setRequiredNetworkType(type: NetworkType): Builder = this

        fun build(): Constraints = Constraints()
    }
}

class OneTimeWorkRequest {
    class Builder : WorkRequestBuilder<Builder, OneTimeWorkRequest>() {
        override fun self() = this

        override fun build() = OneTimeWorkRequest()
    }
}

class PeriodicWorkRequest {
    class Builder : WorkRequestBuilder<Builder, PeriodicWorkRequest>() {
        override fun self() = this

        override fun build() = PeriodicWorkRequest()
    }
}

@Suppress("UNUSED_PARAMETER")
abstract class WorkRequestBuilder<B, W> {
    abstract fun self(): B

    fun setConstraints(constraints: Constraints): B = self()

    fun setBackoffCriteria(policy: BackoffPolicy, delay: Long, unit: TimeUnit): B = self()

    abstract fun build(): W
}

@Suppress("UNUSED_PARAMETER", "UNUSED")
inline fun <reified W : ListenableWorker> OneTimeWorkRequestBuilder(): OneTimeWorkRequest.Builder =
    OneTimeWorkRequest.Builder()

@Suppress("UNUSED_PARAMETER", "UNUSED")
inline fun <reified W : ListenableWorker> PeriodicWorkRequestBuilder(
    repeatInterval: Long,
    unit: TimeUnit,
): PeriodicWorkRequest.Builder = PeriodicWorkRequest.Builder()

@Suppress("UNUSED_PARAMETER")
class WorkManager private constructor() {
    fun enqueueUniqueWork(name: String, policy: ExistingWorkPolicy, work: OneTimeWorkRequest) = Unit

    fun enqueueUniquePeriodicWork(name: String, policy: ExistingPeriodicWorkPolicy, work: PeriodicWorkRequest) = Unit

    companion object {
        @JvmStatic fun getInstance(context: Context) = WorkManager()
    }
}
