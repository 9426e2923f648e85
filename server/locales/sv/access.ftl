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
excerpt-pdf = Som PDF
excerpt-csv = Som tabell (CSV)
excerpt-help = En klient får begära de två senaste åren utan särskilt skäl. I utdraget om en klient saknas raderade dokument; i utdraget om hela rummet finns de. Läs igenom utdraget innan du skickar det. Att det gjordes är själv en rad i loggen.
excerpt-note = Tiderna är i Finlands tid. ”Skrev” är när det skrivna kom till servern. Loggens läge är numret och kontrollsumman för dess sista rad när utdraget gjordes.
excerpt-long = Det är över tjugotusen rader. Välj en kortare period.
excerpt-window = Perioden går inte ihop: den måste börja innan den slutar.
