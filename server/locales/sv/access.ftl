# Ord om vem som har läst vad och hur länge vad bevaras.

## Utdrag ur loggen
access-list = såg på listan
access-administer = administrerade
access-change = skrev
excerpt-title = Utdrag ur åtkomstloggen
excerpt-intro = Vem som har läst, tagit ut och ändrat vad, när och varför: för en klient som frågar vem som har sett deras uppgifter.
excerpt-whom = Klient eller gård
excerpt-all = hela rummet
excerpt-where = Rum
excerpt-from = Från
excerpt-until = Till
excerpt-period = Period
excerpt-made = Gjort
excerpt-rows = Rader
excerpt-log = Loggens läge
excerpt-document = Dokument
excerpt-list = (hela rummet)
excerpt-gone = (ett dokument som inte längre finns här)
excerpt-former = { $client } (inget här gäller dem längre)
excerpt-pdf = Som PDF
excerpt-csv = Som tabell (CSV)
excerpt-help = En klient får begära de två senaste åren utan särskilt skäl. I utdraget om en klient finns också det som gällde klienten innan det ändrades, flyttades från fel klient eller raderades. Läs igenom utdraget innan du skickar det. Att det gjordes är själv en rad i loggen.
excerpt-note = Tiderna är i Finlands tid. ”Skrev” är när det skrivna kom till servern. Loggens läge är numret och kontrollsumman för dess sista rad när utdraget gjordes.
excerpt-long = Det är över tjugotusen rader. Välj en kortare period.
excerpt-window = Perioden går inte ihop: den måste börja innan den slutar.

## En anteckning på fel klient
access-move_in = flyttade hit från fel klient
access-move_out = flyttade härifrån till rätt klient
move = Är den här skriven på fel klient?
move-intro = Anteckningen görs på nytt där den hör hemma och tas bort härifrån: ur boken och från varje enhet hos dem som bara ser detta rum.
move-where = Den rätta klientens rum
move-choose = Fortsätt
move-whom = Rätt klient
move-nobody = I det rummet är ingen klient känd än; anteckningen går dit utan.
move-do = Flytta anteckningen
move-client = Välj rätt klient.
move-done-there = Någon har redan skrivit anteckningen där den hör hemma. Det som återstår är att ta bort den här.
move-take-out = Ta bort här
move-help = Den nya anteckningen behåller vad som sågs och gjordes och vem som skrev den, och säger att den är flyttad. Den felaktiga klientens avtal, underskrifter och delning blir kvar, och anteckningen avslutas på nytt hos rätt klient. Båda rummen får en rad i åtkomstloggen.
move-keep-this = Den här blir kvar
move-also = Ta bort även den här, om en annan blir kvar
move-keep = Välj vilken av anteckningarna som blir kvar.
move-short = Den nya anteckningen saknar något av den gamla, så den gamla togs inte bort.
move-waits = Till den gamla anteckningen har det kommit arbete som väntar på granskning. Behandla det först.
move-damaged = Serverns databas är skadad och allt i anteckningen kan inte längre läsas, så den gamla togs inte bort. Säg till administratören: en säkerhetskopia ska återställas.
move-conflict = Två personer har skrivit olika. Välj den rätta först.
move-unknown = I anteckningen finns uppgifter från en nyare app som inte kan flyttas här. Uppdatera Sopu först.
move-lacking = Det här saknas i den nya eller står annorlunda:
move-lacking-help = Kopiera det som saknas eller skriv det själv i den nya anteckningen. Om den gamla inte behövs kan utrymmets ägare förstöra den med en orsak från dess egen sida.
move-again = Kopiera det som saknas och ta bort den gamla härifrån

## Hur länge vad bevaras
access-retention = bestämde förvaringstiden
access-keep = beslutade bevara
retention = Förvaringstider
retention-intro = Här föreslås det som enligt lag inte längre behöver bevaras. Ingenting raderas av sig självt: någon beslutar och säger varför.
retention-due = Förvaringstiden är slut
retention-due-count = { $n ->
    [0] Inget dokuments förvaringstid är slut.
    [one] Ett dokuments förvaringstid är slut.
   *[other] { $n } dokuments förvaringstid är slut.
}
retention-unknown = { $n ->
    [0] {""}
    [one] För ett dokument är det inte känt när tiden är slut.
   *[other] För { $n } dokument är det inte känt när tiden är slut.
}
retention-since = Sedan
retention-why = Hur länge det skulle bevaras
retention-source = Enligt vad
retention-unverified = ännu inte jämfört med källan
retention-hold = ska bevaras
retention-until = Bevaras till (om det bevaras)
retention-keep = Bevara de valda
retention-erase = Radera de valda för gott
retention-help = Det som bevaras föreslås på nytt efter den dagen. Det som ska bevaras av rättsliga skäl kan inte väljas.
retention-kept-title = Bevaras vidare
retention-clients = Klienter och gårdar
retention-clients-help = Klientuppgifternas tid räknas från den dag då klientens ärende avslutades. Innan någon har sagt den dagen föreslås ingenting om klienten.
retention-closed-on = Avslutat
retention-class = Förvaringsklass
retention-usual = som vanligt för dokumenttypen
retention-say = Spara
retention-nobody = Ingen klient eller gård är känd i detta rum.
retention-said = Sparat.
retention-erased = Servern raderar dem nu.
retention-kept = De bevaras.
retention-day-wrong = Det är ingen dag som har varit.
retention-until-wrong = Säg till vilken dag, i framtiden.
retention-went-on = Efter den dagen har något gjorts eller avtalats för klienten, så ingenting föreslås utifrån den. Kontrollera dagen.
retention-none-chosen = Välj dokumenten.
retention-no-class = Ingen förvaringsklass är känd för detta dokument.
retention-over = Det behöver inte bevaras från och med { $day }.
retention-over-unknown = Det är ännu inte känt när tiden är slut.
retention-page = Hela rummets förvaringstider
retention-from-closing = { $years } år från att klientens ärende avslutades
retention-from-document = { $years } år från dokumentets egen dag
retention-from-year-end = { $years } år från kalenderårets slut

## Comings and goings
access-sign_in = loggade in
access-sign_out = loggade ut
access-sign_in_refused = släpptes inte in
access-refused = försökte se det som hen inte har rätt till
access-account = ändrade sitt konto

## Legal hold
hold = Bevarande
hold-intro = Det som någon säger att behövs raderas och flyttas inte, vilken tid det än skulle bevaras. Att ställa upp och häva kräver kontorets roll och ett skäl, och blir en rad i loggen.
hold-nothing = Inget här är ställt under bevarande.
hold-clients = Alla dokument om en klient eller gård
hold-clients-help = En klients bevarande gäller alla dokument om klienten, också de som kommer senare. När det hävs hävs alla klientens bevaranden.
hold-client = allt bevaras
hold-set = Ställ under bevarande
hold-lift = Häv bevarandet
hold-none = Inte under bevarande.
hold-asked = En sparning ber om bevarande. Dokumentet blir kvar tills någon svarar.
hold-held = Under bevarande: dokumentet måste bevaras av rättsliga skäl.
hold-help = Dokumentet kan varken raderas eller flyttas innan någon på kontoret häver bevarandet. Ingen sparning på en enhet gör det.
hold-said = Sparat.
access-hold = ställde under bevarande
access-lift = hävde bevarandet
