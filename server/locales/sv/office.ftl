# Kontorssidornas ord. Varje nyckel finns på alla tre språken; ett test ser till det.

## På varje sida
skip = Gå till innehållet
brand-line = ett gemensamt register
language = Språk
sign-out = Logga ut
home = Rum
back = Tillbaka
nav-label = Plats
live-news = Det finns nytt. Ladda om sidan för att se det.
reload = Ladda om

## Inloggning
sign-in = Logga in
sign-in-name = Användarnamn
sign-in-password = Lösenord
sign-in-wrong = Användarnamnet eller lösenordet är inte rätt.
sign-in-wait = { $n ->
    [one] För många försök. Vänta en sekund och försök igen.
   *[other] För många försök. Vänta { $n } sekunder och försök igen.
}
sign-in-help = Glömt lösenordet? Den som sköter Sopu i din organisation ger dig ett nytt.
provider-with = Logga in med { $name }
provider-again = Till inloggningen
provider-unreachable = Din organisations inloggning svarar inte. Försök om en stund eller använd ditt lösenord.
provider-not-begun = Inloggningen började någon annanstans eller för länge sedan. Börja om.
provider-untrue = Svaret från din organisations inloggning håller inte. Börja om; om felet kvarstår, säg till den som sköter Sopu.
provider-nobody = Du loggade in, men du har inget konto här. Den som sköter Sopu i din organisation kan skapa ett.

## Andra steget vid inloggning
code-title = Ett steg till
code = Koden i appen
code-help = Öppna autentiseringsappen i telefonen och skriv de sex siffror som den visar för Sopu. Har du tappat telefonen? Skriv en av dina reservkoder.
code-wrong = Koden är fel eller redan använd. Vänta på nästa.

## Eget konto
account = Ditt konto
account-owes = Din organisation kräver ett andra steg vid inloggning. Ta det i bruk för att fortsätta.
account-factor = Andra steget vid inloggning
account-factor-help = Med ett andra steg öppnar ett stulet lösenord ingenting. Fotografera bilden med en autentiseringsapp i telefonen och skriv koden som appen visar.
account-factor-picture = Bild för autentiseringsappen
account-factor-typed = Kan du inte fotografera den? Skriv detta i appen:
account-factor-confirm = Ta i bruk
account-factor-on = Det andra steget är i bruk.
account-factor-off = Det andra steget är taget ur bruk.
account-factor-left = { $n ->
    [one] Det är i bruk. En reservkod är kvar.
   *[other] Det är i bruk. { $n } reservkoder är kvar.
}
account-factor-password = Bekräfta med ditt lösenord
account-factor-remove = Ta ur bruk
account-recovery = Reservkoder
account-recovery-help = Skriv ut dem eller anteckna dem och förvara dem som ditt pass. Var och en öppnar ditt konto en gång om du tappar telefonen. De visas bara nu.
account-password = Lösenord
account-old = Nuvarande lösenord
account-new = Nytt lösenord, minst 12 tecken
account-password-change = Byt lösenord
account-password-done = Lösenordet är bytt. Andra webbläsare loggades ut.
account-old-wrong = Det nuvarande lösenordet var fel.
account-password-short = Ett lösenord måste ha minst 12 tecken.
account-password-long = Lösenordet är för långt.
account-wait = För många försök. Vänta en stund och försök igen.
account-sessions = Inloggad på andra håll
account-sessions-help = Blev en webbläsare öppen någonstans? Logga ut från alla, även denna.
account-sessions-end = Logga ut överallt

## Människor och enheter
devices = Enheter
devices-intro = Människorna i din organisation och de telefoner och datorer de skriver på.
devices-person = Person
devices-devices = Enheter
devices-none = Ingen enhet än
devices-revoked = Enheten är avstängd. Vid nästa kontakt lämnar den in osänt arbete och töms.
device-never = har aldrig synkroniserat
device-seen = senast i kontakt { $when }
device-cut-off = avstängd { $when }, inte tömd än
device-wiped = tömd { $when }
device-revoke = Stäng av
device-revoke-help = För en borttappad telefon eller en som byter ägare. Det som skrivits och inte sänts sparas för granskning; allt på enheten raderas. För att komma tillbaka måste den anslutas på nytt.
device-revoke-do = Stäng av denna enhet
invite = Bjud in en enhet
invite-for = Inbjudan: { $name }
invite-address = Serverns adress:
invite-help = Fotografera bilden med Sopu i telefonen, eller skriv adress och kod där. Koden ansluter en enhet, en gång, inom ett dygn. Den visas bara nu.
enrol = Öppna med Sopu
enrol-help = Den här adressen bjuder in en telefon till Sopu. Öppna Sopu i telefonen och fotografera bilden där, eller skriv sidans adress fram till ”/enrol” och koden efter ”#”.

