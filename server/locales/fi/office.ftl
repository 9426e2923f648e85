# Toimistosivujen sanat. Joka avain on kaikilla kolmella kielellä; testi valvoo sitä.

## Joka sivulla
skip = Siirry sisältöön
brand-line = yksi yhteinen kirja
language = Kieli
sign-out = Kirjaudu ulos
home = Tilat
back = Takaisin
nav-label = Sijainti
live-news = Uutta tietoa on tullut. Lataa sivu uudelleen.
reload = Lataa uudelleen

## Kirjautuminen
sign-in = Kirjaudu sisään
sign-in-name = Käyttäjätunnus
sign-in-password = Salasana
sign-in-wrong = Käyttäjätunnus tai salasana ei ole oikein.
sign-in-wait = { $n ->
    [one] Liian monta yritystä. Odota sekunti ja yritä uudelleen.
   *[other] Liian monta yritystä. Odota { $n } sekuntia ja yritä uudelleen.
}
sign-in-help = Unohtuiko salasana? Organisaatiosi Sopu-vastaava antaa uuden.
provider-with = Kirjaudu: { $name }
provider-again = Kirjautumiseen
provider-unreachable = Organisaatiosi kirjautuminen ei vastaa. Yritä hetken päästä uudelleen tai käytä salasanaasi.
provider-not-begun = Kirjautuminen aloitettiin muualla tai liian kauan sitten. Aloita alusta.
provider-untrue = Organisaatiosi kirjautumisen vastaus ei pidä paikkaansa. Aloita alusta; jos vika jatkuu, kerro Sopu-vastaavalle.
provider-nobody = Kirjauduit, mutta sinulla ei ole tiliä täällä. Organisaatiosi Sopu-vastaava voi luoda sen.

## Kirjautumisen toinen vaihe
code-title = Vielä yksi vaihe
code = Sovelluksen koodi
code-help = Avaa puhelimesi todennussovellus ja kirjoita kuusi numeroa, jotka se näyttää Sopulle. Onko puhelin kadonnut? Kirjoita jokin varakoodeistasi.
code-wrong = Koodi ei ole oikein tai se on jo käytetty. Odota seuraavaa.

## Oma tili
account = Oma tili
account-owes = Organisaatiosi vaatii kirjautumisen toisen vaiheen. Ota se käyttöön jatkaaksesi.
account-factor = Kirjautumisen toinen vaihe
account-factor-help = Kun toinen vaihe on käytössä, varastetulla salasanalla ei pääse mihinkään. Kuvaa kuvio puhelimesi todennussovelluksella ja kirjoita sovelluksen näyttämä koodi.
account-factor-picture = Kuvio todennussovellusta varten
account-factor-typed = Etkö voi kuvata sitä? Kirjoita sovellukseen:
account-factor-confirm = Ota käyttöön
account-factor-on = Toinen vaihe on käytössä.
account-factor-off = Toinen vaihe on poistettu käytöstä.
account-factor-left = { $n ->
    [one] Se on käytössä. Varakoodeja on jäljellä yksi.
   *[other] Se on käytössä. Varakoodeja on jäljellä { $n }.
}
account-factor-password = Vahvista salasanallasi
account-factor-remove = Poista käytöstä
account-recovery = Varakoodit
account-recovery-help = Tulosta nämä tai kirjoita ne muistiin ja säilytä niitä kuin passiasi. Kukin avaa tilisi kerran, jos kadotat puhelimesi. Ne näytetään vain nyt.
account-password = Salasana
account-old = Nykyinen salasana
account-new = Uusi salasana, vähintään 12 merkkiä
account-password-change = Vaihda salasana
account-password-done = Salasana on vaihdettu. Muut selaimet kirjattiin ulos.
account-old-wrong = Nykyinen salasana ei ollut oikein.
account-password-short = Salasanassa on oltava vähintään 12 merkkiä.
account-password-long = Salasana on liian pitkä.
account-wait = Liian monta yritystä. Odota hetki ja yritä uudelleen.
account-sessions = Kirjautumiset muualla
account-sessions-help = Jäikö selain auki jonnekin? Kirjaudu ulos kaikista, tästäkin.
account-sessions-end = Kirjaudu ulos kaikkialta

## Ihmiset ja laitteet
devices = Laitteet
devices-intro = Organisaatiosi ihmiset sekä puhelimet ja tietokoneet, joilla he kirjoittavat.
devices-person = Henkilö
devices-devices = Laitteet
devices-none = Ei laitteita
devices-revoked = Laite on suljettu pois. Seuraavalla yhteydellä se luovuttaa lähettämättömät työt ja tyhjennetään.
device-never = ei ole vielä synkronoinut
device-seen = viimeksi yhteydessä { $when }
device-cut-off = suljettu pois { $when }, ei vielä tyhjennetty
device-wiped = tyhjennetty { $when }
device-revoke = Sulje pois
device-revoke-help = Kadonneelle tai toiselle annetulle puhelimelle. Lähettämättömät kirjoitukset säilytetään tarkistettaviksi; muuten laite tyhjennetään. Palatakseen se on liitettävä uudelleen.
device-revoke-do = Sulje tämä laite pois
invite = Kutsu laite
invite-for = Kutsu: { $name }
invite-address = Palvelimen osoite:
invite-help = Kuvaa kuvio puhelimen Sopulla tai kirjoita siihen osoite ja koodi. Koodi liittää yhden laitteen kerran vuorokauden kuluessa. Se näytetään vain nyt.
enrol = Avaa Sopulla
enrol-help = Tämä osoite kutsuu puhelimen Sopuun. Avaa puhelimessa Sopu ja kuvaa kuvio siellä, tai kirjoita tämän sivun osoite kohtaan ”/enrol” asti ja koodi merkin ”#” jälkeen.

