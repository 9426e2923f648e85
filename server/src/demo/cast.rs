//! Who is in the demo: a home-care firm, its substitutes' firm, two advisory organisations, three
//! farms and the network that joins them. All invented; business ids are of a range not in use.

use super::chance::Chance;
use super::texts::{PLACES, Town};

/// A firm, association or farm.
#[derive(Debug)]
pub struct Firm {
    /// Short name in this program.
    pub key: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Legal form, list `legal_form`.
    pub form: &'static str,
    /// Seven digits, from which the business id is made.
    pub number: &'static str,
    /// Street address.
    pub address: &'static str,
    /// Index into the towns.
    pub town: usize,
}

/// The firms.
pub const FIRMS: [Firm; 8] = [
    firm(
        "care",
        "Kotihoiva Kanerva Oy",
        "company",
        "9140021",
        "Kauppakatu 12",
        0,
    ),
    firm(
        "substitutes",
        "Saimaan Sijaishoitajat Osk",
        "company",
        "9140035",
        "Satamatie 3",
        0,
    ),
    firm(
        "network",
        "Saimaan Palveluverkosto ry",
        "association",
        "9140042",
        "Raatihuoneentie 5",
        0,
    ),
    firm(
        "advice",
        "Puutarhaneuvonta Itä ry",
        "association",
        "9140056",
        "Koulutie 20",
        1,
    ),
    firm(
        "research",
        "Kasvintutkimus Karjala",
        "foundation",
        "9140063",
        "Tutkijantie 1",
        0,
    ),
    firm(
        "farm0",
        "Auvisen marjatila",
        "sole",
        "9140077",
        "Auvisentie 114",
        2,
    ),
    firm(
        "farm1",
        "Kiviniemen kasvihuoneet Oy",
        "company",
        "9140084",
        "Kasvihuonetie 6",
        3,
    ),
    firm(
        "farm2",
        "Hovin juurestila",
        "sole",
        "9140098",
        "Hovintie 58",
        6,
    ),
];

const fn firm(
    key: &'static str,
    name: &'static str,
    form: &'static str,
    number: &'static str,
    address: &'static str,
    town: usize,
) -> Firm {
    Firm {
        key,
        name,
        form,
        number,
        address,
        town,
    }
}

impl Firm {
    /// The firm of this key; the first one if there is none, which a test excludes.
    pub fn of(key: &str) -> &'static Self {
        FIRMS
            .iter()
            .find(|firm| firm.key == key)
            .unwrap_or(&FIRMS[0])
    }

    /// Its Finnish business id.
    pub fn business_id(&self) -> String {
        business_id(self.number)
    }

    /// Where it is.
    pub fn town(&self) -> &'static Town {
        &PLACES.towns[self.town % PLACES.towns.len()]
    }
}

/// Seven digits with their check digit: weights 7, 9, 10, 5, 8, 4, 2, modulo 11. Where the remainder
/// is 1 no id is issued; the next number that has one is taken.
pub fn business_id(number: &str) -> String {
    let mut number: u32 = number.parse().unwrap_or(9_000_000);
    loop {
        let digits = format!("{number:07}");
        let sum: u32 = digits
            .bytes()
            .zip([7, 9, 10, 5, 8, 4, 2])
            .map(|(digit, weight)| u32::from(digit - b'0') * weight)
            .sum();
        match sum % 11 {
            0 => return format!("{digits}-0"),
            1 => number += 1,
            rest => return format!("{digits}-{}", 11 - rest),
        }
    }
}

/// A person with a device.
#[derive(Debug)]
pub struct Person {
    /// First name: what the story calls them, and their device's folder.
    pub first: &'static str,
    /// Whole name.
    pub name: &'static str,
    /// Key of their firm.
    pub firm: &'static str,
    /// What they are, in the report's words.
    pub work: &'static str,
    /// What they write on.
    pub device: &'static str,
    /// How far their clock is ahead of the truth, seconds.
    pub ahead_s: i64,
}

