//! Lists and search.

use serde_json::json;

use super::world::World;
use crate::documents::Kind;
use crate::id::{DocId, SpaceId};
use crate::store::Store;
use crate::store::list::{Page, Query, Sort, list};
use crate::store::outbox::Stage;

fn run(store: &Store, query: &Query) -> Page {
    list(store.conn(), query).expect("lists")
}

fn titles(store: &Store, query: &Query) -> Vec<String> {
    run(store, query)
        .rows
        .into_iter()
        .map(|row| row.title)
        .collect()
}

fn found(store: &Store, typed: &str) -> Vec<String> {
    let query = Query {
        text: Some(typed.into()),
        sort: Sort::Title,
        descending: false,
        ..Query::default()
    };
    titles(store, &query)
}

fn notes(texts: &[&str]) -> (World, Store) {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    for text in texts {
        world.note(&mut store, text);
    }
    (world, store)
}

#[test]
fn pages_follow_each_other_without_gap_or_overlap() {
    let texts: Vec<String> = (0..25).map(|i| format!("Kirjaus {i:02}")).collect();
    let (_, store) = notes(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    for (sort, descending) in [
        (Sort::Title, false),
        (Sort::Title, true),
        (Sort::Updated, true),
        (Sort::Date, false),
    ] {
        let mut seen = Vec::new();
        for offset in [0, 10, 20, 30] {
            let page = run(
                &store,
                &Query {
                    sort,
                    descending,
                    offset,
                    limit: 10,
                    ..Query::default()
                },
            );
            assert_eq!(page.total, 25);
            seen.extend(page.rows.into_iter().map(|row| row.title));
        }
        let mut expected = texts.clone();
        if descending {
            expected.reverse();
        }
        assert_eq!(seen, expected, "{sort:?} {descending}");
    }
}

#[test]
fn what_was_changed_last_comes_first() {
    let (world, mut store) = notes(&["eka", "toka", "kolmas"]);
    assert_eq!(titles(&store, &Query::default()), ["kolmas", "toka", "eka"]);
    let doc = run(&store, &Query::default()).rows[2].doc;
    world.edit(&mut store, doc, |v| v["summary"] = json!("eka uudestaan"));
    assert_eq!(
        titles(&store, &Query::default()),
        ["eka uudestaan", "kolmas", "toka"]
    );
    assert_eq!(
        run(&store, &Query::default()).rows[0].changed_by,
        Some(world.me)
    );
}

#[test]
fn titles_come_in_finnish_order() {
    let (_, store) = notes(&["Öljy", "zeniitti", "Äes", "aura", "Åland", "Omena"]);
    let query = Query {
        sort: Sort::Title,
        descending: false,
        ..Query::default()
    };
    assert_eq!(
        titles(&store, &query),
        ["aura", "Omena", "zeniitti", "Åland", "Äes", "Öljy"]
    );
}

#[test]
fn a_finnish_word_finds_itself_and_no_other() {
    let (_, store) = notes(&[
        "Hyvä sää tänään",
        "Ei saa unohtaa",
        "KÄYNTI ÅBO",
        "kotihoidon käynti",
    ]);
    assert_eq!(found(&store, "sää"), ["Hyvä sää tänään"]);
    assert_eq!(found(&store, "SÄÄ"), ["Hyvä sää tänään"]);
    assert_eq!(found(&store, "saa"), ["Ei saa unohtaa"]);
    assert_eq!(found(&store, "käynti"), ["kotihoidon käynti", "KÄYNTI ÅBO"]);
    assert_eq!(found(&store, "åbo"), ["KÄYNTI ÅBO"]);
    // A keyboard that sends the letter and its dots apart means the same letter.
    assert_eq!(found(&store, "sa\u{308}a\u{308}"), ["Hyvä sää tänään"]);
}

#[test]
fn the_first_part_of_a_compound_finds_it() {
    let (_, store) = notes(&["kotihoitokäynti", "kotiapu", "hoito"]);
    assert_eq!(found(&store, "koti"), ["kotiapu", "kotihoitokäynti"]);
    assert_eq!(found(&store, "kotih"), ["kotihoitokäynti"]);
    assert_eq!(found(&store, "k"), ["kotiapu", "kotihoitokäynti"]);
    assert_eq!(found(&store, "hoito"), ["hoito"]);
}

#[test]
fn every_word_must_occur() {
    let (_, store) = notes(&["ohra kuiva", "ohra märkä", "vehnä kuiva"]);
    assert_eq!(found(&store, "  kuiva   ohra "), ["ohra kuiva"]);
    assert_eq!(found(&store, "").len(), 3, "nothing typed filters nothing");
}

#[test]
fn hostile_search_text_is_only_text() {
    let (_, store) = notes(&["lainaus \"sitaatti\" tässä", "title note"]);
    for typed in [
        "\"",
        "\"\"",
        "*",
        "a*b",
        "title:",
        "body : x",
        "{title body}: x",
        "NEAR(",
        "NEAR(a b, 2)",
        "AND",
        "OR OR",
        "NOT",
        "^",
        "- -",
        "(",
        ")",
        "a\0b",
        "';--",
        "\u{308}",
        "\\",
        "+ +",
        "🙂",
    ] {
        let _ = found(&store, typed);
    }
    assert_eq!(
        found(&store, "\"sitaatti\""),
        ["lainaus \"sitaatti\" tässä"]
    );
    assert_eq!(
        found(&store, "note OR lainaus"),
        Vec::<String>::new(),
        "OR is a word"
    );
    assert_eq!(found(&store, "***"), Vec::<String>::new());
    let long = "sana ".repeat(10_000);
    assert_eq!(found(&store, &long), Vec::<String>::new());
}

#[test]
fn an_edit_moves_the_search_row() {
    let (world, mut store) = notes(&["vanhasana"]);
    let doc = run(&store, &Query::default()).rows[0].doc;
    world.edit(&mut store, doc, |v| v["summary"] = json!("uusisana"));
    assert_eq!(found(&store, "vanhasana"), Vec::<String>::new());
    assert_eq!(found(&store, "uusisana"), ["uusisana"]);
}

/// Taking all words of a note out of the index and putting them back was most of what a save cost.
#[test]
fn words_typed_since_the_last_search_are_indexed_by_the_next_one() {
    let (world, mut store) = notes(&["eka"]);
    let doc = run(&store, &Query::default()).rows[0].doc;
    let indexed = |store: &Store| -> String {
        let sql = "SELECT coalesce(max(body), '') FROM search";
        store
            .conn()
            .query_row(sql, [], |row| row.get(0))
            .expect("reads")
    };
    assert_eq!(found(&store, "eka"), ["eka"]);
    for words in ["eka toka", "eka toka kolmas", "toka kolmas"] {
        world.edit(&mut store, doc, |v| v["summary"] = json!(words));
        assert!(!indexed(&store).contains("toka"));
    }
    assert_eq!(found(&store, "kolmas"), ["toka kolmas"]);
    assert!(indexed(&store).contains("kolmas"));
    assert_eq!(found(&store, "eka"), Vec::<String>::new());
}

#[test]
fn filters_hold_together() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let farm = DocId::mint(&world.env).to_string();
    let note = |summary: &str, start: i64, status: &str| {
        json!({"summary": summary, "subject_id": farm, "status": status,
            "actual_start": {"at": start, "by": world.me.to_string()}})
    };
    // Noon in Helsinki on 20, 21 and 22 November 2026.
    let day = 86_400_000;
    let noon = 1_795_168_800_000;
    world.create(&mut store, Kind::VisitNote, &note("yksi", noon, "done"));
    world.create(
        &mut store,
        Kind::VisitNote,
        &note("kaksi", noon + day, "done"),
    );
    world.create(
        &mut store,
        Kind::VisitNote,
        &note("kolme", noon + 2 * day, "started"),
    );
    world.create(&mut store, Kind::Contract, &json!({"title": "sopimus"}));
    let ask = |query: Query| {
        titles(
            &store,
            &Query {
                sort: Sort::Date,
                descending: false,
                ..query
            },
        )
    };
    let any = Query::default;

    assert_eq!(
        ask(Query {
            kind: Some(Kind::Contract),
            ..any()
        })
        .len(),
        1
    );
    assert_eq!(
        ask(Query {
            kind: Some(Kind::VisitNote),
            ..any()
        }),
        ["yksi", "kaksi", "kolme"]
    );
    assert_eq!(
        ask(Query {
            subject: Some(farm.clone()),
            ..any()
        })
        .len(),
        3
    );
    assert_eq!(
        ask(Query {
            status: vec!["done".into()],
            ..any()
        }),
        ["yksi", "kaksi"]
    );
    assert_eq!(
        ask(Query {
            status: vec!["done".into(), "started".into()],
            ..any()
        })
        .len(),
        3
    );
    assert_eq!(
        ask(Query {
            from: Some("2026-11-21".into()),
            ..any()
        }),
        ["kaksi", "kolme"]
    );
    assert_eq!(
        ask(Query {
            to: Some("2026-11-20".into()),
            ..any()
        }),
        ["yksi"]
    );
    let both = Query {
        from: Some("2026-11-21".into()),
        status: vec!["done".into()],
        text: Some("kak".into()),
        ..any()
    };
    assert_eq!(ask(both), ["kaksi"]);
    assert_eq!(
        ask(Query {
            conflicts_only: true,
            ..any()
        }),
        Vec::<String>::new()
    );
}

