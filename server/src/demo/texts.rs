//! The Finnish texts of the demo, from `data/*.json`. Everybody and every firm in them is invented.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// A text in the three languages of a listing.
pub type ThreeLanguages = BTreeMap<String, String>;

/// Home care.
#[derive(Debug, Deserialize)]
pub struct Care {
    /// What carers write, by heading of the daily note.
    pub headings: BTreeMap<String, SeenDone>,
    /// Items of care plans.
    pub tasks: Vec<String>,
    /// Why one was left.
    pub not_done: Vec<String>,
    /// For the next worker.
    pub handover: Vec<String>,
    /// What is left to do.
    pub followups: Vec<String>,
    /// A fall.
    pub deviation: Deviation,
    /// Medicines.
    pub drugs: Vec<String>,
    /// Who was called.
    pub relatives: Vec<String>,
    /// Nobody at home.
    pub absent: String,
}

/// The two halves of an entry.
#[derive(Debug, Deserialize)]
pub struct SeenDone {
    /// How the client was.
    pub seen: Vec<String>,
    /// What was done.
    pub done: Vec<String>,
}

/// Something that went wrong.
#[derive(Debug, Deserialize)]
pub struct Deviation {
    /// What happened.
    pub desc: String,
    /// What was done about it.
    pub measures: String,
}

/// Farm advice.
#[derive(Debug, Deserialize)]
pub struct Farms {
    /// The three paragraphs of a visit's summary.
    pub summary: FarmSummary,
    /// What grows and what eats it.
    pub crops: Vec<Crop>,
    /// Advice by urgency.
    pub recommendations: BTreeMap<String, Vec<String>>,
    /// Materials left.
    pub materials: Vec<String>,
    /// What a remote expert adds.
    pub expert: Vec<String>,
}

/// The paragraphs of a summary.
#[derive(Debug, Deserialize)]
pub struct FarmSummary {
    /// Starting point.
    pub start: Vec<String>,
    /// What was seen.
    pub seen: Vec<String>,
    /// Conclusions.
    pub advised: Vec<String>,
}

/// One crop.
#[derive(Debug, Deserialize)]
pub struct Crop {
    /// EPPO code.
    pub crop: String,
    /// Finnish name.
    pub name: String,
    /// `area` or `closed_space`.
    #[serde(rename = "use")]
    pub use_type: String,
    /// Blocks in the farm's own words.
    pub blocks: Vec<String>,
    /// What is watched for.
    pub pests: Vec<Pest>,
}

/// One pest or disease of a crop.
#[derive(Debug, Deserialize)]
pub struct Pest {
    /// EPPO code.
    pub pest: String,
    /// Finnish name.
    pub name: String,
    /// How it is counted.
    pub method: String,
    /// Of what.
    pub unit: String,
    /// From which count control pays.
    pub threshold: String,
    /// What is written beside the count.
    pub texts: Vec<String>,
}

/// Names and places.
#[derive(Debug, Deserialize)]
pub struct Places {
    /// First names.
    pub first_names: Vec<String>,
    /// Surnames.
    pub surnames: Vec<String>,
    /// Municipalities of South Karelia.
    pub towns: Vec<Town>,
    /// Streets.
    pub streets: Vec<String>,
}

/// One municipality.
#[derive(Debug, Deserialize)]
pub struct Town {
    /// Municipality code.
    pub code: String,
    /// Post office.
    pub city: String,
    /// Postcode.
    pub postcode: String,
}

/// Contract texts by sort of contract.
#[derive(Debug, Deserialize)]
pub struct Contracts {
    /// Home care.
    pub care: ContractText,
    /// Farm advice.
    pub advisory: ContractText,
    /// Between firms.
    pub papers: ContractText,
}

