# Words for administering people, teams, spaces and grants.

## Shared
administration = Administration
reason = Reason
reason-missing = Write a reason.
window-open = until further notice
window-from = from { $from }
window-until = until { $until }
window-between = { $from } – { $until }
window-begin = From (empty: now)
window-end = Until (empty: until further notice)
window-wrong = The times do not fit: the end must be in the future and after the beginning.
account-owes-password = Your password was given to you for one use. Change it to your own to go on.
account-password-same = The new password is the same as the old one. Think of another.

## The organisation's people
members = People
members-intro = The people of your organisation. Open a name to give or take away rights.
members-admin = administrator
members-ended = account ended { $when }
members-add = Add a person
members-name = Name as others see it
members-login = User name for the office pages (optional)
members-invite = Make an invite for their phone too
members-add-do = Add
members-add-help = Whoever gets a user name gets a one-time password. Relatives and commissioners need a user name only, a field worker an invite only.
members-added = The person is added. Now let them into a space.
members-name-wrong = A name has 1–200 characters on one line.
members-login-taken = The user name is taken.
fresh-for = One-time password: { $name }
fresh-help = Shown only now. It is changed to their own when they first sign in.
member-nowhere = In no space.
member-role = Let into a space, or change the role
member-role-do = Let in
member-role-help = Another role in the same space replaces the one before. A right is ended on the space's own page.
member-account = Account
member-password = New password
member-password-help = The old password stops working and the person is signed out everywhere. The new one is shown once and changed when they first sign in.
member-password-do = Make a one-time password
member-admin-on = Make an administrator
member-admin-off = Take administration away
member-admin-help = An administrator manages the organisation's people, teams, spaces and devices.
member-changed = Changed.
member-not-oneself = You cannot do this to yourself. Ask another administrator.
member-end = End the account
member-end-help = They get in no more, and their devices get nothing more. What they wrote stays; work not yet sent comes for review.
member-end-do = End the account
member-ended = The account is ended.

## Teams and spaces
organisation = Teams and spaces
organisation-spaces = A space is a record people share: the customer team of one farm, the circle of one client. Open a space to say who belongs to it.
organisation-teams = A team gets a right in many spaces at once.
teams = Teams
space-name = Name of the new space
space-add = Add space
space-added = The space is added. Nobody is in it yet.
team-name = Name of the new team
team-add = Add team
team-added = The team is added.
team-join = Put a person into the team
team-join-do = Put into the team
team-joined = They are in the team now.
team-leave = Take out of the team
team-leave-do = Take out
team-left = They are not in the team any more.

## The people of a space
people = People
people-intro = Who belongs to this space now or later. Those who come through a team are shown as the team.
people-who = Who
people-role = Role
people-when = When
people-team = team
people-nobody = Nobody is in this space.
people-add = Let in
people-add-do = Let in
people-add-help = Another role replaces the one before.
introduction = Introduction code
introduction-help = By this code another organisation knows a person and can let them into a space of its own. It opens nothing by itself.
introduction-add = Or somebody of another organisation, by their introduction code
introduction-add-help = They or their administrator tell the introduction code: it is on the page of one's own account.
people-whom = Choose who, or type an introduction code.
introduction-wrong = No one of another organisation has this code.
people-granted = Let in.
people-end = End
people-end-do = End the right
people-ended = The right is ended. The device drops the space at its next contact; before that it hands in work not yet sent.

## Substitutes
substitutes = Substitutes
substitutes-intro = Let a substitute into the spaces of many clients at once. The right begins and ends by itself; once it has ended, the substitute's device does not show the space, not even offline.
substitutes-link = A substitute for many spaces at once
substitutes-now = Rights given for a time
substitute-who = Substitute
substitute-where = Clients
substitute-from = From
substitute-until = Until (empty: 24 hours from the beginning)
substitute-do = Let into all ticked
substitute-help = All or nothing. What rights the substitute has otherwise stay as they are. Somebody of another company is added the first time by whoever runs the server.
substitute-granted = The substitute is let into all ticked spaces.
substitute-nowhere = Tick at least one space.

## Shared with relatives and commissioners
shared = Shared
shared-preview = This is how relatives and commissioners see this space. They see nothing else.
shared-notes = Visits
shared-notes-none = No visit has been shared yet.
shared-contracts = Contracts, services and hours
shared-contracts-none = No contract with a commissioner as a party has been offered yet.
shared-visits-none = No visits yet.
shared-span = Visits and hours of the last two years, by month.
shared-month = Month
shared-visits = Visits
shared-hours = Hours
share = For relatives
share-is = Shared: relatives see the time of the visit, how it went, the summary and the next visit, once the visit has been made.
share-is-not = Not shared.
share-do = Share with relatives
share-end = Stop sharing
share-help = Share only with the client's consent. Relatives see nothing else of the note.

## Review
review = To review
review-intro = Work that did not enter the record by itself: its writer had no right, the right had ended, or the device was cut off. Nothing is lost. Let in the work that was really done.
review-none = Nothing waits for review.
review-new = New document
review-saved = Written { $when }
review-unshown = The content cannot be shown here: it builds on something that is not here yet.
review-accept = Let into the record
review-drop = Drop
review-drop-help = The work does not enter the record. A draft of it stays on the writer's device, if that is still in use.
review-drop-do = Drop for good
review-accepted = Let in. The work is in the record in a moment.
review-dropped = Dropped.
review-gone = Somebody has dealt with this already.
review-more = More is shown once these are dealt with.
held-right-missing = The writer had no right to write in this space then.
held-late = The work was done while the right held, but came more than 14 days after it ended.
held-removed = The writer's right has been ended.
held-revoked = The device is cut off.
held-review = What is on the device exists in two places; see which of them wrote this.
held-dependency-missing = The work waits for earlier work that has not come yet.
held-other = The server could not merge the work by itself.
left-out = Work left out of the record
left-out-intro = Work that is kept but will not be in the record. Write what matters of it into the document yourself.
left-out-none = Nothing has been left out of the record.
left-out-older = Older
final-dropped = Dropped in a review.
final-fork = Another form of this work by the same device is in the record already: what was on the device has been in two places.
final-depends-on-final = The work builds on something that was left out of the record.
final-item-key-taken = Something else is in the same place in the record already.
final-log-key-taken = Something else is in the same place in the record already.
final-in-part = The record has part of this work by other work of the same device, which did not make the rest again.
final-other = The work does not fit the document as the record has it.
device-unsent = { $n ->
    [one] one save not sent
   *[other] { $n } saves not sent
}
device-held = { $n ->
    [one] one waits for review
   *[other] { $n } wait for review
}
device-stuck = { $n ->
    [one] one could not be taken
   *[other] { $n } could not be taken
}

## A device without contact
lease = A device without contact
lease-help = A device that has been without contact for this long shows nothing until it has been online. Writing goes on all the same, and nothing is lost.
lease-days = Days, 1–365
lease-do = Save
lease-set = Saved. Each device hears of it at its next contact.
lease-wrong = Days are 1–365.
