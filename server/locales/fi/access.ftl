# Sanoja siitä, kuka on lukenut mitäkin ja kuinka kauan mitäkin säilytetään.

## Lokiote
access-list = katsoi luetteloa
access-administer = hallinnoi
access-change = kirjoitti
excerpt-title = Ote käyttölokista
excerpt-intro = Kuka on lukenut, vienyt ulos ja muuttanut mitäkin, milloin ja miksi: asiakkaalle, joka kysyy, kuka hänen tietojaan on katsonut.
excerpt-whom = Asiakas tai maatila
excerpt-all = koko tila
excerpt-where = Tila
excerpt-from = Alkaen
excerpt-until = Päättyen
excerpt-period = Ajanjakso
excerpt-made = Tehty
excerpt-rows = Rivejä
excerpt-log = Lokin tila
excerpt-document = Asiakirja
excerpt-list = (koko tila)
excerpt-gone = (asiakirja, jota täällä ei enää ole)
excerpt-former = { $client } (mikään täällä ei enää koske häntä)
excerpt-pdf = PDF-tiedostona
excerpt-csv = Taulukkona (CSV)
excerpt-help = Asiakas saa pyytää kahden viime vuoden tiedot ilman erityistä syytä. Yhden asiakkaan otteessa on myös se, mikä koski häntä ennen kuin se muutettiin, siirrettiin väärältä asiakkaalta tai hävitettiin. Lue ote läpi ennen kuin lähetät sen. Otteen tekemisestä jää lokiin rivi.
excerpt-note = Ajat ovat Suomen aikaa. ”Kirjoitti” kertoo, milloin kirjoitettu saapui palvelimelle. Lokin tila on lokin viimeisen rivin numero ja tiiviste otetta tehtäessä.
excerpt-long = Rivejä on yli kaksikymmentätuhatta. Valitse lyhyempi ajanjakso.
excerpt-window = Ajanjakso ei käy: sen on alettava ennen kuin se päättyy.

## Kirjaus väärällä asiakkaalla
access-move_in = siirsi tänne väärältä asiakkaalta
access-move_out = siirsi täältä oikealle asiakkaalle
move = Onko tämä kirjattu väärälle asiakkaalle?
move-intro = Kirjaus tehdään uudelleen sinne, minne se kuuluu, ja poistetaan täältä: kirjasta ja jokaiselta laitteelta niiltä, jotka näkevät vain tämän tilan.
move-where = Oikean asiakkaan tila
move-choose = Jatka
move-whom = Oikea asiakas
move-nobody = Siinä tilassa ei vielä tunneta ketään asiakasta; kirjaus menee sinne ilman.
move-do = Siirrä kirjaus
move-client = Valitse oikea asiakas.
move-done-there = Joku on jo kirjoittanut kirjauksen sinne, minne se kuuluu. Jäljellä on poistaa se täältä.
move-take-out = Poista täältä
move-help = Uudessa kirjauksessa säilyy, mitä nähtiin ja tehtiin ja kuka kirjasi, ja siinä lukee, että se on siirretty. Väärän asiakkaan sopimus, allekirjoitukset ja jakaminen jäävät pois, ja kirjaus suljetaan uudelleen oikealla asiakkaalla. Kumpikin tila saa rivin käyttölokiin.
move-keep-this = Tämä jää
move-also = Jos jokin muu jää, poista tämäkin
move-keep = Valitse, mikä kirjauksista jää.
move-short = Uudesta kirjauksesta puuttuu jotakin, mitä vanhassa on, joten vanhaa ei poistettu.
move-waits = Vanhaan kirjaukseen on tullut työtä, joka odottaa tarkistamista. Käsittele se ensin.
move-damaged = Palvelimen tietokannassa on vikaa, eikä kirjauksen koko sisältöä voi enää lukea, joten vanhaa ei poistettu. Kerro ylläpitäjälle: varmuuskopio palautetaan.
move-conflict = Kaksi ihmistä on kirjannut eri tiedon. Valitse ensin oikea.
move-unknown = Kirjauksessa on uudemman sovelluksen tietoja, joita ei voi siirtää tässä. Päivitä Sopu ensin.
move-lacking = Uudesta puuttuu tai siinä on toisin:
move-lacking-help = Kopioi puuttuva vanhasta tai kirjoita se uuteen kirjaukseen itse. Jos vanhaa ei tarvita, tilan omistaja voi hävittää sen syyn kanssa sen omalta sivulta.
move-again = Kopioi puuttuva ja poista vanha täältä