#[test]
fn no_space_is_not_every_space() {
    let (world, store) = notes(&["a", "b"]);
    let of = |spaces: Vec<SpaceId>| {
        run(
            &store,
            &Query {
                spaces: Some(spaces),
                ..Query::default()
            },
        )
    };
    assert_eq!(of(vec![world.space]).total, 2);
    assert_eq!(of(vec![SpaceId::mint(&world.env), world.space]).total, 2);
    assert_eq!(of(vec![SpaceId::mint(&world.env)]).total, 0);
    assert_eq!(of(vec![]), Page::default());
}

#[test]
fn rows_say_how_far_the_work_has_come() {
    let (_, store) = notes(&["a"]);
    let row = run(&store, &Query::default()).rows.remove(0);
    assert_eq!(row.progress.stage(), Some(Stage::Here));
}

#[test]
fn the_usual_list_reads_an_index_and_sorts_nothing() {
    let (_, store) = notes(&["a"]);
    for key in ["updated_ms", "date", "title_key"] {
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT d.id FROM view v JOIN document d ON d.n = v.doc
             ORDER BY v.{key} DESC, v.doc DESC LIMIT 50 OFFSET 0"
        );
        let mut statement = store.conn().prepare(&sql).expect("prepares");
        let plan: Vec<String> = statement
            .query_map([], |row| row.get(3))
            .expect("explains")
            .collect::<rusqlite::Result<_>>()
            .expect("reads");
        assert!(
            !plan.iter().any(|step| step.contains("TEMP B-TREE")),
            "{plan:?}"
        );
    }
}
