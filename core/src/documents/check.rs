//! What validation of all kinds shares: the problem codes, the shape check driven by the field
//! tables, and the single checks of ids, addresses and periods.
//!
//! Nothing here ever stops a save. A problem blocks only the transition asked about.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::Value;

use super::{Field, Problem, Rule, Spec, Type, Validation};
use crate::codes;

pub mod code;

/// Problems as they are found.
pub struct Check<'a> {
    /// Why the document is checked.
    pub ctx: &'a Validation<'a>,
    problems: Vec<Problem>,
}

impl<'a> Check<'a> {
    /// Nothing found yet.
    pub fn new(ctx: &'a Validation<'a>) -> Self {
        Self {
            ctx,
            problems: Vec::new(),
        }
    }

    /// One problem.
    pub fn add(&mut self, path: impl Into<String>, code: &'static str, blocks: bool) {
        self.problems.push(Problem {
            path: path.into(),
            code,
            blocks,
        });
    }

    /// One problem, if so.
    pub fn add_if(&mut self, so: bool, path: impl Into<String>, code: &'static str, blocks: bool) {
        if so {
            self.add(path, code, blocks);
        }
    }

    /// The field must hold something before the transition in question; while just saving nobody
    /// is nagged about what is still empty.
    pub fn require(&mut self, present: bool, path: impl Into<String>, blocks: bool) {
        self.add_if(!present && blocks, path, code::REQUIRED, true);
    }

    /// Everything a field table knows of its values: lengths in characters, numbers of elements,
    /// decimals, and codes as they stand on `on`. `blocks` says for all of it.
    pub fn shape(&mut self, spec: &'static Spec, value: &Value, on: Date, blocks: bool) {
        for field in spec.fields() {
            let found = match field.path.split_once('.') {
                Some((outer, inner)) => &value[outer][inner],
                None => &value[field.path],
            };
            self.shape_of(field, field.path, found, on, blocks);
        }
    }

    fn shape_of(&mut self, field: &Field, path: &str, value: &Value, on: Date, blocks: bool) {
        match field.rule {
            Rule::Map(fields) => {
                for (key, item) in entries(value) {
                    for part in fields {
                        let path = format!("{path}.{key}.{}", part.path);
                        self.shape_of(part, &path, &item[part.path], on, blocks);
                    }
                }
            }
            Rule::Log => {
                for (key, entry) in entries(value) {
                    self.shape_of_type(&field.ty, &format!("{path}.{key}"), entry, on, blocks);
                }
            }
            Rule::Aws | Rule::Rws => {
                for element in value.as_array().into_iter().flatten() {
                    self.shape_of_type(&field.ty, path, element, on, blocks);
                }
            }
            // A status is the machine's own code, not a person's choice from a list.
            Rule::Mst(_) => {}
            Rule::Imm
            | Rule::Lww
            | Rule::Mvr
            | Rule::Yield(_)
            | Rule::Txt
            | Rule::FlagPlus
            | Rule::Max(_) => self.shape_of_type(&field.ty, path, value, on, blocks),
        }
    }

    fn shape_of_type(&mut self, ty: &Type, path: &str, value: &Value, on: Date, blocks: bool) {
        match ty {
            Type::Str(max) => {
                let long = value
                    .as_str()
                    .is_some_and(|s| s.chars().count() > *max as usize);
                self.add_if(long, path, code::TOO_LONG, blocks);
            }
            Type::Code(list) => {
                let bad = value.as_str().is_some_and(|c| !codes::valid(list, c, on));
                self.add_if(bad, path, code::UNKNOWN_CODE, blocks);
            }
            Type::Dec(places) => {
                let fine = decimal(value.as_str()).is_some_and(|d| d.normalize().scale() > *places);
                self.add_if(fine, path, code::TOO_MANY_DECIMALS, blocks);
            }
            Type::Compound(parts) => {
                for part in *parts {
                    let path = format!("{path}.{}", part.path);
                    self.shape_of_type(&part.ty, &path, &value[part.path], on, blocks);
                }
            }
            Type::List(of, max) => {
                let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
                self.add_if(items.len() > *max as usize, path, code::TOO_MANY, blocks);
                for item in items {
                    self.shape_of_type(of, path, item, on, blocks);
                }
            }
            Type::Int
            | Type::Bool
            | Type::Date
            | Type::Time
            | Type::Instant
            | Type::Id
            | Type::Hex(_) => {}
        }
    }

