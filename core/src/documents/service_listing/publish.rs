//! What the public reads: a snapshot frozen at publication, never the live draft.

use data_encoding::HEXLOWER;
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::ServiceListing;
use crate::documents::Document;
use crate::documents::check::{date, live};
use crate::documents::contract::Seal;
use crate::id::MemberId;
use crate::signing::canon::Sealed::{self, Each, One, Parts};
use crate::signing::canon::{bytes_of, fields_of};

/// Number of the field list new snapshots are made by.
const CANON: u32 = 1;

const LANGUAGES: &[Sealed] = &[One("fi"), One("sv"), One("en")];
const PLAN: &[Sealed] = &[One("url"), One("reviewed_on")];

/// The public fields of a listing as of N = 1. Left out: who wrote and reviewed it, answers to
/// criteria, and what changes from day to day and is read live (capacity, pause, confirmation).
const LISTING_1: &[Sealed] = &[
    Parts("names", LANGUAGES),
    Parts("alt_names", LANGUAGES),
    Parts("keywords", LANGUAGES),
    Parts("summary", LANGUAGES),
    Parts("description", LANGUAGES),
    Parts("instructions", LANGUAGES),
    Parts("conditions", LANGUAGES),
    One("provider_id"),
    Parts("provider", &[One("name"), One("business_id")]),
    One("producers"),
    One("service_classes"),
    One("ontology_terms"),
    One("target_groups"),
    One("life_events"),
    One("industry_codes"),
    One("area_type"),
    One("municipalities"),
    One("languages"),
    One("funding_types"),
    One("charge_type"),
    Parts("voucher", &[One("in_use"), One("counties"), One("info")]),
    Each(
        "prices",
        &[
            One("unit"),
            One("amount_cents"),
            One("vat_class"),
            One("from"),
            One("to"),
            One("note"),
            One("supersedes"),
            One("withdrawn"),
        ],
    ),
    Each(
        "channels",
        &[
            One("type"),
            One("name"),
            One("address"),
            One("postcode"),
            One("city"),
            One("municipality"),
            One("phone"),
            One("email"),
            One("url"),
            One("hours"),
            One("lang"),
        ],
    ),
    Each(
        "hours",
        &[
            One("kind"),
            One("days"),
            One("from"),
            One("to"),
            One("valid_from"),
            One("valid_to"),
            One("closed"),
            One("note"),
        ],
    ),
    Each(
        "quality_marks",
        &[
            One("mark"),
            One("granted_on"),
            One("expires_on"),
            One("supersedes"),
            One("withdrawn"),
        ],
    ),
    One("soteri_id"),
    One("register_note"),
    Parts(
        "plan_refs",
        &[Parts("self_monitoring", PLAN), Parts("safety", PLAN)],
    ),
    One("accessibility"),
    One("nature_attrs"),
    One("contact_person_public"),
];

/// The snapshot to add when a listing is published. `None` if the content has no canonical form.
pub fn snapshot_entry(value: &Value, by: MemberId, at_ms: i64) -> Option<Seal> {
    let bytes = bytes_of(LISTING_1, "service_listing", CANON, value)?;
    Some(Seal {
        canon: Some(i64::from(CANON)),
        hash: Some(HEXLOWER.encode(&Sha256::digest(&bytes))),
        bytes: Some(HEXLOWER.encode(&bytes)),
        by: Some(by.0),
        at: Some(at_ms),
    })
}

/// What the public may read today: the newest snapshot that fits its hash, without price rows and
/// quality marks that no longer count. `None` while the listing is not published, and when nobody
/// has confirmed it for a year.
pub fn public_content(value: &Value, today: Date) -> Option<Value> {
    let listing = ServiceListing::from_value(value);
    let confirmed = date(listing.last_confirmed.as_deref())?;
    let too_old = confirmed
        .checked_add(12.months())
        .is_ok_and(|limit| limit < today);
    if listing.status.as_deref() != Some("published") || too_old {
        return None;
    }
    let snapshot = listing.snapshots.values().rev().find_map(open)?;
    let mut shown = ServiceListing::from_value(&snapshot);
    let day = today.to_string();
    let prices = live(
        &shown.prices,
        |p| p.supersedes,
        |p| p.withdrawn == Some(true),
    );
    let prices = prices
        .into_iter()
        .filter(|(_, p)| p.to.as_ref().is_none_or(|to| *to >= day));
    let prices = prices.map(|(key, price)| (*key, price.clone())).collect();
    let marks = live(
        &shown.quality_marks,
        |m| m.supersedes,
        |m| m.withdrawn == Some(true),
    );
    let marks = marks
        .into_iter()
        .filter(|(_, m)| m.expires_on.as_ref().is_none_or(|to| *to >= day));
    let marks = marks.map(|(key, mark)| (*key, mark.clone())).collect();
    shown.prices = prices;
    shown.quality_marks = marks;
    // Read live, so that a pause or a full house shows at once.
    shown.paused = listing.paused;
    shown.paused_until = listing.paused_until;
    shown.capacity = listing.capacity;
    shown.last_confirmed = listing.last_confirmed;
    Some(shown.to_value())
}