## Tilat
spaces = Tilat
spaces-intro = Asiakastiimit, hoivapiirit ja verkostot, joihin kuulut.
spaces-none = Et kuulu vielä mihinkään tilaan. Tilan omistaja voi lisätä sinut.
col-space = Tila
col-role = Roolisi
col-documents = Asiakirjoja
col-conflicts = Ristiriitoja
col-findings = Huomioita
role-relative = omainen
role-commissioner = tilaaja
role-reader = lukija
role-field = kenttä
role-office = toimisto
role-owner = omistaja

## Tilan asiakirjat
documents = Asiakirjat
documents-count = { $n ->
    [one] Yksi asiakirja
   *[other] { $n } asiakirjaa
}
documents-none = Mikään asiakirja ei vastaa hakua. Poista jokin rajaus tai kokeile toista sanaa.
documents-empty = Täällä ei ole vielä mitään. Tilan jäsenten kirjaukset tulevat tänne, kun heidän laitteensa ovat verkossa.
filter = Rajaa
filter-kind = Laji
filter-status = Tila
filter-subject = Maatila tai asiakas
filter-text = Etsi sanoja
filter-conflicts = Vain ristiriidat
filter-any = Kaikki
filter-apply = Näytä
filter-clear = Tyhjennä
sort = Järjestys
sort-newest = Uusin ensin
sort-oldest = Vanhin ensin
sort-title = Otsikon mukaan
col-title = Asiakirja
col-kind = Laji
col-date = Päivä
col-status = Tila
kind-contract = Sopimus
kind-visit_note = Käyntikirjaus
kind-service_listing = Palvelukuvaus
mark-conflict = Ristiriita
mark-finding = Huomio
untitled = Nimetön
page-next = Seuraava sivu
page-previous = Edellinen sivu
page-of = Sivu { $page } / { $pages }
pages-label = Sivut

## Yksi asiakirja
content = Sisältö
header-fields = Asiakirjan tiedot
no-content = Mitään ei ole vielä kirjoitettu.
yes = kyllä
no = ei
removed-items = Poistetut
removed-intro = Kohdat, jotka joku on poistanut. Ne säilyvät kirjassa.
removed-count = { $n ->
    [one] Yksi poistettu kohta
   *[other] { $n } poistettua kohtaa
}
unknown-fields = Uudemmasta sovelluksesta
unknown-intro = Tämä Sopun versio ei tunne näitä kenttiä. Ne säilyvät sellaisinaan.
log-clash = Samaan merkintään kirjattiin kaksi eri arvoa. Molemmat on tallessa.
conflict-here = Useita arvoja
to-conflicts = Ratkaise
to-history = Historia
nobody-known = ei tiedossa
names-differ = { $names } (sopimukset eroavat)

## Allekirjoitukset
signatures = Allekirjoitukset
signatures-none = Kukaan ei ole vielä allekirjoittanut.
signature-by = { $who } allekirjoitti { $when }
signature-holds = Allekirjoittaa sisällön sellaisena kuin se lukittiin.
signature-other = Allekirjoittaa eri sisällön kuin nyt lukittu.
signature-unjudged = Tämä Sopun versio ei voi arvioida, mitä allekirjoitettiin.
signature-not-locked = Sisältöä ei ole nyt lukittu.
signature-vouched = Toimisto vahvistaa allekirjoituksen; laitteella sitä ei ole annettu.
signature-invalid = Allekirjoitus ei pidä paikkaansa.
signature-missing = Ei ole vielä allekirjoittanut.
signature-same = Sisältö on lukittu, eikä siihen ole koskettu.
signature-changed = Lukittua sisältöä on muutettu lukitsemisen jälkeen. Allekirjoitettu teksti on tallessa; muutos kuuluu muutossopimukseen.

## Neljä vaihetta
states = Missä asiakirja on
states-intro = Joka tallennus kulkee neljän vaiheen kautta. Tästä näet, kuinka pitkällä tämän asiakirjan viimeisimmät tallennukset ovat.
state-device = laitteella
state-server = palvelimella
state-record = kirjassa
state-seen = toimiston näkemä
state-count = { $n ->
    [one] Yksi tallennus
   *[other] { $n } tallennusta
}
state-device-note = Jonkun laitteella odottavista tallennuksista ei tiedetä täällä, ennen kuin laite on verkossa.
state-held = odottaa tarkistusta

