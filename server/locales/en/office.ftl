# Words of the office pages. Every key is in all three languages; a test holds them to it.

## On every page
skip = Skip to content
brand-line = one shared record
language = Language
sign-out = Sign out
home = Spaces
back = Back
nav-label = Place
live-news = There is news. Reload to see it.
reload = Reload

## Sign in
sign-in = Sign in
sign-in-name = User name
sign-in-password = Password
sign-in-wrong = The user name or the password is not right.
sign-in-wait = { $n ->
    [one] Too many tries. Wait one second and try again.
   *[other] Too many tries. Wait { $n } seconds and try again.
}
sign-in-help = Forgotten your password? The person who keeps Sopu in your organisation gives you a new one.
provider-with = Sign in with { $name }
provider-again = To sign-in
provider-unreachable = Your organisation's sign-in does not answer. Try again in a while, or use your password.
provider-not-begun = This sign-in was begun somewhere else, or too long ago. Begin again.
provider-untrue = What your organisation's sign-in said does not hold. Begin again; if it goes on, tell the person who keeps Sopu.
provider-nobody = You signed in, but there is no account for you here. The person who keeps Sopu in your organisation can make one.

## The second step of signing in
code-title = One more step
code = Code from your app
code-help = Open the authenticator app on your phone and write the six digits it shows for Sopu. Lost your phone? Write one of your recovery codes.
code-wrong = That code is not right, or it was used already. Wait for the next one.

## One's own account
account = Your account
account-owes = Your organisation asks for a second step when signing in. Set it up to go on.
account-factor = Second step when signing in
account-factor-help = With a second step a stolen password opens nothing. Scan the picture with an authenticator app on your phone, then write the code the app shows.
account-factor-picture = Picture for the authenticator app
account-factor-typed = Cannot scan it? Type this into the app:
account-factor-confirm = Switch on
account-factor-on = The second step is on.
account-factor-off = The second step is off.
account-factor-left = { $n ->
    [one] It is on. One recovery code is left.
   *[other] It is on. { $n } recovery codes are left.
}
account-factor-password = Confirm with your password
account-factor-remove = Switch off
account-recovery = Recovery codes
account-recovery-help = Print these or write them down, and keep them where you keep your passport. Each opens your account once if you lose your phone. They are shown only now.
account-password = Password
account-old = The password you have now
account-new = New password, at least 12 characters
account-password-change = Change the password
account-password-done = The password is changed. Other browsers were signed out.
account-old-wrong = The password you have now was not right.
account-password-short = A password needs at least 12 characters.
account-password-long = The password is too long.
account-wait = Too many tries. Wait a while and try again.
account-sessions = Signed in elsewhere
account-sessions-help = Left a browser signed in somewhere? Sign out of all of them, this one too.
account-sessions-end = Sign out everywhere

## People and devices
devices = Devices
devices-intro = The people of your organisation and the phones and laptops they write on.
devices-person = Person
devices-devices = Devices
devices-none = No device yet
devices-revoked = The device is cut off. At its next contact it hands in unsent work and is wiped.
device-never = has never synced
device-seen = last seen { $when }
device-cut-off = cut off { $when }, not wiped yet
device-wiped = wiped { $when }
device-revoke = Cut off
device-revoke-help = For a lost phone, or one that is handed on. What was written on it and not sent is kept for you to review; everything on it is deleted. It has to enrol again to come back.
device-revoke-do = Cut this device off
invite = Invite a device
invite-for = Invite for { $name }
invite-address = Address of the server:
invite-help = Scan the picture with Sopu on the phone, or type address and code there. The code enrols one device, once, within a day. It is shown only now.
enrol = Open it with Sopu
enrol-help = This address invites a phone to Sopu. Open Sopu on the phone and scan the picture there, or type the address of this page up to “/enrol” and the code after “#”.

## Spaces
spaces = Spaces
spaces-intro = The customer teams, care circles and networks you belong to.
spaces-none = You do not belong to any space yet. The owner of a space can add you.
col-space = Space
col-role = Your role
col-documents = Documents
col-conflicts = Conflicts
col-findings = Findings
role-relative = relative
role-commissioner = commissioner
role-reader = reader
role-field = field
role-office = office
role-owner = owner

## Documents of a space
documents = Documents
documents-count = { $n ->
    [one] One document
   *[other] { $n } documents
}
documents-none = No document matches. Take a filter away or write another word.
documents-empty = There is nothing here yet. What people in this space write comes here when their devices sync.
filter = Filter
filter-kind = Kind
filter-status = Status
filter-subject = Farm or client
filter-text = Find words
filter-conflicts = Only conflicts
filter-any = All
filter-apply = Show
filter-clear = Clear
sort = Order
sort-newest = Newest first
sort-oldest = Oldest first
sort-title = By title
col-title = Document
col-kind = Kind
col-date = Date
col-status = Status
kind-contract = Contract
kind-visit_note = Visit note
kind-service_listing = Service listing
mark-conflict = Conflict
mark-finding = Finding
untitled = Untitled
page-next = Next page
page-previous = Previous page
page-of = Page { $page } of { $pages }
pages-label = Pages