/// The people with devices. The first carers after the owner have the clients among them.
pub const PEOPLE: [Person; 9] = [
    person(
        "Marjatta",
        "Marjatta Kanerva",
        "care",
        "owner of the care company",
        "tablet",
        20,
    ),
    person("Aino", "Aino Hyvärinen", "care", "carer", "phone", 0),
    person(
        "Petri",
        "Petri Saarelainen",
        "care",
        "carer",
        "phone",
        11 * 60,
    ),
    person("Sari", "Sari Tiainen", "care", "carer", "phone", -3 * 60),
    person("Jonna", "Jonna Väisänen", "care", "carer", "phone", 2),
    person(
        "Mikko",
        "Mikko Reponen",
        "substitutes",
        "substitute carer",
        "phone",
        -24 * 3600,
    ),
    person(
        "Hanna",
        "Hanna Kosonen",
        "advice",
        "farm advisor",
        "tablet",
        40,
    ),
    person(
        "Jukka",
        "Jukka Miettinen",
        "research",
        "entomologist",
        "laptop",
        -1,
    ),
    person(
        "Tuomas",
        "Tuomas Auvinen",
        "farm0",
        "berry farmer",
        "phone",
        -75,
    ),
];

const fn person(
    first: &'static str,
    name: &'static str,
    firm: &'static str,
    work: &'static str,
    device: &'static str,
    ahead_s: i64,
) -> Person {
    Person {
        first,
        name,
        firm,
        work,
        device,
        ahead_s,
    }
}

/// Carers who have clients of their own, in the order clients are shared out.
pub const CARERS: [&str; 4] = ["Aino", "Petri", "Sari", "Jonna"];

/// The team that gets into every client's circle.
pub const TEAM: &str = "Kanervan hoitajat";

/// The space of the firm's own papers.
pub const PAPERS: &str = "Kotihoiva Kanerva: yhtiön paperit";

/// The space of the listings.
pub const NETWORK: &str = "Saimaan palveluverkosto";

/// The farms' spaces, in the order of their firms.
pub const FARM_SPACES: [&str; 3] = [
    "Auvisen marjatila, asiakastiimi",
    "Kiviniemen kasvihuoneet, asiakastiimi",
    "Hovin juurestila, asiakastiimi",
];

/// A client of the care company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Which one, from 0.
    pub number: usize,
    /// Name.
    pub name: String,
    /// Street address.
    pub address: String,
    /// Index into the towns.
    pub town: usize,
}

impl Client {
    /// The name of the client's circle: number first, as circles are listed by it.
    pub fn space(&self) -> String {
        format!("{:02} {}", self.number + 1, self.name)
    }

    /// First name: what entries call the client.
    pub fn first(&self) -> &str {
        self.name.split(' ').next().unwrap_or(&self.name)
    }

    /// Where the client lives.
    pub fn town(&self) -> &'static Town {
        &PLACES.towns[self.town % PLACES.towns.len()]
    }

    /// The carer whose client this is.
    pub fn carer(&self) -> &'static str {
        CARERS[self.number % CARERS.len()]
    }
}

/// As many clients, every name once, all within a short drive.
pub fn clients(seed: u64, count: usize) -> Vec<Client> {
    let mut chance = Chance::new(seed, "clients");
    let mut first: Vec<&String> = PLACES.first_names.iter().collect();
    let mut last: Vec<&String> = PLACES.surnames.iter().collect();
    chance.shuffle(&mut first);
    chance.shuffle(&mut last);
    (0..count)
        .map(|number| {
            // Both lists in step repeat a pair only after their least common multiple.
            let shift = number / first.len().max(last.len());
            let first = first[(number + shift) % first.len()];
            let last = last[number % last.len()];
            let street = chance.pick(&PLACES.streets);
            Client {
                number,
                name: format!("{first} {last}"),
                address: format!("{street} {}", chance.between(1, 48)),
                town: chance.below(4),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn business_ids_have_their_check_digit() {
        for (number, id) in [
            ("0996167", "0996167-6"),
            ("2177546", "2177546-2"),
            ("2189312", "2189312-7"),
        ] {
            assert_eq!(business_id(number), id);
        }
        let ids: BTreeSet<_> = FIRMS.iter().map(Firm::business_id).collect();
        assert_eq!(ids.len(), FIRMS.len());
    }

    #[test]
    fn everybody_works_for_a_firm_that_is_there() {
        for person in &PEOPLE {
            assert_eq!(Firm::of(person.firm).key, person.firm);
        }
    }

    #[test]
    fn clients_have_names_of_their_own() {
        let clients = clients(1, 41);
        let names: BTreeSet<_> = clients.iter().map(|c| &c.name).collect();
        assert_eq!(names.len(), 41);
        assert_eq!(clients, super::clients(1, 41));
    }
}