## Rum
spaces = Rum
spaces-intro = De kundteam, vårdkretsar och nätverk du hör till.
spaces-none = Du hör inte till något rum ännu. Rummets ägare kan lägga till dig.
col-space = Rum
col-role = Din roll
col-documents = Dokument
col-conflicts = Konflikter
col-findings = Iakttagelser
role-relative = anhörig
role-commissioner = beställare
role-reader = läsare
role-field = fält
role-office = kontor
role-owner = ägare

## Ett rums dokument
documents = Dokument
documents-count = { $n ->
    [one] Ett dokument
   *[other] { $n } dokument
}
documents-none = Inget dokument motsvarar sökningen. Ta bort ett villkor eller pröva ett annat ord.
documents-empty = Här finns inget ännu. Det som rummets medlemmar skriver kommer hit när deras enheter har nät.
filter = Avgränsa
filter-kind = Slag
filter-status = Status
filter-subject = Gård eller klient
filter-text = Sök ord
filter-conflicts = Bara konflikter
filter-any = Alla
filter-apply = Visa
filter-clear = Rensa
sort = Ordning
sort-newest = Nyast först
sort-oldest = Äldst först
sort-title = Enligt rubrik
col-title = Dokument
col-kind = Slag
col-date = Datum
col-status = Status
kind-contract = Avtal
kind-visit_note = Besöksanteckning
kind-service_listing = Tjänstebeskrivning
mark-conflict = Konflikt
mark-finding = Iakttagelse
untitled = Utan rubrik
page-next = Nästa sida
page-previous = Föregående sida
page-of = Sida { $page } av { $pages }
pages-label = Sidor

## Ett dokument
content = Innehåll
header-fields = Om dokumentet
no-content = Inget har skrivits ännu.
yes = ja
no = nej
removed-items = Borttaget
removed-intro = Punkter som någon har tagit bort. De finns kvar i registret.
removed-count = { $n ->
    [one] En borttagen punkt
   *[other] { $n } borttagna punkter
}
unknown-fields = Från en nyare app
unknown-intro = Denna version av Sopu känner inte dessa fält. De bevaras som de är.
log-clash = Två olika värden antecknades under samma post. Båda är kvar.
conflict-here = Flera värden
to-conflicts = Avgör
to-history = Historik
nobody-known = inte känt
names-differ = { $names } (avtalen skiljer sig)

## Underskrifter
signatures = Underskrifter
signatures-none = Ingen har skrivit under ännu.
signature-by = { $who } skrev under { $when }
signature-holds = Gäller innehållet så som det låstes.
signature-other = Gäller ett annat innehåll än det som nu är låst.
signature-unjudged = Denna version av Sopu kan inte bedöma vad som skrevs under.
signature-not-locked = Innehållet är inte låst nu.
signature-vouched = Kontoret intygar underskriften; den är inte gjord på en enhet.
signature-invalid = Underskriften stämmer inte.
signature-missing = Har inte skrivit under ännu.
signature-same = Innehållet är låst och orört.
signature-changed = Det låsta innehållet har ändrats efteråt. Den undertecknade texten är kvar; ändringen hör hemma i ett ändringsavtal.

## De fyra stegen
states = Var dokumentet är
states-intro = Varje sparning går genom fyra steg. Här ser du hur långt de senaste sparningarna av detta dokument har kommit.
state-device = på enheten
state-server = på servern
state-record = i registret
state-seen = sett av kontoret
state-count = { $n ->
    [one] En sparning
   *[other] { $n } sparningar
}
state-device-note = Sparningar som väntar på någons enhet är inte kända här förrän enheten har nät.
state-held = väntar på granskning