## One document
content = Content
header-fields = About the document
no-content = Nothing has been written yet.
yes = yes
no = no
removed-items = Removed
removed-intro = Items somebody removed. They stay in the record.
removed-count = { $n ->
    [one] One removed item
   *[other] { $n } removed items
}
unknown-fields = From a newer app
unknown-intro = This version of Sopu does not know these fields. They are kept as they are.
log-clash = Two unequal values were recorded under one entry. Both are kept.
conflict-here = Several values
to-conflicts = Settle
to-history = History
nobody-known = not known
names-differ = { $names } (contracts differ)

## Signatures
signatures = Signatures
signatures-none = Nobody has signed yet.
signature-by = { $who } signed { $when }
signature-holds = Signs the content as it was locked.
signature-other = Signs another content than the one locked now.
signature-unjudged = This version of Sopu cannot judge what was signed.
signature-not-locked = The content is not locked now.
signature-vouched = The office vouches for the signature; it was not made on a device.
signature-invalid = The signature is not right.
signature-missing = Has not signed yet.
signature-same = The content is locked and untouched.
signature-changed = The locked content was changed afterwards. What was signed is kept; the change belongs into an amendment.

## The four states
states = Where the document is
states-intro = Every save passes four places. Here you see how far the newest saves of this document have come.
state-device = on the device
state-server = on the server
state-record = in the record
state-seen = seen by the office
state-count = { $n ->
    [one] One save
   *[other] { $n } saves
}
state-device-note = Saves that wait on somebody’s device are not known here until the device syncs.
state-held = held for review

## Conflicts
conflicts = Conflicts
conflicts-intro = Two people wrote the same field without seeing each other. Every value is kept until somebody chooses.
conflicts-none = No conflicts. Nothing needs a decision.
conflict-value = Value
conflict-by = { $who }, { $device }
conflict-times = device time { $device }, on the server { $relay }
conflict-cleared = (left empty)
choose = Choose this
choose-both-hint = Choosing is an ordinary change: the other values stay in the history.
chosen = Chosen. The conflict is settled.
conflict-moved = Somebody has settled this conflict already. The document is shown as it is now.
choose-no-right = Your role here does not let you choose.

## Findings
findings = Findings
findings-intro = What Sopu noticed in the merged record and a person should look at.
findings-none = No findings.
finding-of = About
severity-safety = Safety
severity-law = Law
severity-decide = To decide
severity-look = To look at

## History
history = History
history-intro = Every save, newest first: who, when, and what changed.
history-none = No saves yet.
history-saves = { $n ->
    [one] One save
   *[other] { $n } saves
}
history-who = { $who }
history-on = ({ $device })
history-device-time = Device time { $when }
history-relay-time = on the server { $when }
device-office = the office
history-created = Created the document
change-set = { $field }: { $new }
change-from-to = { $field }: { $old } → { $new }
change-cleared = { $field }: emptied (was { $old })
change-item-added = { $field }: added { $new }
change-item-removed = { $field }: removed { $old }
change-item-changed = { $field }, { $item }: { $part }
change-text = { $field }: text edited
change-inserted = added
change-deleted = deleted
change-nothing = No visible change
change-status = { $field }: { $old } → { $new }
change-settled = { $field }: several values became one

## When something is wrong
error-title = This did not work
error-not-found = There is no such page, or you do not have the right to see it.
error-right = Your role here does not allow this.
error-form = The form was too old or came from elsewhere. Open the page again and repeat.
error-server = The server had a problem. Nothing was lost; try again in a moment.
error-large = What was sent is too large.

## Erasing
erase = Erase this document
erase-help = The content goes for good: from the record, from every device that holds it, and from backups made later. That it was there, and when it was erased and why, stays. There is no undo.
erase-reason = Why
erase-reason-request = the person asked for it
erase-reason-retention = its retention time is over
erase-reason-wrong-client = it was written on the wrong client
erase-reason-order = an authority or a court ordered it
erase-do = Erase for good
erase-title = Erasure
erase-waits = The document is being erased.
erase-hold = The document is on legal hold and was not erased. Take the hold off first.
erase-damaged = The server's merged record is damaged, and the document is not wholly erased yet. Tell the administrator: when the server is started again, the record is made anew and the erasure is completed.
erase-done = The document was erased { $when }.
erase-devices = Devices that were told to delete it. Each confirms when it next syncs.
erase-confirmed = confirmed { $when }
erase-unconfirmed = has not confirmed yet

## Who has read it
access = Access
access-intro = Who has read and done what with this document, newest first. What is read on a phone comes with its next contact.
access-when = When
access-who = Who
access-what = What
access-reason = Reason
access-command-line = the server's command line
access-read = read
access-read_device = read on a device
access-history = read the history
access-choose = settled a conflict
access-export = took out
access-share = shared with relatives
access-unshare = stopped sharing with relatives
access-shared = read as shared
access-accept = let reviewed work in
access-drop = dropped reviewed work
access-review = reviewed
access-erase = asked to erase
access-access = looked at this page
access-more = There are more rows; the person who keeps Sopu can take them all out.
