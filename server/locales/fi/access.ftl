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
excerpt-pdf = PDF-tiedostona
excerpt-csv = Taulukkona (CSV)
excerpt-help = Asiakas saa pyytää kahden viime vuoden tiedot ilman erityistä syytä. Yhden asiakkaan otteesta puuttuvat hävitetyt asiakirjat; koko tilan otteessa ne ovat. Lue ote läpi ennen kuin lähetät sen. Otteen tekemisestä jää lokiin rivi.
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
move-look = Katso siirretty kirjaus
move-taken = Tätä kirjausta ei voi siirtää: sen paikalla on jo jotakin muuta. Ota yhteys Sopu-vastaavaan.
