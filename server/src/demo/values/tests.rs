#![expect(clippy::expect_used, reason = "a test that fails should say where")]

use jiff::civil::{Date, date};
use serde_json::Value;
use sopu_core::documents::{Kind, Validation, validate};
use sopu_core::edit::diff;
use sopu_core::genesis::genesis;
use sopu_core::read::read;
use sopu_core::time::SystemEnv;

use super::*;
use crate::demo::cast::{FIRMS, clients};
use crate::demo::chance::Chance;
use crate::demo::phone_clock::moment as true_moment;
use crate::demo::texts::LISTINGS;

const TODAY: Date = date(2026, 11, 21);

/// The value fits the field table, and nothing blocks the step.
fn holds(kind: Kind, value: &Value, towards: &str) {
    let empty = read(&genesis(kind).document(), kind);
    let diff = diff(kind, &empty, value, &mut || mint_uuid(&SystemEnv)).expect("fits the table");
    assert_eq!(diff.ignored, []);
    assert!(diff.edits.len() > 5);
    let blocking: Vec<_> = validate(
        kind,
        value,
        &Validation {
            towards,
            today: TODAY,
        },
    )
    .into_iter()
    .filter(|problem| problem.blocks)
    .collect();
    assert_eq!(blocking, [], "{}", kind.code());
}

fn makers<'a>(member: &'a str, other: &'a str, provider: &'a str) -> contract::Makers<'a> {
    contract::Makers {
        responsible: member,
        signs: other,
        provider,
        from: TODAY,
        at_ms: 1_790_000_000_000,
    }
}

#[test]
fn every_care_note_fits_and_can_be_closed() {
    let (subject, worker, contract, item) = (fresh(), fresh(), fresh(), fresh());
    for client in clients(3, 40) {
        let start_ms = true_moment(TODAY, 7, 5);
        let visit = care_note::Visit {
            client: &client,
            subject: &subject,
            contract: &contract,
            item: &item,
            worker: &worker,
            start_ms,
            minutes: 45,
        };
        let planned = care_note::planned(&visit);
        holds(Kind::VisitNote, &planned, "save");
        let mut chance = Chance::new(3, &client.name);
        let start = json!({"at": start_ms, "tz": "Europe/Helsinki"});
        let end = json!({"at": start_ms + 2_700_000, "tz": "Europe/Helsinki"});
        holds(
            Kind::VisitNote,
            &care_note::filled(&planned, &visit, start, end, &mut chance),
            "finalised",
        );
    }
}

#[test]
fn every_farm_note_fits_and_is_as_long_as_advisors_write() {
    let (subject, worker, contract, item) = (fresh(), fresh(), fresh(), fresh());
    for n in 0..30 {
        let number = n % 3;
        let start_ms = true_moment(TODAY, 8, 30);
        let visit = advisory_note::FarmVisit {
            farm: &FIRMS[5 + number],
            number,
            subject: &subject,
            contract: &contract,
            item: &item,
            worker: &worker,
            day: TODAY,
            start_ms,
            minutes: 135,
        };
        let start = json!({"at": start_ms});
        let end = json!({"at": start_ms + 135 * 60_000});
        let note = advisory_note::note(&visit, start, end, &mut Chance::new(n as u64, "farm"));
        holds(Kind::VisitNote, &note, "finalised");
        let chars = sopu_core::documents::summarise(Kind::VisitNote, &note)
            .text
            .chars()
            .count();
        assert!((1_800..4_000).contains(&chars), "{chars}");
    }
}

#[test]
fn every_contract_fits_and_can_be_locked() {
    let (member, other, provider, subject) = (fresh(), fresh(), fresh(), fresh());
    let makers = makers(&member, &other, &provider);
    for client in clients(5, 20) {
        let contract = contract::care(
            &client,
            &subject,
            &makers,
            &mut Chance::new(5, &client.name),
        );
        holds(Kind::Contract, &contract, "locked");
    }
    let mut chance = Chance::new(5, "contracts");
    for farm in &FIRMS[5..] {
        let contract = contract::advisory(farm, &subject, date(2026, 12, 31), &makers, &mut chance);
        assert!(
            contract["quotas"]
                .as_object()
                .is_some_and(|quotas| quotas.len() == 1)
        );
        holds(Kind::Contract, &contract, "locked");
    }
    holds(
        Kind::Contract,
        &contract::substitutes(&fresh(), &makers, &mut chance),
        "locked",
    );
}

#[test]
fn every_listing_fits_and_can_be_published() {
    for listing in &LISTINGS.listings {
        let provider = FIRMS
            .iter()
            .find(|firm| firm.key == provider_key(&listing.provider))
            .expect("known");
        let value = listing::listing(
            listing,
            provider,
            &fresh(),
            &fresh(),
            TODAY,
            1_790_000_000_000,
        );
        holds(Kind::ServiceListing, &value, "published");
    }
}

fn provider_key(of: &str) -> &str {
    match of {
        "green" => "farm0",
        "advisory" => "advice",
        other => other,
    }
}
