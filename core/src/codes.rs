//! Code lists with dates: municipalities, units, VAT classes, service classes …
//!
//! Codes are strings, because municipality and parcel codes start with zeros. Lists are dated,
//! because old documents must still render after a municipality is merged away, and new ones must
//! not accept it. Figures the law changes (rates, caps) are rows here with their source, never
//! constants in code.
//!
//! The lists are the files under `codes/`: UTF-8, `;` between columns, no quoting, the first line
//! names the columns `list;code;fi;sv;en;valid_from;valid_to;source`, then any of the list's own.
//! An empty date is open-ended, both days belong to the validity. One code may have several rows
//! for different times, in order.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jiff::civil::Date;

const FILES: &[&str] = &[
    include_str!("codes/common.csv"),
    include_str!("codes/contract.csv"),
    include_str!("codes/eppo.csv"),
    include_str!("codes/listing.csv"),
    include_str!("codes/measurement.csv"),
    include_str!("codes/municipality.csv"),
    include_str!("codes/problem.csv"),
    include_str!("codes/ptv.csv"),
    include_str!("codes/vat.csv"),
    include_str!("codes/visit.csv"),
];

/// Lists of which only the codes we have names for are here: any well-formed code is fine. The
/// full ones have thousands of codes and owners of their own (EPPO, Statistics Finland, PTV).
const OPEN: &[&str] = &[
    "eppo_crop",
    "eppo_pest",
    "industry",
    "life_event",
    "language",
    "ptv_service_class",
    "target_group",
];

/// One list.
#[derive(Debug)]
pub struct CodeList {
    /// Its name, as [`crate::documents::Type::Code`] gives it.
    pub name: &'static str,
    /// Its rows in file order.
    pub entries: Vec<CodeEntry>,
}

/// One row: a code and what it meant during some time.
#[derive(Debug)]
pub struct CodeEntry {
    /// The code.
    pub code: &'static str,
    /// Finnish name.
    pub fi: &'static str,
    /// Swedish name, or empty.
    pub sv: &'static str,
    /// English name, or empty.
    pub en: &'static str,
    /// First day.
    pub valid_from: Option<Date>,
    /// Last day.
    pub valid_to: Option<Date>,
    /// Where the row is from; `unverified` in it means from memory.
    pub source: &'static str,
    extra: Vec<(&'static str, &'static str)>,
}

impl CodeEntry {
    /// Whether the row counts on this day.
    pub fn valid_on(&self, date: Date) -> bool {
        self.valid_from.is_none_or(|from| from <= date) && self.valid_to.is_none_or(|to| date <= to)
    }

    /// The list's own column of this name, if not empty.
    pub fn extra(&self, column: &str) -> Option<&'static str> {
        self.extra
            .iter()
            .find(|(name, value)| *name == column && !value.is_empty())
            .map(|(_, v)| *v)
    }

    /// The name in `fi`, `sv` or `en`; Finnish where there is none, as for place names.
    pub fn label(&self, lang: &str) -> &'static str {
        let wanted = match lang {
            "sv" => self.sv,
            "en" => self.en,
            _ => self.fi,
        };
        if wanted.is_empty() { self.fi } else { wanted }
    }
}

impl CodeList {
    /// The row of this code that counts on this day.
    pub fn on(&self, code: &str, date: Date) -> Option<&CodeEntry> {
        self.entries
            .iter()
            .find(|e| e.code == code && e.valid_on(date))
    }

    /// Rows to choose from on this day.
    pub fn current(&self, date: Date) -> impl Iterator<Item = &CodeEntry> {
        self.entries.iter().filter(move |e| e.valid_on(date))
    }

    /// Whether codes without a row here are fine too.
    pub fn open(&self) -> bool {
        OPEN.contains(&self.name)
    }
}

/// The list of this name.
pub fn list(name: &str) -> Option<&'static CodeList> {
    all().get(name)
}

/// The names of all lists, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    all().keys().copied()
}

/// Whether a code may be written into a new document on this day. Lists that are open, or not
/// here at all, accept every code.
pub fn valid(name: &str, code: &str, date: Date) -> bool {
    list(name).is_none_or(|list| list.open() || list.on(code, date).is_some())
}

