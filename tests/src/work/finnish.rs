//! Finnish sentences of a farm visit, put together from parts so that they seldom repeat.

use crate::storm::dice::Dice;

const WHO: [&str; 20] = [
    "Viljelijä",
    "Isäntä",
    "Emäntä",
    "Työntekijä",
    "Kesätyöntekijä",
    "Naapuri",
    "Neuvoja",
    "Kasvinsuojelija",
    "Eläinlääkäri",
    "Seminologi",
    "Huoltomies",
    "Urakoitsija",
    "Tarkastaja",
    "Tilan poika",
    "Lomittaja",
    "Karjanhoitaja",
    "Poimija",
    "Puutarhuri",
    "Harjoittelija",
    "Maitotilan vetäjä",
];
const DID: [&str; 30] = [
    "tarkasti",
    "mittasi",
    "korjasi",
    "vaihtoi",
    "siirsi",
    "kylvi",
    "lannoitti",
    "kasteli",
    "harvensi",
    "niitti",
    "merkitsi",
    "laski",
    "puhdisti",
    "huolsi",
    "tilasi",
    "kirjasi",
    "näytti",
    "esitteli",
    "arvioi",
    "vertasi",
    "tyhjensi",
    "täytti",
    "sääti",
    "kuivasi",
    "varastoi",
    "lajitteli",
    "punnitsi",
    "kuvasi",
    "testasi",
    "uusi",
];
const WHAT: [&str; 40] = [
    "säilörehun kuiva-aineen",
    "lypsyrobotin suodattimet",
    "kasvihuoneen tuuletusluukut",
    "liima-ansat",
    "porkkanapenkkien harsot",
    "perunavaraston lämpötilan",
    "mansikan rivivälit",
    "ojan reunan",
    "kasteluletkut",
    "lannoitesuunnitelman",
    "lohkokirjanpidon",
    "juomakupit",
    "karsinoiden kuivikkeet",
    "vasikoiden juoton",
    "ruiskun suuttimet",
    "viljan kosteuden",
    "siemenerän itävyyden",
    "nurmen kasvun",
    "kalkituksen tarpeen",
    "typpilannoituksen",
    "tomaatin alalehdet",
    "kurkun taimet",
    "herneen palot",
    "kauran rikkakasvit",
    "ohran laikut",
    "rypsin kukinnan",
    "salaojan laskuaukot",
    "pellon kaltevuuden",
    "työkoneen öljyt",
    "käsittelyjaksot",
    "varoajat",
    "suojakaistan leveyden",
    "petopunkkien määrän",
    "kirvojen pesäkkeet",
    "hyönteisverkon reunat",
    "kompostin lämmön",
    "maanäytteen tulokset",
    "viherlannoituksen",
    "omenapuiden leikkaukset",
    "marjapensaiden oksat",
];
const WHERE: [&str; 24] = [
    "rantalohkolla",
    "ylämäen pellolla",
    "tien viereisessä penkissä",
    "kasvihuoneessa kaksi",
    "navetan päädyssä",
    "pihaton itäsivulla",
    "uudessa hallissa",
    "vanhassa ladossa",
    "järven puolella",
    "metsän reunassa",
    "eteläpäässä",
    "pohjoispäässä",
    "keskimmäisessä lohkossa",
    "tunnelissa kolme",
    "kylmävarastossa",
    "pakkaamossa",
    "laitumella",
    "emolehmien puolella",
    "kuivurilla",
    "kasteluojan varrella",
    "portin vieressä",
    "lohkolla 0403",
    "taimistossa",
    "kotipellolla",
];
const WHEN: [&str; 20] = [
    "aamulla",
    "eilen illalla",
    "viime viikolla",
    "ennen sadetta",
    "heti lypsyn jälkeen",
    "maanantaina",
    "kynnysarvon ylityttyä",
    "yön hallan jälkeen",
    "kahden viikon välein",
    "ennen kylvöä",
    "sadonkorjuun alla",
    "iltapäivällä",
    "kolmatta kertaa tänä kesänä",
    "suunnitelman mukaan",
    "neuvojan pyynnöstä",
    "kasvukauden alussa",
    "toissapäivänä",
    "ukkosen jälkeen",
    "tuulen tyynnyttyä",
    "edellisen käynnin jälkeen",
];
const AND: [&str; 24] = [
    "tulos oli tavoitteessa",
    "lukema jäi alle kynnyksen",
    "määrä on kaksinkertaistunut",
    "muutosta ei näkynyt",
    "tilanne on rauhallinen",
    "kosteus on yhä liian korkea",
    "sovittiin uusi mittaus",
    "kustannus arvioidaan erikseen",
    "varaosa on tilattu",
    "asia otetaan esille syksyllä",
    "juuristo on valkoinen ja terve",
    "väri on tasainen",
    "lehdissä näkyy magnesiumin puutetta",
    "eläimet syövät hyvin",
    "maito on ennallaan",
    "pH oli hieman matala",
    "kuvat lähetetään myöhemmin",
    "torjunta ei ole perusteltua",
    "työ jatkuu huomenna",
    "kirjaus puuttui lomakkeelta",
    "vioitusta on vain reunoilla",
    "sato arvioidaan hyväksi",
    "taimia täydennetään",
    "vesi riittää elokuuhun",
];

/// One word out of a list.
pub fn pick<'l>(dice: &Dice, list: &[&'l str]) -> &'l str {
    list[dice.below(list.len())]
}

/// One sentence, with a number in every third.
pub fn sentence(dice: &Dice) -> String {
    let (who, did, what) = (pick(dice, &WHO), pick(dice, &DID), pick(dice, &WHAT));
    let (place, when) = (pick(dice, &WHERE), pick(dice, &WHEN));
    match dice.below(3) {
        0 => format!("{who} {did} {what} {place} {when}."),
        1 => format!(
            "{who} {did} {when} {what}, {} ({},{}).",
            pick(dice, &AND),
            dice.below(90),
            dice.below(10)
        ),
        _ => format!("{who} {did} {place} {what} ja {}.", pick(dice, &AND)),
    }
}

/// About so many characters, cut at a word.
pub fn text(dice: &Dice, characters: usize) -> String {
    let mut all = String::new();
    while all.chars().count() < characters {
        if !all.is_empty() {
            all.push(' ');
        }
        all.push_str(&sentence(dice));
    }
    let end = all
        .char_indices()
        .nth(characters)
        .map_or(all.len(), |(at, _)| at);
    let end = all[..end].rfind(' ').unwrap_or(end);
    all[..end].to_owned()
}

/// A text as it stands at each of so many saves of somebody who types it: some words more each
/// time, and now and then a word further up put right.
pub fn typed(dice: &Dice, finished: &str, saves: usize) -> Vec<String> {
    let words: Vec<&str> = finished.split_inclusive(' ').collect();
    let mut stages = Vec::new();
    for save in 1..=saves {
        let upto = words.len() * save / saves;
        let mut sofar = words[..upto].to_vec();
        // Mistyped, and put right one or two saves later.
        let slip = (upto > 6 && save < saves && dice.once_in(8)).then(|| upto - 1 - dice.below(5));
        if let Some(place) = slip
            && let Some(short) = sofar[place].char_indices().nth(2).map(|(at, _)| at)
        {
            sofar[place] = &sofar[place][short..];
        }
        stages.push(sofar.concat());
    }
    stages
}
