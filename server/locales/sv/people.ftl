# Ord för administration av människor, team, rum och rättigheter.

## Gemensamt
administration = Administration
reason = Orsak
reason-missing = Skriv en orsak.
window-open = tills vidare
window-from = från { $from }
window-until = till { $until }
window-between = { $from } – { $until }
window-begin = Från (tomt: genast)
window-end = Till (tomt: tills vidare)
window-wrong = Tiderna går inte ihop: slutet ska ligga i framtiden och efter början.
account-owes-password = Ditt lösenord är för engångsbruk. Byt det till ett eget för att fortsätta.
account-password-same = Det nya lösenordet är detsamma som det gamla. Hitta på ett annat.

## Organisationens människor
members = Människor
members-intro = Din organisations människor. Öppna ett namn för att ge eller ta bort rättigheter.
members-admin = administratör
members-ended = kontot avslutat { $when }
members-add = Lägg till en människa
members-name = Namnet så som andra ser det
members-login = Användarnamn till kontorets sidor (frivilligt)
members-invite = Gör också en inbjudan för telefonen
members-add-do = Lägg till
members-add-help = Den som får ett användarnamn får ett engångslösenord. Anhöriga och beställare behöver bara ett användarnamn, en fältarbetare bara en inbjudan.
members-added = Människan är tillagd. Ge härnäst rätt till något rum.
members-name-wrong = Ett namn har 1–200 tecken på en rad.
members-login-taken = Användarnamnet är redan i bruk.
fresh-for = Engångslösenord: { $name }
fresh-help = Visas bara nu. Vid den första inloggningen byts det till ett eget.
member-nowhere = Inte i något rum.
member-role = Ge rätt till ett rum eller byt roll
member-role-do = Ge rätt
member-role-help = En annan roll i samma rum ersätter den förra. Rätten avslutas på rummets egen sida.
member-account = Konto
member-password = Nytt lösenord
member-password-help = Det gamla lösenordet slutar gälla och personen loggas ut överallt. Det nya visas en gång och byts vid den första inloggningen.
member-password-do = Gör ett engångslösenord
member-admin-on = Gör till administratör
member-admin-off = Ta bort administratörens rätt
member-admin-help = En administratör sköter organisationens människor, team, rum och enheter.
member-changed = Ändrat.
member-not-oneself = Du kan inte göra det här med dig själv. Be en annan administratör.
member-end = Avsluta kontot
member-end-help = Personen kommer inte in mera och enheterna får ingenting mera. Det som personen har skrivit blir kvar; arbete som inte har sänts kommer för granskning.
member-end-do = Avsluta kontot
member-ended = Kontot är avslutat.

## Team och rum
organisation = Team och rum
organisation-spaces = Ett rum är en bok som människor har gemensamt: en gårds kundteam, en klients vårdkrets. Öppna ett rum för att bestämma vilka som hör dit.
organisation-teams = Ett team får rätt till många rum på en gång.
teams = Team
space-name = Det nya rummets namn
space-add = Lägg till rum
space-added = Rummet är tillagt. Ingen är där ännu.
team-name = Det nya teamets namn
team-add = Lägg till team
team-added = Teamet är tillagt.
team-join = Lägg till en människa i teamet
team-join-do = Lägg till i teamet
team-joined = Personen är nu i teamet.
team-leave = Ta bort ur teamet
team-leave-do = Ta bort
team-left = Personen är inte mera i teamet.

## Rummets människor
people = Människor
people-intro = Vilka som hör till det här rummet nu eller senare. De som kommer genom ett team syns som teamet.
people-who = Vem
people-role = Roll
people-when = När
people-team = team
people-nobody = Ingen är i rummet.
people-add = Ge rätt
people-add-do = Ge rätt
people-add-help = En annan roll ersätter den förra.
introduction = Presentationskod
introduction-help = Med den här koden känner en annan organisation igen en person och kan ge rätt till ett eget rum. Koden öppnar ingenting i sig.
introduction-add = Eller någon från en annan organisation, med presentationskod
introduction-add-help = Personen eller personens administratör berättar presentationskoden: den syns på sidan för det egna kontot.
people-whom = Välj vem, eller skriv en presentationskod.
introduction-wrong = Ingen i en annan organisation har den här koden.
people-granted = Rätten är given.
people-end = Avsluta
people-end-do = Avsluta rätten
people-ended = Rätten är avslutad. Enheten tar bort rummet vid nästa kontakt; före det lämnar den över arbete som inte har sänts.