    /// A Finnish business id, or the reason why there is none.
    pub fn business_id(
        &mut self,
        path: &str,
        id: Option<&str>,
        reason: Option<&str>,
        blocks: bool,
    ) {
        match id {
            Some(id) => {
                let path = format!("{path}.business_id");
                self.add_if(
                    !crate::business_id::valid(id),
                    path,
                    code::BUSINESS_ID_INVALID,
                    blocks,
                );
            }
            None if reason.is_none_or(str::is_empty) => {
                let path = format!("{path}.business_id");
                self.add(path, code::BUSINESS_ID_REQUIRED, blocks);
            }
            None => {}
        }
    }

    /// Prices of one thing in one unit must not hold at the same time. An open-ended row ends
    /// where a later one begins.
    pub fn prices(&mut self, prices: &[PricePeriod], blocks: bool) {
        let mut by_thing: BTreeMap<&str, Vec<&PricePeriod>> = BTreeMap::new();
        for price in prices {
            let (from, to) = (date(price.from.as_deref()), date(price.to.as_deref()));
            let backwards = matches!((from, to), (Some(from), Some(to)) if to < from);
            self.add_if(
                backwards,
                format!("{}.to", price.path),
                code::DATE_ORDER,
                blocks,
            );
            by_thing.entry(&price.thing).or_default().push(price);
        }
        for rows in by_thing.values_mut() {
            rows.sort_by(|a, b| a.from.cmp(&b.from));
            for pair in rows.windows(2) {
                let ends = pair[0].to.as_deref().or(pair[0].from.as_deref());
                let overlap = ends >= pair[1].from.as_deref();
                self.add_if(overlap, &pair[1].path, code::PRICES_OVERLAP, blocks);
            }
        }
    }

    /// What was found, by path, each once; a problem that blocks hides the same one that warns.
    pub fn finish(mut self) -> Vec<Problem> {
        self.problems
            .sort_by(|a, b| (&a.path, a.code, b.blocks).cmp(&(&b.path, b.code, a.blocks)));
        self.problems
            .dedup_by(|a, b| a.path == b.path && a.code == b.code);
        self.problems
    }
}

/// One price row as [`Check::prices`] looks at it. Dates are `YYYY-MM-DD` and so sort as text.
pub struct PricePeriod {
    /// Path of the row.
    pub path: String,
    /// What is priced: item and unit.
    pub thing: String,
    /// First day.
    pub from: Option<String>,
    /// Last day.
    pub to: Option<String>,
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// The keys of log entries that still count: not corrected by a later one, not withdrawn.
pub fn live<'a, T: 'a>(
    log: impl IntoIterator<Item = (&'a uuid::Uuid, &'a T)> + Clone,
    supersedes: impl Fn(&T) -> Option<uuid::Uuid>,
    withdrawn: impl Fn(&T) -> bool,
) -> Vec<(&'a uuid::Uuid, &'a T)> {
    let gone: Vec<uuid::Uuid> = log
        .clone()
        .into_iter()
        .filter_map(|(_, e)| supersedes(e))
        .collect();
    log.into_iter()
        .filter(|(key, entry)| !gone.contains(key) && !withdrawn(entry))
        .collect()
}

/// A calendar date.
pub fn date(text: Option<&str>) -> Option<Date> {
    text?.parse().ok()
}

/// A decimal number.
pub fn decimal(text: Option<&str>) -> Option<Decimal> {
    Decimal::from_str_exact(text?).ok()
}

/// Five digits.
pub fn is_postcode(text: &str) -> bool {
    text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit())
}