/// The newest name of a code in `fi`, `sv` or `en`, whether or not it still counts: old documents
/// must render.
pub fn label(name: &str, code: &str, lang: &str) -> Option<&'static str> {
    list(name)?
        .entries
        .iter()
        .rev()
        .find(|e| e.code == code)
        .map(|e| e.label(lang))
}

/// The VAT rate of a class in per cent, `"25.5"`, on the day the service was given (not invoiced).
pub fn vat_rate(class: &str, service_date: Date) -> Option<&'static str> {
    list("vat_class")?.on(class, service_date)?.extra("rate")
}

/// The codes of the municipalities of a region on this day, the shortcut of listing forms.
pub fn municipalities_of(region: &str, date: Date) -> Vec<&'static str> {
    let municipalities = list("municipality")
        .into_iter()
        .flat_map(|list| list.current(date));
    municipalities
        .filter(|e| e.extra("region") == Some(region))
        .map(|e| e.code)
        .collect()
}

fn all() -> &'static BTreeMap<&'static str, CodeList> {
    static ALL: OnceLock<BTreeMap<&'static str, CodeList>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut lists = BTreeMap::new();
        for file in FILES {
            parse(file, &mut lists);
        }
        lists
    })
}

fn parse(file: &'static str, lists: &mut BTreeMap<&'static str, CodeList>) {
    let mut lines = file.lines();
    let columns: Vec<&str> = lines.next().unwrap_or_default().split(';').collect();
    for line in lines {
        let cells: Vec<&'static str> = line.split(';').collect();
        let [name, code, fi, sv, en, from, to, source, extra @ ..] = cells.as_slice() else {
            continue;
        };
        let own_columns = columns.iter().skip(8).copied();
        let entry = CodeEntry {
            code,
            fi,
            sv,
            en,
            valid_from: from.parse().ok(),
            valid_to: to.parse().ok(),
            source,
            extra: own_columns.zip(extra.iter().copied()).collect(),
        };
        let list = CodeList {
            name,
            entries: Vec::new(),
        };
        lists.entry(name).or_insert(list).entries.push(entry);
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::documents::{Field, Kind, Rule, Type};

    #[test]
    fn every_row_has_its_columns_real_dates_and_a_finnish_name() {
        for file in FILES {
            let columns = file.lines().next().expect("a header").split(';').count();
            for line in file.lines() {
                let cells: Vec<&str> = line.split(';').collect();
                assert_eq!(cells.len(), columns, "{line}");
                assert!(
                    !cells[1].is_empty() && !cells[2].is_empty() && !cells[7].is_empty(),
                    "{line}"
                );
                assert!(cells.iter().all(|c| c.trim() == *c), "{line}");
                if cells[0] != "list" {
                    for cell in &cells[5..7] {
                        assert!(cell.is_empty() || cell.parse::<Date>().is_ok(), "{line}");
                    }
                }
            }
        }
    }

    #[test]
    fn rows_of_one_code_are_in_order_and_never_overlap() {
        for name in names() {
            let list = list(name).expect("listed");
            for (i, entry) in list.entries.iter().enumerate() {
                let last = list.entries[..i]
                    .iter()
                    .rev()
                    .find(|e| e.code == entry.code);
                if let Some(earlier) = last {
                    assert!(earlier.valid_to < entry.valid_from, "{name} {}", entry.code);
                    assert!(earlier.valid_to.is_some(), "{name} {}", entry.code);
                }
            }
        }
    }

    #[test]
    fn every_list_a_field_table_names_is_here() {
        fn each(fields: &[Field], check: &mut dyn FnMut(&'static str)) {
            fn of(ty: &Type, check: &mut dyn FnMut(&'static str)) {
                match ty {
                    Type::Code(list) => check(list),
                    Type::Compound(fields) => each(fields, check),
                    Type::List(inner, _) => of(inner, check),
                    Type::Str(_)
                    | Type::Int
                    | Type::Dec(_)
                    | Type::Bool
                    | Type::Date
                    | Type::Time
                    | Type::Instant
                    | Type::Id
                    | Type::Hex(_) => {}
                }
            }
            for field in fields {
                of(&field.ty, check);
                if let Rule::Map(inner) = field.rule {
                    each(inner, check);
                }
            }
        }
        let mut missing = Vec::new();
        for kind in Kind::ALL {
            each(kind.spec().own_fields, &mut |name| {
                if list(name).is_none() && !OPEN.contains(&name) {
                    missing.push(name);
                }
            });
        }
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn every_status_of_a_table_has_a_name() {
        for kind in Kind::ALL {
            let status = kind.spec().field("status").expect("a status");
            let (Rule::Mst(codes), Type::Code(name)) = (&status.rule, &status.ty) else {
                panic!("a status is monotone and coded")
            };
            for code in *codes {
                assert!(label(name, code, "sv").is_some(), "{name} {code}");
            }
        }
    }

    #[test]
    fn municipality_codes_keep_their_zeros_and_their_end() {
        let now = date(2026, 11, 22);
        for (code, name) in [
            ("416", "Lemi"),
            ("689", "Rautjärvi"),
            ("441", "Luumäki"),
            ("739", "Savitaipale"),
            ("831", "Taipalsaari"),
            ("153", "Imatra"),
            ("405", "Lappeenranta"),
            ("580", "Parikkala"),
            ("700", "Ruokolahti"),
            ("046", "Enonkoski"),
            ("090", "Heinävesi"),
            ("097", "Hirvensalmi"),
        ] {
            assert_eq!(label("municipality", code, "fi"), Some(name));
            assert!(valid("municipality", code, now), "{name}");
        }
        assert!(!valid("municipality", "46", now));
        for (code, name, last) in [
            ("588", "Pertunmaa", date(2024, 12, 31)),
            ("246", "Kerimäki", date(2012, 12, 31)),
            ("618", "Punkaharju", date(2012, 12, 31)),
            ("696", "Ristiina", date(2012, 12, 31)),
        ] {
            assert!(valid("municipality", code, last), "{name}");
            assert!(
                !valid("municipality", code, last.tomorrow().expect("a day")),
                "{name}"
            );
            assert_eq!(
                label("municipality", code, "fi"),
                Some(name),
                "old documents still render"
            );
        }
        let count = list("municipality").expect("here").current(now).count();
        assert_eq!(count, 308, "municipalities of 2026");
    }

    #[test]
    fn a_region_expands_by_date() {
        let south_karelia = municipalities_of("09", date(2026, 11, 22));
        assert_eq!(south_karelia.len(), 9);
        assert!(municipalities_of("10", date(2020, 12, 31)).contains(&"090"));
        assert!(!municipalities_of("10", date(2021, 1, 1)).contains(&"090"));
        assert!(municipalities_of("12", date(2021, 1, 1)).contains(&"090"));
    }

    #[test]
    fn a_vat_rate_follows_the_day_of_the_service() {
        assert_eq!(vat_rate("standard", date(2024, 8, 31)), Some("24"));
        assert_eq!(vat_rate("standard", date(2024, 9, 1)), Some("25.5"));
        assert_eq!(vat_rate("reduced", date(2025, 12, 31)), Some("14"));
        assert_eq!(vat_rate("reduced", date(2026, 1, 1)), Some("13.5"));
        assert_eq!(vat_rate("standard", date(1990, 1, 1)), None);
    }

    #[test]
    fn names_fall_back_to_finnish_and_unknown_codes_have_none() {
        assert_eq!(label("municipality", "491", "sv"), Some("S:t Michel"));
        assert_eq!(label("municipality", "491", "en"), Some("Mikkeli"));
        assert_eq!(label("eppo_crop", "FRAAN", "sv"), Some("jordgubbe"));
        assert_eq!(label("unit", "fathom", "fi"), None);
        assert!(!valid("unit", "fathom", date(2026, 1, 1)));
        assert!(
            valid("eppo_pest", "XANTFR", date(2026, 1, 1)),
            "an open list takes any code"
        );
    }
}
