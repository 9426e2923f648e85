package fi.sopu.android

import fi.sopu.Device
import fi.sopu.background.News

/** What the app's `Application` implements: a task in the background may be the first to run in a process. */
public interface DeviceProvider {
    /**
     * The one device of the process, opened when it is asked for first. Throws [fi.sopu.SopuException] and
     * [fi.sopu.keys.KeysException]; what passes by itself is tried again.
     */
    public suspend fun device(): Device

    /** A sync in the background brought something that a person must be told: post a notification. */
    public fun syncNews(news: News)

    /**
     * A sync in the background came to an end that waiting does not mend: show [why], a [fi.sopu.SopuException] or
     * [fi.sopu.keys.KeysException], when the app is opened.
     */
    public fun syncFailed(why: Exception)

    /** The relay ordered a wipe: the device holds nothing any more. Forget the keys. */
    public suspend fun wiped()
}
