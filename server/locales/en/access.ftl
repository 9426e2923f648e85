# Words about who has read what, and about how long what is kept.

## An excerpt of the access log
access-list = looked at the list
access-administer = administered
access-change = wrote
excerpt-title = Excerpt of the access log
excerpt-intro = Who has read, taken out and changed what, and when and why: for a client who asks who has read their data.
excerpt-whom = Client or farm
excerpt-all = the whole space
excerpt-where = Space
excerpt-from = From
excerpt-until = To
excerpt-period = Period
excerpt-made = Made
excerpt-rows = Rows
excerpt-log = State of the log
excerpt-document = Document
excerpt-list = (the whole space)
excerpt-gone = (a document that is not here any more)
excerpt-former = { $client } (nothing here is about them any more)
excerpt-pdf = As PDF
excerpt-csv = As a table (CSV)
excerpt-help = A client may ask for the last two years without a special reason. An excerpt about one client also has what was about them before it was changed, moved from the wrong client or erased. Read it through before you send it. That it was made is a row of the log itself.
excerpt-note = Times are in Finland's time. “Wrote” is when what was written arrived at the server. The state of the log is the number and fingerprint of its last row when this excerpt was made.
excerpt-long = That is more than twenty thousand rows. Choose a shorter period.
excerpt-window = The period does not fit: it must begin before it ends.

## A note on the wrong client
access-move_in = moved here from the wrong client
access-move_out = moved from here to the right client
move = Written on the wrong client?
move-intro = The note is made anew where it belongs, and taken out here: from the record, and from every device of those who only see this space.
move-where = Space of the right client
move-choose = Go on
move-whom = The right client
move-nobody = No client is known in that space yet; the note goes there without one.
move-do = Move the note
move-client = Choose the right client.
move-done-there = Somebody has already written the note where it belongs. What is left is to take it out here.
move-take-out = Take it out here
move-help = The new note keeps what was seen and done and who wrote it, and says that it was moved. Contract, signatures and sharing of the wrong client stay behind, and the note is closed again on the right one. Both spaces get a row in the access log.
move-keep-this = This one stays
move-also = Take this one out too, if another stays
move-keep = Choose which of the notes stays.
move-short = The new note lacks something of the old one, so the old one was not taken out.
move-waits = Work on the old note has arrived that waits for review. Deal with it first.
move-damaged = The server's database is damaged and not all of the note can be read any more, so the old one was not taken out. Tell the administrator: a backup is to be put back.
move-conflict = Two people wrote different values. Choose one first.
move-unknown = The note holds something from a newer app that cannot be moved here. Update Sopu first.
move-lacking = Missing in the new one, or different there:
move-lacking-help = Copy what is missing, or write it on the new note yourself. If the old one is not needed, an owner of the space can erase it with a reason, from its own page.
move-again = Copy what is missing and take the old one out

## How long what is kept
access-retention = said how long it is kept
access-keep = kept on
retention = Retention
retention-intro = What need not be kept any more by law is proposed here. Nothing is erased by itself: somebody decides, and says why.
retention-due = Over
retention-due-count = { $n ->
    [0] No document's time is over.
    [one] One document's time is over.
   *[other] The time of { $n } documents is over.
}
retention-unknown = { $n ->
    [0] {""}
    [one] Of one document it is not known when its time is over.
   *[other] Of { $n } documents it is not known when their time is over.
}
retention-since = Since
retention-why = How long it was to be kept
retention-source = By what
retention-unverified = not compared with the source yet
retention-hold = must be kept
retention-until = Keep until (when keeping)
retention-keep = Keep the chosen ones
retention-erase = Erase the chosen ones for good
retention-help = What is kept on is proposed again after that day. What must be kept (legal hold) cannot be chosen.
retention-kept-title = Kept on
retention-clients = Clients and farms
retention-clients-help = The time of client data is counted from the day on which the client's matter was closed. Until somebody says that day, nothing about the client is proposed.
retention-closed-on = Closed on
retention-class = Class
retention-usual = as usual for the kind of document
retention-say = Save
retention-nobody = No client or farm is known in this space.
retention-said = Saved.
retention-erased = The relay erases them now.
retention-kept = They are kept on.
retention-day-wrong = That is no day that has been.
retention-until-wrong = Say until which day, in the future.
retention-went-on = After that day something was done or agreed for this client, so nothing is proposed by it. Check the day.
retention-none-chosen = Choose the documents.
retention-no-class = No class is known for this document.
retention-over = It need not be kept from { $day } on.
retention-over-unknown = It is not known yet when its time is over.
retention-page = All of this space
retention-from-closing = { $years } years from the closing of the client's matter
retention-from-document = { $years } years from the document's own day
retention-from-year-end = { $years } years from the end of the calendar year

## Comings and goings
access-sign_in = signed in
access-sign_out = signed out
access-sign_in_refused = was not let in
access-refused = tried to see what is not theirs
access-account = changed their account

## Legal hold
hold = Legal hold
hold-intro = What somebody says will be needed is not erased and not moved, whatever its retention time. Setting and lifting a hold takes the role of the office and a reason, and is a row of the access log.
hold-nothing = Nothing here is on hold.
hold-clients = All documents about a client or farm
hold-clients-help = A hold of a client holds every document about them that is not on hold yet, and what comes later. Lifting it lifts every hold of theirs.
hold-client = everything is held
hold-set = Put on hold
hold-lift = Lift the hold
hold-none = Not on hold.
hold-asked = A save asks for a hold. The document stays until somebody answers.
hold-held = On legal hold: the document must be kept.
hold-help = A hold keeps the document from being erased or moved, until somebody at the office lifts it. No save on a device does.
hold-said = Saved.
access-hold = put on legal hold
access-lift = lifted the legal hold
