package fi.sopu

import fi.sopu.documents.Content
import java.io.File
import kotlin.time.Duration
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.withContext

/**
 * One installation: its store and its keys. An app holds one, for as long as its process lives.
 *
 * Everything but [enrol], [sync], [syncWithin], [watch] and [keepInSync] works without a network, and what was
 * written is durable when the call returns. Every function may be called from any thread, the one that draws too:
 * the work is done on a dispatcher for blocking work. What goes wrong is a [SopuException].
 *
 * Cancelling a call that talks to the relay ends it at once; what was exchanged before stays. A short local call is
 * done to its end, and only its result is dropped.
 */
public class Device private constructor(
    private val native: SopuDevice,
    private val client: HttpClient?,
    private val dispatcher: CoroutineDispatcher,
) {
    private val changing = Changes(native, dispatcher)
    private val syncing = MutableStateFlow<SyncState>(SyncState.Off)

    /** A number at once, and a higher one whenever something may have changed that lists or documents show. */
    internal val changes: Flow<ULong> =
        changing.numbers.onEach { if (it == Changes.SHUT) throw SopuException.Closed() }

    // Who this is.

    /** Enrols at a relay (`https://…`) with an invite code; [name] says which phone this is. */
    public suspend fun enrol(relay: String, code: String, name: String): Identity =
        stoppable { enrol(relay, code.wellFormed(), name.wellFormed(), client, it) }

    /** Who this device is. */
    public suspend fun identity(): Identity = call { identity() }

    /** Whether the relay asked this device to enrol again, because its store exists twice. */
    public suspend fun mustEnrolAgain(): Boolean = call { mustEnrolAgain() }

    /** The spaces this device takes part in. */
    public suspend fun spaces(): List<Space> = call { spaces() }

    /** Spaces held but shown no more, because the right to them has ended: for telling the person so. */
    public suspend fun sealedSpaces(): List<Space> = call { sealedSpaces() }

    /** The people of a space, those who have left too. */
    public suspend fun members(space: String): List<Member> = call { members(space) }

    /** Says what app this is in, its name and version, for the office's list of devices. */
    public suspend fun setApp(app: String): Unit = call { setApp(app.wellFormed()) }

    /** Relay clock minus device clock as last measured, milliseconds. */
    public suspend fun clockOffsetMs(): Long? = call { clockOffsetMs() }

    /** Encrypts the whole store anew. All of it happens or nothing: keep both keys until this returns. */
    public suspend fun changeStoreKey(storeKey: ByteArray): Unit = call { changeStoreKey(storeKey) }

    /**
     * Lets go of the store's file, before it is [removed][remove] or opened elsewhere: ends what still runs, waits for
     * it, and from then on every call throws [SopuException.Closed]. Again does nothing.
     */
    public suspend fun shut(): Unit = withContext(NonCancellable) {
        changing.shut()
        call { shut() }
    }

    /** Breaks inside, so that an app sees what its reporting makes of it: always throws [SopuException.Defect]. */
    public suspend fun rehearseDefect(): Unit = call { rehearseDefect() }

    // Documents.

    /** Makes a document and opens a form on it; see the other one. */
    public suspend inline fun <reified T : Content> create(space: String, value: T, doc: String? = null): Form<T> =
        create(space, value, ContentType.of<T>(), doc)

    /**
     * Makes a document and opens a form on it. Once begun it is done to its end.
     *
     * @param doc an id from [newId] that the app keeps, for one that may do this again, after its process was killed
     *   say: a document that is there already under it is opened as it is.
     */
    public suspend fun <T : Content> create(
        space: String,
        value: T,
        type: ContentType<T>,
        doc: String? = null,
    ): Form<T> {
        currentCoroutineContext().ensureActive()
        return withContext(NonCancellable) {
            open(call { create(space, type.kind, type.toJson(value), doc) }.id, type)
        }
    }

    /** Opens a form on a document; it must be of this kind. */
    public suspend inline fun <reified T : Content> open(doc: String): Form<T> = open(doc, ContentType.of<T>())

    /** Opens a form on a document; it must be of this kind. */
    public suspend fun <T : Content> open(doc: String, type: ContentType<T>): Form<T> = Form.open(this, doc, type)

    /** Reads a document of any kind, its content as JSON. */
    public suspend fun read(doc: String): Document = call { read(doc) }

    /** Lists documents. */
    public suspend fun list(query: Query = Query()): Page = call { list(query.wellFormed()) }

    /** Finds documents that have every one of these words, last changed first. */
    public suspend fun search(text: String, offset: Int = 0, limit: Int = 50): Page =
        call { search(text.wellFormed(), offset.toUInt(), limit.toUInt()) }

    /** What happened to a document, newest first. */
    public suspend fun timeline(doc: String, offset: Int = 0, limit: Int = 50): List<TimelineStep> =
        call { timeline(doc, offset.toUInt(), limit.toUInt()) }

    /** What a person should look at in a space, from what is on this device. */
    public suspend fun findings(space: String): List<Finding> = call { findings(space) }

    /** What is wrong with a document on its way to a status (`"locked"`, `"published"` …) or while writing (`"save"`). */
    public suspend fun problems(doc: String, towards: String): List<Problem> = call { problems(doc, towards) }

    /** The document as an Automerge file with its whole history, which other programs open. */
    public suspend fun export(doc: String): ByteArray = call { export(doc) }

    /**
     * What a file made by [export] holds, here or anywhere: its `value` is for [ContentType.ofJson]. Nothing of it gets
     * into the store. Throws [SopuException.BadValue] of `file` for one that is damaged, or no document of Sopu's.
     */
    public suspend fun readExport(file: ByteArray): Exported = call { readExport(file) }

    // One's own work.

    /** How far one's own work in a document has come. */
    public suspend fun status(doc: String): Progress = call { status(doc) }

    /** How far one's own work in all documents has come; without a stage once all is in the record. */
    public suspend fun backlog(): Progress = call { backlog() }

    /** Own work that is not in the record yet, with the reasons for what is held or was refused. */
    public suspend fun pending(): List<Pending> = call { pending() }

    /** Edits that could neither be sent nor made again, oldest first, for the person to copy from. */
    public suspend fun drafts(): List<Draft> = call { drafts() }

    /** The person is done with a draft. */
    public suspend fun discardDraft(number: Long): Unit = call { discardDraft(number) }

    // Live.

    /** A page of a list, at once and again whenever it has changed. */
    public fun live(query: Query): Flow<Page> = live { list(query) }

    /**
     * What this reads, at once and again whenever it has changed: `device.live { backlog() }`. Fails as [read] fails,
     * and with [SopuException.Closed] once the device is shut. One thread waits for all flows of a device, while any
     * of them is collected.
     */
    public fun <T> live(read: suspend Device.() -> T): Flow<T> =
        changes.conflate().map { read() }.distinctUntilChanged()

    // The relay.

    /**
     * Sends what is unsent and takes in what is new, until nothing is left to say or a hundred requests are made:
     * [SyncReport.more] says so. Right at any time, also again and also after an error.
     */
    public suspend fun sync(): SyncReport = stoppable { sync(client, it) }

    /** As [sync], but begins nothing after this time; small portions first, and right wherever it is cut. */
    public suspend fun syncWithin(budget: Duration): SyncReport =
        stoppable { syncWithin(budget.millisUInt(), client, it) }

    /** Waits for news at most so long and takes it in; if there is something to send, it sends that instead. */
    public suspend fun watch(wait: Duration): SyncReport = stoppable { watch(wait.millisUInt(), client, it) }

    /** How long to wait before syncing again by itself, milliseconds. A person who asks need not wait. */
    public suspend fun pauseMs(): Long = call { pauseMs() }

    /** How [keepInSync] is getting on. */
    public val syncState: StateFlow<SyncState> = syncing.asStateFlow()

    /**
     * Syncs, listens for news and sends what is saved, for as long as the app is in the foreground: until it is
     * cancelled. Returns only after the relay ordered a wipe; throws what waiting does not mend. Without a network it
     * waits and tries again by itself. One at a time.
     */
    public suspend fun keepInSync(): Unit = SyncLoop(this, syncing).run()

    // How calls are made.

    /** A short call of the library, off the thread that draws. */
    internal suspend fun <T> call(work: SopuDevice.() -> T): T = withContext(dispatcher) { typed { native.work() } }

    /** As [call], on the thread that is here. */
    internal fun <T> bare(work: SopuDevice.() -> T): T = typed { native.work() }

    /** A call that waits for the network and ends at once when it is cancelled. */
    private suspend fun <T> stoppable(work: SopuDevice.(Stop) -> T): T = coroutineScope {
        val stop = Stop()
        val running = async(dispatcher) {
            try {
                typed { native.work(stop) }
            } catch (why: SopuException) {
                // Whoever cancelled it need not hear how it ended.
                ensureActive()
                throw why
            }
        }
        try {
            running.await()
        } finally {
            withContext(NonCancellable) {
                stop.stop()
                running.join()
            }
            stop.close()
        }
    }

    public companion object {
        /**
         * Opens the store, making it if there is none. [instanceDir] must be a folder that backups and device
         * transfers leave out. With [Keys.store] the file is encrypted, also one that was plain before.
         *
         * @param client the HTTP client to use, such as `OkHttp`; the library's own if `null`.
         * @param dispatcher where blocking work is done.
         */
        public suspend fun open(
            store: File,
            instanceDir: File,
            keys: Keys,
            client: HttpClient? = null,
            dispatcher: CoroutineDispatcher = Dispatchers.IO,
        ): Device = withContext(dispatcher) {
            Device(typed { SopuDevice.open(store.path, instanceDir.path, keys.device, keys.store) }, client, dispatcher)
        }

        /**
         * Opens a store of which [open] said that it is `damaged`: what can be read of it, unsent work first, goes
         * into a new one, and the next sync brings the rest. The damaged files stay beside it; [remove] takes them, too.
         */
        public suspend fun salvage(
            store: File,
            instanceDir: File,
            keys: Keys,
            client: HttpClient? = null,
            dispatcher: CoroutineDispatcher = Dispatchers.IO,
        ): Device = withContext(dispatcher) {
            Device(
                typed { SopuDevice.salvage(store.path, instanceDir.path, keys.device, keys.store) },
                client,
                dispatcher,
            )
        }

        /**
         * Takes away a store that was [shut], with all that stands beside it (damaged copies that a [salvage] kept,
         * too), and its instance folder unless something else is in it. Unsent work is gone then. Again does nothing.
         * Then forget the keys. Throws [SopuException.Storage] while a file cannot be taken away.
         *
         * @param dispatcher where blocking work is done.
         */
        public suspend fun remove(
            store: File,
            instanceDir: File,
            dispatcher: CoroutineDispatcher = Dispatchers.IO,
        ): Unit = withContext(dispatcher) { typed { removeInstallation(store.path, instanceDir.path) } }
    }
}

private fun Query.wellFormed(): Query = copy(text = text?.wellFormed())

private fun Duration.millisUInt(): UInt = inWholeMilliseconds.coerceIn(0, UInt.MAX_VALUE.toLong()).toUInt()
