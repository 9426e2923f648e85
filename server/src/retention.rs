//! How long documents are kept. What the law says is dated data with its source (`retention/classes.toml`,
//! or `retention.toml` in the data folder), never a constant; what is due is proposed, and a person decides.

use std::path::Path;

use jiff::Span;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sopu_core::documents::Kind;

use crate::words::Lang;

/// What a data folder may say instead.
pub const FILE: &str = "retention.toml";

const BUILT_IN: &str = include_str!("retention/classes.toml");

/// From when a time is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// The day the client's matter was closed.
    Closing,
    /// The document's own day.
    Document,
    /// The last day of the calendar year of the document's own day.
    YearEnd,
}

/// What is said of one class for some time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Its code, as notices carry it.
    pub code: String,
    /// Years that are kept at least.
    pub years: i16,
    /// From when they are counted.
    pub counts_from: Start,
    /// From which day this row holds.
    #[serde(deserialize_with = "day")]
    pub valid_from: Date,
    /// Until which day; for good if `None`.
    #[serde(default, deserialize_with = "maybe_day")]
    pub valid_to: Option<Date>,
    /// Whether somebody has compared it with its source.
    pub verified: bool,
    /// Where it is said.
    pub source: String,
    /// Documents that have it unless somebody says otherwise: `kind` or `kind:profile`.
    pub default_for: Vec<String>,
    /// Finnish name.
    pub fi: String,
    /// Swedish name.
    pub sv: String,
    /// English name.
    pub en: String,
}

fn day<'de, D: Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(serde::de::Error::custom)
}

fn maybe_day<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Date>, D::Error> {
    day(from).map(Some)
}

impl Class {
    /// Its name.
    pub fn name(&self, lang: Lang) -> &str {
        match lang {
            Lang::Fi => &self.fi,
            Lang::Sv => &self.sv,
            Lang::En => &self.en,
        }
    }

    /// The first day on which a document need not be kept any more; `None` while that is not known.
    pub fn over(&self, days: &Days) -> Option<Date> {
        let from = match self.counts_from {
            Start::Closing => days.closing?,
            Start::Document => days.document?,
            Start::YearEnd => Date::new(days.document?.year(), 12, 31).ok()?,
        };
        let last = from.checked_add(Span::new().years(self.years)).ok()?;
        last.tomorrow().ok()
    }
}

/// The days a time can be counted from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Days {
    /// When the client's matter was closed.
    pub closing: Option<Date>,
    /// The document's own.
    pub document: Option<Date>,
}

/// Why the data cannot be used. For whoever keeps the server.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The file is there and cannot be read.
    #[error("retention.toml cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// It is not of the form.
    #[error("retention.toml: {0}")]
    Form(#[from] toml::de::Error),
}

/// Every class there is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classes {
    class: Vec<Class>,
}

