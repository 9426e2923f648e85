# Ihmisten, tiimien, tilojen ja oikeuksien hallinnan sanat.

## Yhteistä
administration = Ylläpito
reason = Syy
reason-missing = Kirjoita syy.
window-open = toistaiseksi
window-from = { $from } alkaen
window-until = { $until } asti
window-between = { $from } – { $until }
window-begin = Alkaen (tyhjä: heti)
window-end = Asti (tyhjä: toistaiseksi)
window-wrong = Ajat eivät käy: loppu on oltava tulevaisuudessa ja alun jälkeen.
account-owes-password = Salasanasi on kertakäyttöinen. Vaihda se omaksesi jatkaaksesi.
account-password-same = Uusi salasana on sama kuin vanha. Keksi toinen.

## Organisaation ihmiset
members = Ihmiset
members-intro = Organisaatiosi ihmiset. Avaa nimi, kun haluat antaa tai ottaa pois oikeuksia.
members-admin = ylläpitäjä
members-ended = tili päätetty { $when }
members-add = Lisää ihminen
members-name = Nimi sellaisena kuin muut sen näkevät
members-login = Käyttäjätunnus toimiston sivuille (ei pakollinen)
members-invite = Tee myös kutsu hänen puhelimelleen
members-add-do = Lisää
members-add-help = Käyttäjätunnuksen saanut saa kertakäyttöisen salasanan. Omaiset ja tilaajat tarvitsevat vain tunnuksen, kenttätyöntekijä vain kutsun.
members-added = Ihminen on lisätty. Anna hänelle seuraavaksi oikeus johonkin tilaan.
members-name-wrong = Nimessä on oltava 1–200 merkkiä yhdellä rivillä.
members-login-taken = Käyttäjätunnus on jo käytössä.
fresh-for = Kertakäyttöinen salasana: { $name }
fresh-help = Näytetään vain nyt. Ensimmäisellä kirjautumisella se vaihdetaan omaan.
member-nowhere = Ei missään tilassa.
member-role = Anna oikeus tilaan tai vaihda rooli
member-role-do = Anna oikeus
member-role-help = Toinen rooli samassa tilassa korvaa edellisen. Oikeuden voi päättää tilan omalla sivulla.
member-account = Tili
member-password = Uusi salasana
member-password-help = Vanha salasana lakkaa toimimasta ja hän kirjautuu ulos kaikkialta. Uusi näytetään kerran ja vaihdetaan ensimmäisellä kirjautumisella.
member-password-do = Tee kertakäyttöinen salasana
member-admin-on = Tee ylläpitäjäksi
member-admin-off = Poista ylläpitäjän oikeus
member-admin-help = Ylläpitäjä hallitsee organisaation ihmisiä, tiimejä, tiloja ja laitteita.
member-changed = Muutettu.
member-not-oneself = Et voi tehdä tätä itsellesi. Pyydä toista ylläpitäjää.
member-end = Päätä tili
member-end-help = Hän ei pääse enää sisään eikä hänen laitteensa saa enää mitään. Se, mitä hän on kirjoittanut, säilyy; lähettämättömät työt tulevat tarkistettaviksi.
member-end-do = Päätä tili
member-ended = Tili on päätetty.

## Tiimit ja tilat
organisation = Tiimit ja tilat
organisation-spaces = Tila on ihmisten yhteinen kirja: yhden maatilan asiakastiimi, yhden asiakkaan hoivapiiri. Avaa tila, kun haluat päättää, ketkä siihen kuuluvat.
organisation-teams = Tiimi saa oikeuden moneen tilaan kerralla.
teams = Tiimit
space-name = Uuden tilan nimi
space-add = Lisää tila
space-added = Tila on lisätty. Siinä ei ole vielä ketään.
team-name = Uuden tiimin nimi
team-add = Lisää tiimi
team-added = Tiimi on lisätty.
team-join = Lisää ihminen tiimiin
team-join-do = Lisää tiimiin
team-joined = Hän on nyt tiimissä.
team-leave = Poista tiimistä
team-leave-do = Poista
team-left = Hän ei ole enää tiimissä.

## Tilan ihmiset
people = Ihmiset
people-intro = Ketkä kuuluvat tähän tilaan nyt tai myöhemmin. Tiimin kautta tulevat näkyvät tiiminä.
people-who = Kuka
people-role = Rooli
people-when = Milloin
people-team = tiimi
people-nobody = Tilassa ei ole ketään.
people-add = Anna oikeus
people-add-do = Anna oikeus
people-add-help = Toinen rooli korvaa edellisen.
introduction = Esittelytunnus
introduction-help = Tällä tunnuksella toinen organisaatio tunnistaa ihmisen ja voi antaa hänelle oikeuden tilaansa. Tunnus ei avaa mitään yksinään.
introduction-add = Tai toisen organisaation ihminen, esittelytunnuksella
introduction-add-help = Esittelytunnuksen kertoo hän itse tai hänen ylläpitäjänsä: se näkyy oman tilin sivulla.
people-whom = Valitse kuka, tai kirjoita esittelytunnus.
introduction-wrong = Tällä tunnuksella ei ole ketään toisessa organisaatiossa.
people-granted = Oikeus on annettu.
people-end = Päätä
people-end-do = Päätä oikeus
people-ended = Oikeus on päätetty. Laite poistaa tilan seuraavalla yhteydellä; sitä ennen se luovuttaa lähettämättömät työt.