fn open(seal: &Seal) -> Option<Value> {
    let bytes = HEXLOWER.decode(seal.bytes.as_deref()?.as_bytes()).ok()?;
    let fits = seal.hash.as_deref() == Some(HEXLOWER.encode(&Sha256::digest(&bytes)).as_str());
    fields_of(&bytes, "service_listing").filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date as day;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    const TODAY: Date = day(2026, 11, 22);

    fn published() -> ServiceListing {
        let mut listing = ServiceListing::from_value(&json!({
            "names": {"fi": "Kotipalvelu"},
            "status": "published",
            "last_confirmed": "2026-06-01",
            "criteria_answers": {"0190b5a0-0000-7000-8000-000000000001": {"level": "partly"}},
            "prices": {
                "0190b5a0-0000-7000-8000-000000000001": {"unit": "h", "to": "2026-01-31"},
                "0190b5a0-0000-7000-8000-000000000002": {"unit": "h", "amount_cents": 4500},
            },
            "quality_marks": {
                "0190b5a0-0000-7000-8000-000000000001": {"mark": "luontohoiva", "expires_on": "2026-11-21"},
                "0190b5a0-0000-7000-8000-000000000002": {"mark": "luontovoima", "expires_on": "2026-11-22"},
            },
        }));
        let by = MemberId(Uuid::nil());
        let seal = snapshot_entry(&listing.to_value(), by, 1).expect("sealable");
        listing.snapshots.insert(Uuid::from_u128(1), seal);
        listing
    }

    #[test]
    fn the_public_reads_the_snapshot_and_never_the_draft() {
        let mut listing = published();
        listing.names.fi = Some("Luonnos".to_owned());
        let shown = public_content(&listing.to_value(), TODAY).expect("published");
        assert_eq!(shown["names"]["fi"], "Kotipalvelu");
        assert!(shown.get("criteria_answers").is_none(), "not public");
        assert!(shown.get("status").is_none());
    }

    #[test]
    fn a_new_publication_replaces_the_old() {
        let mut listing = published();
        listing.names.fi = Some("Kotipalvelu ja siivous".to_owned());
        let seal = snapshot_entry(&listing.to_value(), MemberId(Uuid::nil()), 2).expect("sealable");
        listing.snapshots.insert(Uuid::from_u128(2), seal);
        let shown = public_content(&listing.to_value(), TODAY).expect("published");
        assert_eq!(shown["names"]["fi"], "Kotipalvelu ja siivous");
    }

    #[test]
    fn old_prices_and_expired_marks_are_not_shown() {
        let shown = public_content(&published().to_value(), TODAY).expect("published");
        let shown = ServiceListing::from_value(&shown);
        let prices: Vec<_> = shown.prices.values().map(|p| p.amount_cents).collect();
        assert_eq!(prices, [Some(4500)]);
        let marks: Vec<_> = shown
            .quality_marks
            .values()
            .map(|m| m.mark.as_deref())
            .collect();
        assert_eq!(marks, [Some("luontovoima")]);
    }

    #[test]
    fn nothing_is_shown_before_publication_after_withdrawal_or_a_year_without_confirmation() {
        for status in ["draft", "in_review", "withdrawn"] {
            let mut listing = published();
            listing.status = Some(status.to_owned());
            assert_eq!(public_content(&listing.to_value(), TODAY), None, "{status}");
        }
        let mut listing = published();
        listing.last_confirmed = Some("2025-11-21".to_owned());
        assert_eq!(public_content(&listing.to_value(), TODAY), None);
        listing.last_confirmed = Some("2025-11-22".to_owned());
        assert!(public_content(&listing.to_value(), TODAY).is_some());
    }

    #[test]
    fn a_pause_shows_at_once() {
        let mut listing = published();
        listing.paused = Some(true);
        let shown = public_content(&listing.to_value(), TODAY).expect("published");
        assert_eq!(shown["paused"], true);
    }

    #[test]
    fn a_damaged_snapshot_is_passed_over() {
        let mut listing = published();
        let damaged = Seal {
            bytes: Some("a0".to_owned()),
            ..listing.snapshots[&Uuid::from_u128(1)].clone()
        };
        listing.snapshots.insert(Uuid::from_u128(2), damaged);
        let shown = public_content(&listing.to_value(), TODAY).expect("the one before");
        assert_eq!(shown["names"]["fi"], "Kotipalvelu");
    }
}
