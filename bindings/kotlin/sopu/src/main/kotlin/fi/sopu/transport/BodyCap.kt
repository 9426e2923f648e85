package fi.sopu.transport

/** More bytes than this no reply has; more are not kept. */
internal const val BODY_CAP: Long = 16L * 1024 * 1024