impl Classes {
    /// Those of a data folder, or the built-in ones.
    ///
    /// # Errors
    /// [`RetentionError`]: a file that cannot be used is not passed over.
    pub fn load(data: &Path) -> Result<Self, RetentionError> {
        match std::fs::read_to_string(data.join(FILE)) {
            Ok(text) => Ok(toml::from_str(&text)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(toml::from_str(BUILT_IN)?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Those that hold on a day, in the order of the file.
    pub fn on(&self, day: Date) -> impl Iterator<Item = &Class> {
        let holds = move |class: &&Class| {
            class.valid_from <= day && class.valid_to.is_none_or(|last| day <= last)
        };
        self.class.iter().filter(holds)
    }

    /// The class of this code, as it is on a day.
    pub fn find(&self, code: &str, day: Date) -> Option<&Class> {
        self.on(day).find(|class| class.code == code)
    }

    /// What a document has unless somebody says otherwise.
    pub fn default_for(&self, kind: Kind, value: &Value, day: Date) -> Option<&Class> {
        let part = match kind {
            Kind::VisitNote => value.get("profile"),
            Kind::Contract => value.get("contract_kind"),
            Kind::ServiceListing => None,
        };
        let part = part.and_then(Value::as_str).unwrap_or_default();
        let named = [kind.code().to_owned(), format!("{}:{part}", kind.code())];
        let of = |class: &&Class| class.default_for.iter().any(|name| named.contains(name));
        self.on(day).find(of)
    }
}

/// A document's own day, as a time of keeping is counted from it: of the visit, of the contract's end. A
/// contract without an end, or one in dispute, has none.
pub fn own_day(kind: Kind, date: Option<&str>, value: &Value) -> Option<Date> {
    let text = |at: Option<&Value>| at.and_then(Value::as_str)?.parse().ok();
    match kind {
        Kind::VisitNote => date?.parse().ok(),
        Kind::Contract => {
            let ended = value.get("termination").and_then(|t| t.get("effective_on"));
            text(ended).or_else(|| text(value.get("valid_to")))
        }
        Kind::ServiceListing => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails should say where")]
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn built_in() -> Classes {
        Classes::load(Path::new("/nowhere")).unwrap()
    }

    #[test]
    fn what_is_built_in_has_names_and_sources_and_one_default_a_document() {
        let classes = built_in();
        let today = day("2026-11-28");
        let mut defaults = BTreeSet::new();
        let mut codes = BTreeSet::new();
        for class in classes.on(today) {
            assert!(!class.source.is_empty() && class.years > 0, "{class:?}");
            assert!(Lang::ALL.iter().all(|lang| !class.name(*lang).is_empty()));
            assert!(codes.insert(&class.code), "{} twice", class.code);
            for default in &class.default_for {
                assert!(defaults.insert(default), "{default} twice");
            }
        }
        let class = |kind, value: Value| {
            let found = classes.default_for(kind, &value, today);
            found.map(|class| class.code.as_str())
        };
        assert_eq!(
            class(Kind::VisitNote, json!({"profile": "care"})),
            Some("social_service")
        );
        assert_eq!(
            class(Kind::Contract, json!({"contract_kind": "purchase"})),
            Some("accounting")
        );
        assert_eq!(class(Kind::VisitNote, json!({})), None);
        assert_eq!(class(Kind::ServiceListing, json!({})), None);
        assert_eq!(
            classes.find("social_service", day("2023-12-31")),
            None,
            "not yet then"
        );
    }

    #[test]
    fn a_time_is_over_the_day_after_its_last_one_and_never_while_its_beginning_is_not_known() {
        let classes = built_in();
        let over = |code, closing: Option<&str>, document: Option<&str>| {
            let days = Days {
                closing: closing.map(day),
                document: document.map(day),
            };
            let class = classes.find(code, day("2026-11-28")).unwrap();
            class.over(&days).map(|day| day.to_string())
        };
        assert_eq!(
            over("social_service", Some("2016-02-29"), None).as_deref(),
            Some("2026-03-01")
        );
        assert_eq!(over("social_service", None, Some("1999-01-01")), None);
        assert_eq!(
            over("voucher", None, Some("2020-05-04")).as_deref(),
            Some("2023-05-05")
        );
        assert_eq!(
            over("accounting", None, Some("2020-05-04")).as_deref(),
            Some("2027-01-01")
        );
        assert_eq!(over("accounting", Some("1999-01-01"), None), None);
        assert_eq!(
            over("families", Some("9990-01-01"), None),
            None,
            "beyond all calendars"
        );
    }

    #[test]
    fn a_contract_s_own_day_is_its_end() {
        let of = |value| own_day(Kind::Contract, Some("2020-01-01"), &value);
        assert_eq!(of(json!({})), None);
        assert_eq!(
            of(json!({"valid_to": "2021-12-31"})),
            Some(day("2021-12-31"))
        );
        let ended =
            json!({"valid_to": "2021-12-31", "termination": {"effective_on": "2020-06-01"}});
        assert_eq!(of(ended), Some(day("2020-06-01")));
    }

    #[test]
    fn a_folder_may_say_otherwise_and_what_it_says_wrongly_is_not_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        std::fs::write(&file, BUILT_IN.replace("years = 10", "years = 12")).unwrap();
        let classes = Classes::load(folder.path()).unwrap();
        let class = classes.find("social_service", day("2026-11-28")).unwrap();
        assert_eq!(class.years, 12);
        std::fs::write(&file, "class = 3").unwrap();
        assert!(matches!(
            Classes::load(folder.path()),
            Err(RetentionError::Form(_))
        ));
    }
}