/// E.164: a plus sign and 7 to 15 digits, the first not zero.
pub fn is_phone(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

/// An https address with a host and nothing odd in it.
pub fn is_https_url(text: &str) -> bool {
    text.strip_prefix("https://").is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        host.contains('.')
            && !host.starts_with('.')
            && !host.contains('@')
            && !rest.chars().any(|c| c.is_whitespace() || c.is_control())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date as day;

    #[test]
    fn every_problem_has_words_in_three_languages() {
        let list = codes::list("problem").expect("a list");
        for code in code::ALL {
            let entry = list
                .on(code, day(2026, 11, 22))
                .unwrap_or_else(|| panic!("{code} has no words"));
            assert!(!entry.sv.is_empty() && !entry.en.is_empty(), "{code}");
        }
        assert_eq!(
            list.entries.len(),
            code::ALL.len(),
            "words without a problem"
        );
    }

    #[test]
    fn addresses_have_their_forms() {
        assert!(is_postcode("00100") && !is_postcode("0010") && !is_postcode("0010a"));
        assert!(is_phone("+358401234567"));
        assert!(
            ["0401234567", "+0401234567", "+358", "+35840 1234567"]
                .iter()
                .all(|t| !is_phone(t))
        );
        assert!(is_https_url("https://esimerkki.fi/hoiva?x=1"));
        for text in [
            "http://esimerkki.fi",
            "https://",
            "https://x",
            "https://a@b.fi",
            "https://a.fi/a b",
            "javascript:x",
        ] {
            assert!(!is_https_url(text), "{text}");
        }
    }

    #[test]
    fn prices_may_follow_each_other_but_not_overlap() {
        let ctx = Validation {
            towards: "locked",
            today: day(2026, 11, 22),
        };
        let problems = |rows: &[(&str, Option<&str>)]| {
            let rows: Vec<PricePeriod> = rows
                .iter()
                .enumerate()
                .map(|(i, (from, to))| PricePeriod {
                    path: format!("prices.{i}"),
                    thing: "h".into(),
                    from: Some((*from).into()),
                    to: to.map(Into::into),
                })
                .collect();
            let mut check = Check::new(&ctx);
            check.prices(&rows, true);
            check
                .finish()
                .into_iter()
                .map(|p| (p.path, p.code))
                .collect::<Vec<_>>()
        };
        assert!(problems(&[("2026-01-01", Some("2026-06-30")), ("2026-07-01", None)]).is_empty());
        assert!(
            problems(&[("2026-07-01", None), ("2026-01-01", None)]).is_empty(),
            "open until the later row"
        );
        let overlap = [("prices.1".to_owned(), code::PRICES_OVERLAP)];
        assert_eq!(
            problems(&[("2026-01-01", Some("2026-07-01")), ("2026-07-01", None)]),
            overlap
        );
        assert_eq!(
            problems(&[("2026-01-01", None), ("2026-01-01", None)]),
            overlap
        );
        let backwards = [("prices.0.to".to_owned(), code::DATE_ORDER)];
        assert_eq!(problems(&[("2026-07-01", Some("2026-01-01"))]), backwards);
    }

    #[test]
    fn lengths_count_characters_and_codes_have_dates() {
        use crate::documents::service_listing::SPEC;
        let ctx = Validation {
            towards: "published",
            today: day(2026, 11, 22),
        };
        let problems = |value: Value| {
            let mut check = Check::new(&ctx);
            check.shape(&SPEC, &value, ctx.today, true);
            check
                .finish()
                .into_iter()
                .map(|p| (p.path, p.code))
                .collect::<Vec<_>>()
        };
        let key = "0190b5a0-0000-7000-8000-000000000001";
        assert!(problems(serde_json::json!({"names": {"fi": "ä".repeat(100)}})).is_empty());
        assert_eq!(
            problems(serde_json::json!({
                "names": {"fi": "ä".repeat(101)},
                "municipalities": ["588", "091"],
                "prices": {key: {"unit": "fathom"}},
                "channels": {key: {"lang": vec!["fi"; 21], "name": "x".repeat(101)}},
            })),
            [
                (format!("channels.{key}.lang"), code::TOO_MANY),
                (format!("channels.{key}.name"), code::TOO_LONG),
                ("municipalities".to_owned(), code::UNKNOWN_CODE),
                ("names.fi".to_owned(), code::TOO_LONG),
                (format!("prices.{key}.unit"), code::UNKNOWN_CODE),
            ]
        );
    }

    #[test]
    fn a_decimal_may_not_have_more_places_than_its_field() {
        use crate::documents::contract::SPEC;
        let ctx = Validation {
            towards: "locked",
            today: day(2026, 11, 22),
        };
        let mut check = Check::new(&ctx);
        let key = "0190b5a0-0000-7000-8000-000000000001";
        let value = serde_json::json!({"scope_items": {key: {"planned_qty": "2.125"}}});
        check.shape(&SPEC, &value, ctx.today, true);
        let found = check.finish();
        assert_eq!((found.len(), found[0].code), (1, code::TOO_MANY_DECIMALS));
    }
}