## Vikarier
substitutes = Vikarier
substitutes-intro = Ge en vikarie rätt till många klienters rum på en gång. Rätten börjar och slutar av sig själv; när den har slutat visar vikariens enhet inte rummet, inte ens utan nät.
substitutes-link = En vikarie till många rum på en gång
substitutes-now = Rättigheter för en tid
substitute-who = Vikarie
substitute-where = Klienter
substitute-from = Från
substitute-until = Till (tomt: ett dygn från början)
substitute-do = Ge rätt till alla valda
substitute-help = Antingen alla eller ingen. Vikariens andra rättigheter förblir som de är. Någon från ett annat företag läggs första gången till av serverns Sopu-ansvariga.
substitute-granted = Vikarien har rätt till alla valda rum.
substitute-nowhere = Välj åtminstone ett rum.

## Delat med anhöriga och beställare
shared = Delat
shared-preview = Så här ser anhöriga och beställare det här rummet. Annat ser de inte.
shared-notes = Besök
shared-notes-none = Inget besök har delats ännu.
shared-contracts = Avtal, tjänster och timmar
shared-contracts-none = Inget avtal med en beställare som part har erbjudits ännu.
shared-visits-none = Inga besök ännu.
shared-span = Besök och timmar för de två senaste åren, månadsvis.
shared-month = Månad
shared-visits = Besök
shared-hours = Timmar
share = För anhöriga
share-is = Delat: anhöriga ser besökets tid, hur det gick, sammanfattningen och nästa besök, när besöket är gjort.
share-is-not = Inte delat.
share-do = Dela med anhöriga
share-end = Sluta dela
share-help = Dela bara med klientens samtycke. Annat i anteckningen ser anhöriga inte.

## Granskning
review = Att granska
review-intro = Arbete som inte kom in i boken av sig självt: den som skrev hade inte rätt, rätten hade slutat eller enheten var avstängd. Inget har gått förlorat. Ta in det arbete som verkligen har gjorts.
review-none = Inget väntar på granskning.
review-new = Nytt dokument
review-saved = Skrivet { $when }
review-unshown = Innehållet kan inte visas här: det bygger på något som ännu inte finns här.
review-accept = Ta in i boken
review-drop = Förkasta
review-drop-help = Arbetet tas inte in i boken. Ett utkast blir kvar på enheten hos den som skrev, om enheten ännu är i bruk.
review-drop-do = Förkasta för gott
review-accepted = Intaget. Arbetet kommer in i boken om ett ögonblick.
review-dropped = Förkastat.
review-gone = Någon har redan behandlat det här.
review-more = Mera visas när dessa har behandlats.
held-right-missing = Den som skrev hade då inte rätt att skriva i rummet.
held-late = Arbetet gjordes medan rätten gällde men kom fram över 14 dagar efter att den slutade.
held-removed = Rätten för den som skrev är avslutad.
held-revoked = Enheten är avstängd.
held-review = Enhetens innehåll finns på två ställen; granska vilket som skrev detta.
held-dependency-missing = Arbetet väntar på tidigare arbete som inte har kommit ännu.
held-other = Servern kunde inte själv foga in arbetet.
left-out = Arbete som blev utanför boken
left-out-intro = Arbete som finns kvar men inte kommer in i boken. Skriv själv in i dokumentet det som har betydelse.
left-out-none = Inget har blivit utanför boken.
left-out-older = Äldre
final-dropped = Förkastat vid granskning.
final-fork = Från samma enhet finns redan en annan form av arbetet i boken: enhetens innehåll har funnits på två ställen.
final-depends-on-final = Arbetet bygger på något som blev utanför boken.
final-item-key-taken = På samma plats finns redan något annat i boken.
final-log-key-taken = På samma plats finns redan något annat i boken.
final-in-part = En del av detta arbete finns i boken genom annat arbete från samma enhet, som inte har gjort om resten.
final-other = Arbetet passar inte i dokumentet så som det står i boken.
device-unsent = { $n ->
    [one] en sparning osänd
   *[other] { $n } sparningar osända
}
device-held = { $n ->
    [one] en väntar på granskning
   *[other] { $n } väntar på granskning
}
device-stuck = { $n ->
    [one] en kunde inte tas emot
   *[other] { $n } kunde inte tas emot
}

## Enhet utan kontakt
lease = Enhet utan kontakt
lease-help = En enhet som har varit så här länge utan kontakt visar ingenting förrän den har haft nät. Det går ändå att skriva, och inget går förlorat.
lease-days = Dagar, 1–365
lease-do = Spara
lease-set = Sparat. Varje enhet får veta det vid nästa kontakt.
lease-wrong = Dagarna ska vara 1–365.