## Ristiriidat
conflicts = Ristiriidat
conflicts-intro = Kaksi ihmistä kirjoitti samaan kenttään toistensa tekstiä näkemättä. Joka arvo säilyy, kunnes joku valitsee.
conflicts-none = Ei ristiriitoja. Mikään ei odota päätöstä.
conflict-value = Arvo
conflict-by = { $who }, { $device }
conflict-times = laitteen aika { $device }, palvelimella { $relay }
conflict-cleared = (jätetty tyhjäksi)
choose = Valitse tämä
choose-both-hint = Valinta on tavallinen muutos: muut arvot säilyvät historiassa.
chosen = Valittu. Ristiriita on ratkaistu.
conflict-moved = Joku on jo ratkaissut tämän ristiriidan. Asiakirja näkyy sellaisena kuin se nyt on.
choose-no-right = Roolisi täällä ei anna oikeutta valita.

## Huomiot
findings = Huomiot
findings-intro = Mitä Sopu huomasi yhdistetyssä kirjassa ja mikä ihmisen on syytä katsoa.
findings-none = Ei huomioita.
finding-of = Koskee
severity-safety = Turvallisuus
severity-law = Laki
severity-decide = Päätettävä
severity-look = Katsottava

## Historia
history = Historia
history-intro = Jokainen tallennus, uusin ensin: kuka, milloin ja mitä muuttui.
history-none = Ei vielä tallennuksia.
history-saves = { $n ->
    [one] Yksi tallennus
   *[other] { $n } tallennusta
}
history-who = { $who }
history-on = ({ $device })
history-device-time = Laitteen aika { $when }
history-relay-time = palvelimella { $when }
device-office = toimisto
history-created = Loi asiakirjan
change-set = { $field }: { $new }
change-from-to = { $field }: { $old } → { $new }
change-cleared = { $field }: tyhjennetty (oli { $old })
change-item-added = { $field }: lisätty { $new }
change-item-removed = { $field }: poistettu { $old }
change-item-changed = { $field }, { $item }: { $part }
change-text = { $field }: tekstiä muokattu
change-inserted = lisätty
change-deleted = poistettu
change-nothing = Ei näkyvää muutosta
change-status = { $field }: { $old } → { $new }
change-settled = { $field }: useista arvoista tuli yksi

## Kun jokin on vialla
error-title = Tämä ei onnistunut
error-not-found = Sivua ei ole tai sinulla ei ole oikeutta nähdä sitä.
error-right = Roolisi täällä ei salli tätä.
error-form = Lomake oli vanhentunut tai tuli muualta. Avaa sivu uudelleen ja toista.
error-server = Palvelimella oli häiriö. Mitään ei kadonnut; yritä hetken päästä uudelleen.
error-large = Lähetetty tieto on liian suuri.

## Hävittäminen
erase = Hävitä tämä asiakirja
erase-help = Sisältö häviää lopullisesti: kirjasta, jokaiselta laitteelta, jolla se on, ja myöhemmistä varmuuskopioista. Jäljelle jää, että se oli olemassa sekä milloin ja miksi se hävitettiin. Tätä ei voi perua.
erase-reason = Syy
erase-reason-request = henkilö pyysi sitä
erase-reason-retention = säilytysaika on päättynyt
erase-reason-wrong-client = se oli kirjattu väärälle asiakkaalle
erase-reason-order = viranomainen tai tuomioistuin määräsi
erase-do = Hävitä lopullisesti
erase-title = Hävittäminen
erase-waits = Asiakirjaa hävitetään.
erase-hold = Asiakirja on säilytettävä oikeudellisesta syystä eikä sitä hävitetty. Poista ensin säilytysmerkintä.
erase-damaged = Palvelimen koottu asiakirjasto on vioittunut, eikä asiakirjaa ole vielä kokonaan hävitetty. Kerro ylläpitäjälle: kun palvelin käynnistetään uudelleen, asiakirjasto tehdään uudestaan ja hävittäminen viedään loppuun.
erase-done = Asiakirja hävitettiin { $when }.
erase-devices = Laitteet, joille on sanottu, että ne poistavat sen. Kukin vahvistaa seuraavalla synkronoinnilla.
erase-confirmed = vahvistettu { $when }
erase-unconfirmed = ei ole vielä vahvistanut

## Kuka sen on lukenut
access = Käyttö
access-intro = Kuka on lukenut tätä asiakirjaa tai tehnyt sille jotakin, uusin ensin. Puhelimella luettu tulee tähän, kun puhelin seuraavan kerran saa yhteyden.
access-when = Milloin
access-who = Kuka
access-what = Mitä
access-reason = Syy
access-command-line = palvelimen komentorivi
access-read = luki
access-read_device = luki laitteella
access-history = luki historian
access-choose = ratkaisi ristiriidan
access-export = vei ulos
access-share = merkitsi jaetuksi omaisille
access-unshare = perui jakamisen omaisille
access-shared = luki jaettuna
access-accept = otti tarkistetun työn kirjaan
access-drop = hylkäsi tarkistetun työn
access-review = tarkisti
access-erase = pyysi hävittämistä
access-access = katsoi tätä sivua
access-more = Rivejä on enemmän; Sopu-vastaava voi ottaa ne kaikki ulos.
