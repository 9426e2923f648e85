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
excerpt-pdf = As PDF
excerpt-csv = As a table (CSV)
excerpt-help = A client may ask for the last two years without a special reason. An excerpt about one client leaves out documents that have been erased; one of the whole space has them. Read it through before you send it. That it was made is a row of the log itself.
excerpt-note = Times are in Finland's time. “Wrote” is when what was written arrived at the server. The state of the log is the number and fingerprint of its last row when this excerpt was made.
excerpt-long = That is more than twenty thousand rows. Choose a shorter period.
excerpt-window = The period does not fit: it must begin before it ends.