## Konflikter
conflicts = Konflikter
conflicts-intro = Två personer skrev i samma fält utan att se varandra. Varje värde är kvar tills någon väljer.
conflicts-none = Inga konflikter. Inget väntar på beslut.
conflict-value = Värde
conflict-by = { $who }, { $device }
conflict-times = enhetens tid { $device }, på servern { $relay }
conflict-cleared = (lämnat tomt)
choose = Välj detta
choose-both-hint = Att välja är en vanlig ändring: de andra värdena finns kvar i historiken.
chosen = Valt. Konflikten är avgjord.
conflict-moved = Någon har redan avgjort denna konflikt. Dokumentet visas som det är nu.
choose-no-right = Din roll här ger inte rätt att välja.

## Iakttagelser
findings = Iakttagelser
findings-intro = Det som Sopu märkt i det sammanförda registret och en människa bör se på.
findings-none = Inga iakttagelser.
finding-of = Gäller
severity-safety = Säkerhet
severity-law = Lag
severity-decide = Att besluta
severity-look = Att se på

## Historik
history = Historik
history-intro = Varje sparning, nyast först: vem, när och vad som ändrades.
history-none = Inga sparningar ännu.
history-saves = { $n ->
    [one] En sparning
   *[other] { $n } sparningar
}
history-who = { $who }
history-on = ({ $device })
history-device-time = Enhetens tid { $when }
history-relay-time = på servern { $when }
device-office = kontoret
history-created = Skapade dokumentet
change-set = { $field }: { $new }
change-from-to = { $field }: { $old } → { $new }
change-cleared = { $field }: tömt (var { $old })
change-item-added = { $field }: lade till { $new }
change-item-removed = { $field }: tog bort { $old }
change-item-changed = { $field }, { $item }: { $part }
change-text = { $field }: texten ändrad
change-inserted = tillagt
change-deleted = borttaget
change-nothing = Ingen synlig ändring
change-status = { $field }: { $old } → { $new }
change-settled = { $field }: flera värden blev ett

## När något är fel
error-title = Det här lyckades inte
error-not-found = Sidan finns inte eller du har inte rätt att se den.
error-right = Din roll här tillåter inte detta.
error-form = Formuläret var för gammalt eller kom från annat håll. Öppna sidan på nytt och upprepa.
error-server = Servern hade ett problem. Inget gick förlorat; försök igen om en stund.
error-large = Det som skickades är för stort.

## Radering
erase = Radera detta dokument
erase-help = Innehållet försvinner för gott: ur boken, från varje enhet som har det och ur senare säkerhetskopior. Kvar blir att det fanns samt när och varför det raderades. Detta kan inte ångras.
erase-reason = Skäl
erase-reason-request = personen bad om det
erase-reason-retention = förvaringstiden är slut
erase-reason-wrong-client = det skrevs på fel klient
erase-reason-order = en myndighet eller domstol beslutade det
erase-do = Radera för gott
erase-title = Radering
erase-waits = Dokumentet raderas.
erase-hold = Dokumentet måste bevaras av rättsliga skäl och raderades inte. Ta bort markeringen först.
erase-damaged = Serverns sammanställning är skadad, och dokumentet är ännu inte helt raderat. Säg till administratören: när servern startas om görs sammanställningen på nytt och raderingen slutförs.
erase-done = Dokumentet raderades { $when }.
erase-devices = Enheter som har fått besked att ta bort det. Var och en bekräftar vid nästa synkronisering.
erase-confirmed = bekräftat { $when }
erase-unconfirmed = har inte bekräftat än

## Vem som har läst det
access = Åtkomst
access-intro = Vem som har läst eller gjort något med detta dokument, nyast först. Det som lästs i en telefon kommer hit när telefonen nästa gång får kontakt.
access-when = När
access-who = Vem
access-what = Vad
access-reason = Skäl
access-command-line = serverns kommandorad
access-read = läste
access-read_device = läste på en enhet
access-history = läste historiken
access-choose = avgjorde en konflikt
access-export = tog ut
access-share = delade med anhöriga
access-unshare = slutade dela med anhöriga
access-shared = läste som delat
access-accept = tog in granskat arbete
access-drop = förkastade granskat arbete
access-review = granskade
access-erase = bad om radering
access-access = såg på denna sida
access-more = Det finns fler rader; den som sköter Sopu kan ta ut dem alla.
