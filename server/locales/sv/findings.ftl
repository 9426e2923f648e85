# Iakttagelser i ord: nyckeln är iakttagelsens kod, de namngivna platserna dess fakta.

finding-worker_double_booked = { $worker } är bokad på två besök samtidigt, { $from_ms } – { $to_ms }.
finding-client_double_booked = Samma klient ({ $subject }) har två besök samtidigt, { $from_ms } – { $to_ms }.
finding-clock_off = Kontrollera klockslaget: enhetens klocka avvek { $offset_ms } minuter (fältet { $field }).
finding-starts_in_future = Besöket är antecknat som påbörjat i framtiden, { $start_ms }.
finding-ends_before_start = Besöket slutar ({ $end_ms }) innan det börjar ({ $start_ms }).
finding-worker_in_two_places = { $worker } har antecknats på två platser samtidigt, { $from_ms } – { $to_ms }.
finding-no_contract_in_force = Inget gällande avtal besöksdagen { $date } ({ $reason }). Besöket är kvar, faktureringen väntar.
finding-dose_given_twice = Möjlig dubbel dos: samma planerade dos ({ $planned_at_ms }) är antecknad som given två gånger. Ring sjukskötaren.
finding-duplicate_party = Möjlig dubblett: FO-numret { $business_id } finns hos två parter.
finding-removed_item_edited = En borttagen punkt har redigerats (fältet { $field }). Besluta om den ska återställas.
finding-entry_edited_by_other = { $members } har redigerat någon annans anteckning (fältet { $field }).
finding-changed_after_finalising = Rättelse i en låst anteckning: { $fields } fält ändrades efter att den färdigställdes.
finding-entries_differ = Samma post antecknades på två sätt (fältet { $field }). Båda är kvar.
finding-quota_overdrawn = Kvoten överskrids: använt { $used } / { $limit } ({ $unit }), över { $over }.
finding-two_doers = Två utförare på samma besök: { $workers }. Planerat { $planned_workers }.
finding-visit_recorded_twice = Samma besök är antecknat i { $notes } anteckningar.
finding-on_wrong_client = Anteckningen är märkt som skriven på fel klient. Flytta den till rätt klient eller radera den.
finding-moved_from_wrong_client = Flyttad från fel klient. Kontrollera den, avsluta den på nytt och koppla den till ett avtal.
finding-moved_twice = Samma anteckning har flyttats två gånger. Öppna den ena, välj ”Är den här skriven på fel klient?” och behåll en.
finding-changed_after_signing = Ändring efter underskrift: den undertecknade texten är kvar, ändringen hör hemma i ett ändringsavtal.
finding-changed_after_locking = Avtalet har ändrats efter låsningen. Lås det på nytt före underskrifterna.
finding-signed_other_content = Underskrift av en annan version: { $signers }. Be om ny underskrift.
finding-signature_invalid = Underskriften stämmer inte: { $signers }.

finding-reason-not_signed = avtalet är inte undertecknat
finding-reason-not_begun = avtalet har inte börjat
finding-reason-ended = avtalet har upphört
finding-reason-terminated = avtalet är uppsagt
