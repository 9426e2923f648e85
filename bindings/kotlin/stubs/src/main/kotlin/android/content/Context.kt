package android.content

/** Stands in for Android's. */
abstract class Context