/// The texts of one sort of contract.
#[derive(Debug, Deserialize)]
pub struct ContractText {
    /// Numbered clauses.
    pub scope: Vec<String>,
    /// The nine headings of the service plan.
    #[serde(default)]
    pub plan: BTreeMap<String, Vec<String>>,
    /// Terms of cancelling.
    #[serde(default)]
    pub cancellation: String,
    /// Terms of liability.
    #[serde(default)]
    pub liability: String,
    /// Terms of personal data.
    #[serde(default)]
    pub data: String,
    /// Rows of agreed work.
    pub items: Vec<Item>,
}

/// One row of agreed work.
#[derive(Debug, Deserialize)]
pub struct Item {
    /// Short code.
    pub code: String,
    /// What.
    pub name: String,
    /// Unit.
    pub unit: String,
    /// How much.
    pub qty: String,
    /// Price of one, cents.
    pub cents: i64,
}

/// Service listings.
#[derive(Debug, Deserialize)]
pub struct Listings {
    /// Paragraphs all providers share.
    pub shared: BTreeMap<String, Vec<String>>,
    /// The listings.
    pub listings: Vec<Listing>,
}

/// One listing.
#[derive(Debug, Deserialize)]
pub struct Listing {
    /// `care`, `green` or `advisory`.
    pub provider: String,
    /// Name.
    pub names: ThreeLanguages,
    /// One sentence.
    pub summary: ThreeLanguages,
    /// First paragraph.
    pub intro: ThreeLanguages,
    /// How to get it.
    pub instructions: ThreeLanguages,
    /// Who can get it.
    pub conditions: ThreeLanguages,
    /// PTV service classes.
    pub classes: Vec<String>,
    /// PTV target groups.
    pub groups: Vec<String>,
    /// Words people search by, Finnish.
    pub keywords: Vec<String>,
    /// How it can be paid.
    pub funding: Vec<String>,
    /// Price of one, cents, VAT included.
    pub cents: i64,
    /// Unit of the price.
    pub unit: String,
}

macro_rules! text {
    ($(#[$meta:meta])* $name:ident: $ty:ty = $file:literal) => {
        $(#[$meta])*
        pub static $name: LazyLock<$ty> = LazyLock::new(|| read(include_str!(concat!("data/", $file))));
    };
}

text!(
    /// Home care.
    CARE: Care = "care.json"
);
text!(
    /// Farm advice.
    FARMS: Farms = "farms.json"
);
text!(
    /// Names and places.
    PLACES: Places = "places.json"
);
text!(
    /// Contracts.
    CONTRACTS: Contracts = "contracts.json"
);
text!(
    /// Service listings.
    LISTINGS: Listings = "listings.json"
);

#[expect(clippy::expect_used, reason = "compiled in: a test reads every file")]
fn read<T: for<'de> Deserialize<'de>>(json: &str) -> T {
    serde_json::from_str(json).expect("a text of the program itself")
}

/// A text with `{client}` filled in.
pub fn about(text: &str, client: &str) -> String {
    text.replace("{client}", client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_as_long_as_people_write_them() {
        let chars = |texts: &[String]| texts.join("\n\n").chars().count();
        let plan: usize = CONTRACTS
            .care
            .plan
            .values()
            .map(|texts| texts[0].chars().count())
            .sum();
        let contract = chars(&CONTRACTS.care.scope) + plan;
        assert!((6_500..12_000).contains(&contract), "{contract}");
        for listing in &LISTINGS.listings {
            for language in ["fi", "sv", "en"] {
                let long = listing.intro[language].chars().count()
                    + chars(&LISTINGS.shared[language])
                    + listing.instructions[language].chars().count()
                    + listing.conditions[language].chars().count();
                assert!((1_400..2_500).contains(&long), "{long}");
                assert!(listing.summary[language].chars().count() <= 150);
            }
        }
        for (heading, texts) in &CARE.headings {
            for seen in &texts.seen {
                for done in &texts.done {
                    let long = seen.chars().count() + done.chars().count();
                    assert!((150..400).contains(&long), "{heading}: {long}");
                }
            }
        }
        assert_eq!((FARMS.crops.len(), PLACES.towns.len()), (5, 9));
    }
}
