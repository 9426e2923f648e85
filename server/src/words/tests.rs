#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::collections::BTreeSet;
use std::path::Path;

use sopu_core::documents::{Field, Kind, Rule, Type};

use super::*;

fn keys(lang: Lang) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for (name, text) in files(lang) {
        FluentResource::try_new((*text).to_owned())
            .unwrap_or_else(|(_, errors)| panic!("{}/{name}: {errors:?}", lang.code()));
        for line in text.lines() {
            if let Some((key, _)) = line.split_once(" =")
                && key.starts_with(|c: char| c.is_ascii_lowercase())
            {
                assert!(
                    keys.insert(key.to_owned()),
                    "{} twice in {}",
                    key,
                    lang.code()
                );
            }
        }
    }
    keys
}

/// Every string literal that follows one of these calls in the sources and templates.
fn used() -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/office")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            for call in [".t(\"", ".n(\"", ".with(\""] {
                used.extend(
                    text.split(call)
                        .skip(1)
                        .map(|rest| rest.split('"').next().unwrap().to_owned()),
                );
            }
        }
    }
    used
}

#[test]
fn every_key_exists_in_all_three_languages() {
    let all: BTreeSet<String> = Lang::ALL.into_iter().flat_map(keys).collect();
    for lang in Lang::ALL {
        let missing: Vec<_> = all.difference(&keys(lang)).cloned().collect();
        assert!(missing.is_empty(), "{} lacks {missing:?}", lang.code());
    }
}

#[test]
fn every_key_that_pages_use_exists() {
    let used = used();
    assert!(
        used.len() > 30,
        "the search finds the pages: {}",
        used.len()
    );
    let missing: Vec<_> = used.difference(&keys(Lang::En)).cloned().collect();
    assert!(missing.is_empty(), "unknown keys {missing:?}");
}

#[test]
fn times_are_shown_in_finland_and_as_each_language_writes_them() {
    let ms = 1_795_338_300_000; // 2026-11-22T09:05:00Z
    assert_eq!(Words::of(Lang::Fi).instant(ms), "22.11.2026 klo 11.05");
    assert_eq!(Words::of(Lang::Sv).date("2026-06-01"), "1.6.2026");
    assert_eq!(Words::of(Lang::En).date("2026-06-01"), "1 Jun 2026");
    assert_eq!(Words::of(Lang::En).date("not a date"), "not a date");
}

#[test]
fn numbers_choose_their_plural() {
    assert_eq!(
        Words::of(Lang::Fi).n("documents-count", &1),
        "Yksi asiakirja"
    );
    assert_eq!(Words::of(Lang::Sv).n("documents-count", &12), "12 dokument");
}

#[test]
fn the_browser_s_language_is_found_among_others() {
    assert_eq!(
        Lang::from_accept("de-DE,sv-FI;q=0.9,en;q=0.8"),
        Some(Lang::Sv)
    );
    assert_eq!(Lang::from_accept("fi"), Some(Lang::Fi));
    assert_eq!(Lang::from_accept("ö"), None);
}

/// Every field and part of every kind, as its path.
fn paths(prefix: &str, field: &Field, into: &mut Vec<String>) {
    let path = format!("{prefix}{}", field.path);
    let parts = match (field.rule, field.ty) {
        (Rule::Map(parts), _) | (_, Type::Compound(parts)) => parts,
        _ => &[],
    };
    for part in parts {
        paths(&format!("{path}."), part, into);
    }
    into.push(path);
}

#[test]
fn every_field_of_every_kind_has_a_label_in_every_language() {
    for kind in Kind::ALL {
        let mut all = Vec::new();
        kind.spec()
            .fields()
            .for_each(|field| paths("", field, &mut all));
        for (lang, path) in Lang::ALL
            .into_iter()
            .flat_map(|l| all.iter().map(move |p| (l, p)))
        {
            let label = Words::of(lang).field(kind.code(), path);
            assert_ne!(
                &label,
                path,
                "{} lacks a label for {} of {}",
                lang.code(),
                path,
                kind.code()
            );
        }
    }
    assert_eq!(
        Words::of(Lang::Fi).field("service_listing", "names.sv"),
        "Nimi (sv)"
    );
    assert_eq!(
        Words::of(Lang::Fi).field("visit_note", "a.field.of.tomorrow"),
        "a.field.of.tomorrow"
    );
}

#[test]
fn every_finding_has_words_in_every_language() {
    for code in sopu_core::findings::CODES {
        assert!(
            Words::of(Lang::Sv)
                .find(&format!("finding-{code}"), None)
                .is_some(),
            "{code}"
        );
    }
}
