//! The day at the desk.

use serde_json::json;
use sopu_core::documents::Kind;

use super::Story;
use crate::demo::cast::PAPERS;
use crate::demo::error::Result;
use crate::demo::phone_clock::{days_from, moment};
use crate::demo::values::contract::{self, Makers};

impl Story<'_> {
    /// What happens at the desk while the line is down.
    pub(super) fn office_day(&mut self) -> Result<()> {
        self.once("the same firm twice", Self::same_firm_twice)?;
        self.once("one listing, two writers", Self::two_writers)
    }

    /// C15: two drafts, each with its own id for the substitutes' firm.
    fn same_firm_twice(&mut self) -> Result<()> {
        let (space, provider, day) = (
            self.space(PAPERS)?,
            self.memory.id("firm/care")?,
            self.day(),
        );
        let mikko = self.member("Mikko");
        for who in ["Marjatta", "Jonna"] {
            let me = self.member(who);
            let party = self.memory.id(&format!("firm/substitutes by {who}"))?;
            let from = days_from(day, 10);
            let makers = Makers {
                responsible: &me,
                signs: &mikko,
                provider: &provider,
                from,
                at_ms: moment(day, 15, 0),
            };
            let value = contract::substitutes(&party, &makers, &mut self.chance(who));
            self.at(who, 15, 0)?
                .write(space, Kind::Contract, &value, 10)?;
        }
        self.happened(
            "Marjatta and Jonna each began a contract with Saimaan Sijaishoitajat and each entered \
             the firm anew.",
        )
    }

    /// A text two people write in merges letter by letter, with nothing to settle.
    fn two_writers(&mut self) -> Result<()> {
        let doc = self.doc("listing/0")?;
        self.at("Marjatta", 16, 0)?.edit(doc, |listing| {
            let text = listing["description"]["fi"].as_str().unwrap_or_default();
            listing["description"]["fi"] =
                json!(format!("Uutta: iltakäynnit myös Lemillä. {text}"));
            listing["keywords"]["fi"] = with(&listing["keywords"]["fi"], "iltakäynti");
        })?;
        self.at("Hanna", 20, 0)?.edit(doc, |listing| {
            let text = listing["description"]["fi"].as_str().unwrap_or_default();
            listing["description"]["fi"] =
                json!(format!("{text} Kysy lisää verkoston toimistosta."));
            listing["keywords"]["fi"] = with(&listing["keywords"]["fi"], "kotiapu");
        })?;
        self.happened("Marjatta and Hanna both wrote in the text of the home-care listing.")
    }
}

fn with(words: &serde_json::Value, word: &str) -> serde_json::Value {
    let mut words = words.as_array().cloned().unwrap_or_default();
    words.push(json!(word));
    json!(words)
}