## Kuinka kauan mitäkin säilytetään
access-retention = määräsi säilytysajan
access-keep = päätti säilyttää
retention = Säilytysajat
retention-intro = Tässä ehdotetaan sitä, mitä lain mukaan ei enää tarvitse säilyttää. Mitään ei hävitetä itsestään: joku päättää ja kertoo syyn.
retention-due = Säilytysaika päättynyt
retention-due-count = { $n ->
    [0] Minkään asiakirjan säilytysaika ei ole päättynyt.
    [one] Yhden asiakirjan säilytysaika on päättynyt.
   *[other] { $n } asiakirjan säilytysaika on päättynyt.
}
retention-unknown = { $n ->
    [0] {""}
    [one] Yhdestä asiakirjasta ei tiedetä, milloin sen aika päättyy.
   *[other] { $n } asiakirjasta ei tiedetä, milloin niiden aika päättyy.
}
retention-since = Alkaen
retention-why = Kuinka kauan se oli säilytettävä
retention-source = Minkä mukaan
retention-unverified = lähteestä vielä tarkistamatta
retention-hold = säilytettävä
retention-until = Säilytetään asti (jos säilytetään)
retention-keep = Säilytä valitut
retention-erase = Hävitä valitut lopullisesti
retention-help = Säilytettäväksi päätettyä ehdotetaan uudelleen sen päivän jälkeen. Oikeudellisesta syystä säilytettävää ei voi valita.
retention-kept-title = Päätetty säilyttää
retention-clients = Asiakkaat ja maatilat
retention-clients-help = Asiakastietojen aika lasketaan päivästä, jona asiakkaan asia päätettiin. Ennen kuin joku kertoo sen päivän, asiakkaasta ei ehdoteta mitään.
retention-closed-on = Päätetty
retention-class = Säilytysluokka
retention-usual = kuten asiakirjalajilla tavallisesti
retention-say = Tallenna
retention-nobody = Tässä tilassa ei tunneta ketään asiakasta tai maatilaa.
retention-said = Tallennettu.
retention-erased = Palvelin hävittää ne nyt.
retention-kept = Ne säilytetään.
retention-day-wrong = Tuo ei ole päivä, joka on jo ollut.
retention-until-wrong = Kerro, mihin tulevaan päivään asti.
retention-went-on = Asiakkaalle on tehty tai sovittu jotakin tuon päivän jälkeen, joten sen perusteella ei ehdoteta mitään. Tarkista päivä.
retention-none-chosen = Valitse asiakirjat.
retention-no-class = Tälle asiakirjalle ei tunneta säilytysluokkaa.
retention-over = Sitä ei tarvitse säilyttää { $day } alkaen.
retention-over-unknown = Vielä ei tiedetä, milloin sen aika päättyy.
retention-page = Koko tilan säilytysajat
retention-from-closing = { $years } vuotta asiakkaan asian päättämisestä
retention-from-document = { $years } vuotta asiakirjan omasta päivästä
retention-from-year-end = { $years } vuotta kalenterivuoden lopusta

## Comings and goings
access-sign_in = kirjautui sisään
access-sign_out = kirjautui ulos
access-sign_in_refused = ei päässyt sisään
access-refused = yritti nähdä sitä, mihin ei ole oikeutta
access-account = muutti tiliään

## Legal hold
hold = Säilytysmääräys
hold-intro = Mitä joku sanoo tarvittavan, sitä ei hävitetä eikä siirretä, oli säilytysaika mikä tahansa. Määräyksen antaa ja poistaa toimiston rooli, perustellen, ja siitä jää rivi lokiin.
hold-nothing = Täällä ei ole mitään säilytysmääräyksen alaista.
hold-clients = Kaikki asiakkaan tai tilan asiakirjat
hold-clients-help = Asiakkaan säilytysmääräys koskee kaikkia häntä koskevia asiakirjoja, myös myöhemmin tulevia. Sen poistaminen poistaa kaikki hänen määräyksensä.
hold-client = kaikki säilytetään
hold-set = Määrää säilytettäväksi
hold-lift = Poista määräys
hold-none = Ei säilytysmääräystä.
hold-asked = Tallennus pyytää säilytysmääräystä. Asiakirja säilyy, kunnes joku vastaa.
hold-held = Säilytysmääräys: asiakirja on säilytettävä.
hold-help = Määräys estää hävittämisen ja siirtämisen, kunnes joku toimistosta poistaa sen. Laitteella tehty tallennus ei sitä poista.
hold-said = Tallennettu.
access-hold = määräsi säilytettäväksi
access-lift = poisti säilytysmääräyksen
