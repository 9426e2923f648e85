# Findings in words: the key is the finding’s code, the named places are its facts.

finding-worker_double_booked = { $worker } is booked for two visits at once, { $from_ms } – { $to_ms }.
finding-client_double_booked = The same client ({ $subject }) has two visits at once, { $from_ms } – { $to_ms }.
finding-clock_off = Check the time: the device’s clock was { $offset_ms } minutes off (field { $field }).
finding-starts_in_future = The visit is recorded as begun in the future, { $start_ms }.
finding-ends_before_start = The visit ends ({ $end_ms }) before it begins ({ $start_ms }).
finding-worker_in_two_places = { $worker } is recorded in two places at once, { $from_ms } – { $to_ms }.
finding-no_contract_in_force = No contract in force on the visit’s day { $date } ({ $reason }). The visit is kept, billing waits.
finding-dose_given_twice = Possible double dose: the same planned dose ({ $planned_at_ms }) is recorded as given twice. Call the nurse.
finding-duplicate_party = Possible duplicate: two parties have the business id { $business_id }.
finding-removed_item_edited = A removed item was edited (field { $field }). Decide whether it comes back.
finding-entry_edited_by_other = { $members } edited somebody else’s entry (field { $field }).
finding-changed_after_finalising = Change to a finalised note: { $fields } fields changed after it was finalised.
finding-entries_differ = The same entry was recorded in two ways (field { $field }). Both are kept.
finding-quota_overdrawn = Quota overdrawn: used { $used } of { $limit } ({ $unit }), { $over } over.
finding-two_doers = Two workers on one visit: { $workers }. Planned: { $planned_workers }.
finding-visit_recorded_twice = The same visit is recorded in { $notes } notes.
finding-on_wrong_client = The note is marked as written on the wrong client. Move it to the right one or erase it.
finding-moved_from_wrong_client = Moved from the wrong client. Check it, close it again and link it to a contract.
finding-moved_twice = One note was moved twice. Open one of the two, choose “Written on the wrong client?” and keep one.
finding-changed_after_signing = Changed after signing: what was signed is kept, the change belongs into an amendment.
finding-changed_after_locking = The contract was changed after it was locked. Lock it again before it is signed.
finding-signed_other_content = Signed another version: { $signers }. Ask for a new signature.
finding-signature_invalid = The signature is not right: { $signers }.

finding-reason-not_signed = the contract is not signed
finding-reason-not_begun = the contract has not begun
finding-reason-ended = the contract has ended
finding-reason-terminated = the contract was terminated