## Sijaiset
substitutes = Sijaiset
substitutes-intro = Anna sijaiselle oikeus monen asiakkaan tilaan kerralla. Oikeus alkaa ja päättyy itsestään; kun se on päättynyt, sijaisen laite ei näytä tilaa edes ilman verkkoa.
substitutes-link = Sijainen moneen tilaan kerralla
substitutes-now = Määräajaksi annetut oikeudet
substitute-who = Sijainen
substitute-where = Asiakkaat
substitute-from = Alkaen
substitute-until = Asti (tyhjä: vuorokausi alusta)
substitute-do = Anna oikeus kaikkiin valittuihin
substitute-help = Joko kaikki tai ei mitään. Sijaisen muut oikeudet säilyvät ennallaan. Toisen yrityksen ihmisen lisää ensimmäisellä kerralla palvelimen Sopu-vastaava.
substitute-granted = Sijaisella on oikeus kaikkiin valittuihin tiloihin.
substitute-nowhere = Valitse ainakin yksi tila.

## Jakaminen omaisille ja tilaajille
shared = Jaettu
shared-preview = Näin omaiset ja tilaajat näkevät tämän tilan. Muuta he eivät näe.
shared-notes = Käynnit
shared-notes-none = Yhtään käyntiä ei ole vielä jaettu.
shared-contracts = Sopimukset, palvelut ja tunnit
shared-contracts-none = Yhtään sopimusta, jossa tilaaja on osapuolena, ei ole vielä tarjottu.
shared-visits-none = Käyntejä ei ole vielä.
shared-span = Käynnit ja tunnit kahden viime vuoden ajalta, kuukausittain.
shared-month = Kuukausi
shared-visits = Käyntejä
shared-hours = Tunteja
share = Omaisille
share-is = Jaettu: omaiset näkevät käynnin ajan, toteutuman, yhteenvedon ja seuraavan käynnin, kun käynti on tehty.
share-is-not = Ei jaettu.
share-do = Jaa omaisille
share-end = Lopeta jakaminen
share-help = Jaa vain asiakkaan suostumuksella. Muita kohtia omaiset eivät näe.

## Tarkistus
review = Tarkistettavat
review-intro = Työ, joka ei mennyt kirjaan itsestään: kirjoittajalla ei ollut oikeutta, oikeus oli päättynyt tai laite suljettu pois. Mikään ei ole hävinnyt. Ota todella tehty työ kirjaan.
review-none = Mikään ei odota tarkistusta.
review-new = Uusi asiakirja
review-saved = Kirjoitettu { $when }
review-unshown = Sisältöä ei voi näyttää tässä: se rakentuu sellaisen päälle, mitä täällä ei vielä ole.
review-accept = Ota kirjaan
review-drop = Hylkää
review-drop-help = Työtä ei oteta kirjaan. Kirjoittajan laitteelle jää siitä luonnos, jos laite on yhä käytössä.
review-drop-do = Hylkää lopullisesti
review-accepted = Otettu. Työ tulee kirjaan hetken päästä.
review-dropped = Hylätty.
review-gone = Joku on jo käsitellyt tämän.
review-more = Lisää tulee näkyviin, kun nämä on käsitelty.
held-right-missing = Kirjoittajalla ei ollut oikeutta kirjoittaa tähän tilaan silloin.
held-late = Työ tehtiin oikeuden aikana, mutta saapui yli 14 päivää sen päättymisen jälkeen.
held-removed = Kirjoittajan oikeus on päätetty.
held-revoked = Laite on suljettu pois.
held-review = Laitteen sisältö on kahdessa paikassa; tarkista, kumpi tämän kirjoitti.
held-dependency-missing = Työ odottaa aiempaa työtä, jota ei ole vielä saatu.
held-other = Palvelin ei voinut yhdistää työtä itse.
left-out = Kirjan ulkopuolelle jäänyt työ
left-out-intro = Työ, joka on tallessa mutta ei tule kirjaan. Kirjoita se, millä on merkitystä, asiakirjaan itse.
left-out-none = Mitään ei ole jäänyt kirjan ulkopuolelle.
left-out-older = Vanhemmat
final-dropped = Hylätty tarkistuksessa.
final-fork = Samalta laitteelta on kirjassa jo toinen muoto tästä työstä: laitteen sisältö on ollut kahdessa paikassa.
final-depends-on-final = Työ rakentuu sellaisen päälle, mikä jäi kirjan ulkopuolelle.
final-item-key-taken = Samalla kohdalla on kirjassa jo muuta.
final-log-key-taken = Samalla kohdalla on kirjassa jo muuta.
final-in-part = Osa tästä työstä on kirjassa saman laitteen muuna työnä, eikä laite ole tehnyt loppua uudelleen.
final-other = Työ ei sovi asiakirjaan, sellaisena kuin se on kirjassa.
device-unsent = { $n ->
    [one] yksi tallennus lähettämättä
   *[other] { $n } tallennusta lähettämättä
}
device-held = { $n ->
    [one] yksi odottaa tarkistusta
   *[other] { $n } odottaa tarkistusta
}
device-stuck = { $n ->
    [one] yhtä ei voitu ottaa vastaan
   *[other] { $n } ei voitu ottaa vastaan
}

## Laite ilman yhteyttä
lease = Laite ilman yhteyttä
lease-help = Laite, joka on ollut näin kauan ilman yhteyttä, ei näytä mitään ennen kuin se on ollut verkossa. Kirjoittaminen onnistuu silti, eikä mitään häviä.
lease-days = Päiviä, 1–365
lease-do = Tallenna
lease-set = Tallennettu. Kukin laite saa tiedon seuraavalla yhteydellä.
lease-wrong = Päiviä on oltava 1–365.
