use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::*;

/// Late enough for every sample: 2026-12-01.
pub(super) const NOW: i64 = 1_796_083_200_000;

pub(super) fn id(n: u128) -> String {
    Uuid::from_u128(n).to_string()
}

pub(super) fn doc(n: u128) -> DocId {
    DocId(Uuid::from_u128(n))
}

fn view(n: u128, kind: Kind, value: Value) -> View {
    View {
        id: doc(n),
        space: SpaceId(Uuid::from_u128(1)),
        kind,
        value,
        conflicts: Vec::new(),
        log_clashes: Vec::new(),
        trace: Trace::default(),
    }
}

pub(super) fn note(n: u128, value: Value) -> View {
    view(n, Kind::VisitNote, value)
}

pub(super) fn contract(n: u128, value: Value) -> View {
    view(n, Kind::Contract, value)
}

pub(super) fn in_space(space: u128, view: View) -> View {
    View {
        space: SpaceId(Uuid::from_u128(space)),
        ..view
    }
}

/// The one finding there is, of this code.
pub(super) fn only(findings: Vec<Finding>, code: &str) -> Finding {
    let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [code]);
    findings.into_iter().next().expect("one")
}

/// A record in which every rule finds something.
fn troubled() -> Vec<View> {
    let quota = json!({ id(50): {"limit": "4", "unit": "h", "period": "contract"} });
    let party =
        |party: u128| json!({"party_id": id(party), "snapshot": {"business_id": "2189312-7"}});
    let visit = |n: u128| {
        let entry = json!({"contract": id(1), "quota": id(50), "qty": "3", "unit": "h", "date": "2026-11-20", "round": 1});
        let dose = json!({"drug": "Marevan", "planned_at": 0, "state": "given"});
        let start = NOW + 3_600_000;
        let mut view = note(
            n,
            json!({
                "visit_key": "v", "status": "done", "contract_id": id(1), "subject_kind": "client", "subject_id": id(8),
                "planned": {"start": 0, "end": 10, "worker": id(7)}, "workers": [id(6), id(7)],
                "actual_start": {"at": start, "offset_ms": 400_000}, "actual_end": {"at": start + 1_000_000},
                "quota_entries": { id(60 + n): entry }, "doses": { id(70 + n): dose },
            }),
        );
        view.trace.edited_after_removal.insert("tasks.k".into());
        view.trace
            .edited_by_others
            .insert("entries.k".into(), BTreeSet::new());
        view.trace.changed_after_final.insert("km".into());
        view.log_clashes.push(LogClash {
            field: "quota_entries".into(),
            key: id(60 + n),
            values: Vec::new(),
        });
        view
    };
    let planned = |n: u128| {
        note(
            n,
            json!({
                "status": "planned", "subject_kind": "client", "subject_id": id(8), "planned": {"start": 0, "end": 10, "worker": id(7)},
            }),
        )
    };
    vec![
        contract(
            1,
            json!({"status": "locked", "quotas": quota, "parties": { id(30): party(40), id(31): party(41) }}),
        ),
        visit(2),
        visit(3),
        planned(4),
        planned(5),
        in_space(2, visit(6)),
        in_space(2, planned(7)),
    ]
}

#[test]
fn a_troubled_record_shows_every_code() {
    let views = troubled();
    let codes: BTreeSet<_> = findings(&views, NOW)
        .into_iter()
        .map(|finding| finding.code)
        .collect();
    let expected = [
        "changed_after_finalising",
        "client_double_booked",
        "clock_off",
        "dose_given_twice",
        "duplicate_party",
        "entries_differ",
        "entry_edited_by_other",
        "no_contract_in_force",
        "quota_overdrawn",
        "removed_item_edited",
        "starts_in_future",
        "two_doers",
        "visit_recorded_twice",
        "worker_double_booked",
        "worker_in_two_places",
    ];
    assert_eq!(codes, BTreeSet::from(expected));
}

#[test]
fn safety_comes_first() {
    let found = findings(&troubled(), NOW);
    assert_eq!(
        found.first().map(|finding| finding.severity),
        Some(Severity::Safety)
    );
    assert!(found.is_sorted_by_key(|finding| finding.severity));
}

#[test]
fn keys_tell_all_findings_apart() {
    let views = troubled();
    for found in [findings(&views, NOW), findings_across(&views, NOW)] {
        let keys: BTreeSet<_> = found.iter().map(|finding| &finding.key).collect();
        assert_eq!(keys.len(), found.len());
    }
}

#[test]
fn another_space_adds_and_takes_nothing() {
    let (one, other): (Vec<View>, Vec<View>) = troubled()
        .into_iter()
        .partition(|view| view.space == SpaceId(Uuid::from_u128(1)));
    let alone = |views: &[View]| {
        findings(views, NOW)
            .into_iter()
            .map(|f| f.key)
            .collect::<BTreeSet<_>>()
    };
    let together: BTreeSet<_> = alone(&one).union(&alone(&other)).cloned().collect();
    assert_eq!(alone(&troubled()), together);
}

proptest! {
    #[test]
    fn the_order_and_repetition_of_views_change_nothing(
        shuffled in Just(troubled()).prop_shuffle(),
        again in 0..7usize,
    ) {
        let mut repeated = shuffled.clone();
        repeated.push(shuffled[again].clone());
        prop_assert_eq!(findings(&repeated, NOW), findings(&troubled(), NOW));
        prop_assert_eq!(findings_across(&repeated, NOW), findings_across(&troubled(), NOW));
    }

    #[test]
    fn fewer_documents_never_make_more_findings_of_what_is_missing(keep in proptest::collection::vec(any::<bool>(), 7)) {
        let all: BTreeSet<String> = findings(&troubled(), NOW).into_iter().map(|f| f.key).collect();
        let mut keep = keep.into_iter();
        let mut some = troubled();
        some.retain(|_| keep.next().unwrap_or(true));
        for finding in findings(&some, NOW).into_iter().filter(|f| f.code != "visit_recorded_twice") {
            prop_assert!(all.contains(&finding.key), "{}", finding.key);
        }
    }
}
