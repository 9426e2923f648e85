package androidx.work

import android.content.Context
import java.util.concurrent.TimeUnit

// Stand-ins for what SyncWorker uses of androidx.work 2.10, with the same signatures. They run nothing: what is
// enqueued is kept, for tests to look at.

class Data(private val values: Map<String, Any?> = emptyMap()) {
    fun getInt(key: String, defaultValue: Int): Int = values[key] as? Int ?: defaultValue
}

fun workDataOf(vararg pairs: Pair<String, Any?>): Data = Data(pairs.toMap())

class WorkerParameters(val inputData: Data = Data())

abstract class ListenableWorker(val applicationContext: Context, parameters: WorkerParameters) {
    val inputData: Data = parameters.inputData

    abstract class Result {
        companion object {
            @JvmStatic fun success(): Result = Success

            @JvmStatic fun failure(): Result = Failure
        }

        data object Success : Result()

        data object Failure : Result()
    }
}

abstract class CoroutineWorker(context: Context, parameters: WorkerParameters) :
    ListenableWorker(context, parameters) {
    abstract suspend fun doWork(): Result
}

enum class NetworkType { CONNECTED }

enum class ExistingWorkPolicy { REPLACE, KEEP, APPEND_OR_REPLACE }

enum class ExistingPeriodicWorkPolicy { KEEP }

class Constraints(val network: NetworkType?) {
    class Builder {
        private var network: NetworkType? = null

        fun setRequiredNetworkType(type: NetworkType): Builder = apply { network = type }

        fun build(): Constraints = Constraints(network)
    }
}

abstract class WorkRequest(builder: Builder<*, *>) {
    val constraints: Constraints? = builder.constraints
    val delayMs: Long = builder.delayMs
    val inputData: Data = builder.inputData

    abstract class Builder<B, W> {
        internal var constraints: Constraints? = null
        internal var delayMs = 0L
        internal var inputData = Data()

        protected abstract fun self(): B

        fun setConstraints(constraints: Constraints): B = self().also { this.constraints = constraints }

        fun setInitialDelay(duration: Long, unit: TimeUnit): B = self().also { delayMs = unit.toMillis(duration) }

        fun setInputData(data: Data): B = self().also { inputData = data }

        abstract fun build(): W
    }
}

class OneTimeWorkRequest private constructor(builder: Builder) : WorkRequest(builder) {
    class Builder : WorkRequest.Builder<Builder, OneTimeWorkRequest>() {
        override fun self() = this

        override fun build() = OneTimeWorkRequest(this)
    }
}

class PeriodicWorkRequest private constructor(builder: Builder, val everyMs: Long) : WorkRequest(builder) {
    class Builder(private val everyMs: Long) : WorkRequest.Builder<Builder, PeriodicWorkRequest>() {
        override fun self() = this

        override fun build() = PeriodicWorkRequest(this, everyMs)
    }
}

@Suppress("UNUSED")
inline fun <reified W : ListenableWorker> OneTimeWorkRequestBuilder(): OneTimeWorkRequest.Builder =
    OneTimeWorkRequest.Builder()

@Suppress("UNUSED")
inline fun <reified W : ListenableWorker> PeriodicWorkRequestBuilder(
    repeatInterval: Long,
    unit: TimeUnit,
): PeriodicWorkRequest.Builder = PeriodicWorkRequest.Builder(unit.toMillis(repeatInterval))

/** What was enqueued: under which name, what becomes of one that is there, and the work. */
data class Enqueued(val name: String, val policy: Enum<*>, val work: WorkRequest)

class WorkManager private constructor() {
    val enqueued = mutableListOf<Enqueued>()

    fun enqueueUniqueWork(name: String, policy: ExistingWorkPolicy, work: OneTimeWorkRequest) {
        enqueued += Enqueued(name, policy, work)
    }

    fun enqueueUniquePeriodicWork(name: String, policy: ExistingPeriodicWorkPolicy, work: PeriodicWorkRequest) {
        enqueued += Enqueued(name, policy, work)
    }

    companion object {
        private val managers = mutableMapOf<Context, WorkManager>()

        @JvmStatic fun getInstance(context: Context): WorkManager = managers.getOrPut(context) { WorkManager() }
    }
}
