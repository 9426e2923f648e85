package fi.sopu.documents

/** The content of a document: a [Contract], a [VisitNote] or a [ServiceListing]. */
public sealed interface Content
