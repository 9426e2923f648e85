# Huomiot sanoina: avain on huomion koodi, nimetyt paikat sen tosiasioita.

finding-worker_double_booked = { $worker } on merkitty kahdelle käynnille yhtä aikaa, { $from_ms } – { $to_ms }.
finding-client_double_booked = Samalle asiakkaalle ({ $subject }) on kaksi käyntiä yhtä aikaa, { $from_ms } – { $to_ms }.
finding-clock_off = Tarkista kellonaika: laitteen kello poikkesi { $offset_ms } minuuttia (kenttä { $field }).
finding-starts_in_future = Käynti on kirjattu alkaneeksi tulevaisuudessa, { $start_ms }.
finding-ends_before_start = Käynti päättyy ({ $end_ms }) ennen kuin se alkaa ({ $start_ms }).
finding-worker_in_two_places = { $worker } on kirjannut olleensa kahdessa paikassa yhtä aikaa, { $from_ms } – { $to_ms }.
finding-no_contract_in_force = Ei voimassa olevaa sopimusta käyntipäivänä { $date } ({ $reason }). Käynti on tallessa, laskutus odottaa.
finding-dose_given_twice = Mahdollinen kaksoisannos: sama suunniteltu annos ({ $planned_at_ms }) on kirjattu annetuksi kahdesti. Soita sairaanhoitajalle.
finding-duplicate_party = Mahdollinen kaksoiskappale: Y-tunnus { $business_id } on kahdella osapuolella.
finding-removed_item_edited = Poistettua kohtaa on muokattu (kenttä { $field }). Päätä, palautetaanko se.
finding-entry_edited_by_other = Toisen kirjausta on muokannut { $members } (kenttä { $field }).
finding-changed_after_finalising = Korjaus lukittuun kirjaukseen: { $fields } kenttää muuttui viimeistelyn jälkeen.
finding-entries_differ = Sama merkintä kirjattiin kahdella tavalla (kenttä { $field }). Molemmat ovat tallessa.
finding-quota_overdrawn = Kiintiö ylittyy: käytetty { $used } / { $limit } ({ $unit }), yli { $over }.
finding-two_doers = Kaksi tekijää samalla käynnillä: { $workers }. Suunniteltu { $planned_workers }.
finding-visit_recorded_twice = Sama käynti on kirjattu { $notes } kirjaukseen.
finding-on_wrong_client = Kirjaus on merkitty väärälle asiakkaalle kirjatuksi. Siirrä se oikealle tai hävitä se.
finding-moved_from_wrong_client = Siirretty väärältä asiakkaalta. Tarkista, sulje uudelleen ja liitä sopimukseen.
finding-moved_twice = Sama kirjaus on siirretty kahdesti. Avaa toinen, valitse ”Onko tämä kirjattu väärälle asiakkaalle?” ja jätä yksi.
finding-changed_after_signing = Muutos allekirjoitetun jälkeen: allekirjoitettu teksti on tallessa, muutos kuuluu muutossopimukseen.
finding-changed_after_locking = Sopimusta on muutettu lukitsemisen jälkeen. Lukitse se uudelleen ennen allekirjoituksia.
finding-signed_other_content = Allekirjoitus eri versioon: { $signers }. Pyydä allekirjoittamaan uudelleen.
finding-signature_invalid = Allekirjoitus ei pidä paikkaansa: { $signers }.

finding-reason-not_signed = sopimusta ei ole allekirjoitettu
finding-reason-not_begun = sopimus ei ole vielä alkanut
finding-reason-ended = sopimus on päättynyt
finding-reason-terminated = sopimus on irtisanottu
