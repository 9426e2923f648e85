//! How long a contract holds, and how it ends.

use jiff::ToSpan;
use jiff::civil::Date;

use super::super::{Contract, NoticePeriod};
use super::Asked;
use crate::documents::check::{Check, code, date};

pub(super) fn period(contract: &Contract, check: &mut Check<'_>, asked: &Asked) {
    check.require(contract.valid_from.is_some(), "valid_from", asked.lock);
    let (from, to) = (
        date(contract.valid_from.as_deref()),
        date(contract.valid_to.as_deref()),
    );
    let backwards = matches!((from, to), (Some(from), Some(to)) if to < from);
    check.add_if(backwards, "valid_to", code::DATE_ORDER, asked.lock);
    let indefinite = contract.indefinite == Some(true);
    let ends = contract.valid_to.is_some();
    check.add_if(
        indefinite && ends,
        "valid_to",
        code::INDEFINITE_WITH_END,
        asked.lock,
    );
    check.add_if(
        !indefinite && !ends && asked.lock,
        "valid_to",
        code::END_REQUIRED,
        true,
    );
}

/// 0-12 months, and a consumer is not bound longer than the provider.
pub(super) fn notice(contract: &Contract, check: &mut Check<'_>, asked: &Asked) {
    check.require(
        contract.notice_period.is_some(),
        "notice_period",
        asked.lock,
    );
    let Some(notice) = &contract.notice_period else {
        return;
    };
    check.require(notice.unit.is_some(), "notice_period.unit", asked.lock);
    let most = match notice.unit.as_deref() {
        Some("day") => 366,
        Some("week") => 52,
        _ => 12,
    };
    for (part, length) in [("customer", notice.customer), ("provider", notice.provider)] {
        let path = format!("notice_period.{part}");
        check.require(length.is_some(), &path, asked.lock);
        let odd = length.is_some_and(|n| !(0..=most).contains(&n));
        check.add_if(odd, path, code::NOTICE_OUT_OF_RANGE, asked.lock);
    }
    let longer = notice.customer > notice.provider && notice.provider.is_some();
    let path = "notice_period.customer";
    check.add_if(
        longer && has_consumer(contract),
        path,
        code::NOTICE_CUSTOMER_LONGER,
        asked.lock,
    );
}

fn has_consumer(contract: &Contract) -> bool {
    contract.parties.values().any(|party| {
        let form = party
            .snapshot
            .as_ref()
            .and_then(|s| s.legal_form.as_deref());
        party.role.as_deref() == Some("customer") && form == Some("person")
    })
}

pub(super) fn termination(contract: &Contract, check: &mut Check<'_>, blocks: bool) {
    let end = contract.termination.clone().unwrap_or_default();
    check.require(end.by.is_some(), "termination.by", blocks);
    check.require(end.date.is_some(), "termination.date", blocks);
    check.require(end.reason.is_some(), "termination.reason", blocks);
    check.require(
        end.effective_on.is_some(),
        "termination.effective_on",
        blocks,
    );
    let by = end.by.map(|key| contract.parties.get(&key));
    check.add_if(
        matches!(by, Some(None)),
        "termination.by",
        code::UNKNOWN_REFERENCE,
        blocks,
    );
    let (Some(given), Some(effective)) =
        (date(end.date.as_deref()), date(end.effective_on.as_deref()))
    else {
        return;
    };
    let path = "termination.effective_on";
    check.add_if(effective < given, path, code::DATE_ORDER, blocks);
    if let (Some(notice), Some(Some(party))) = (&contract.notice_period, by)
        && end.for_cause != Some(true)
    {
        let early =
            earliest_end(given, notice, party.role.as_deref()).is_some_and(|day| effective < day);
        check.add_if(early, path, code::NOTICE_TOO_SHORT, blocks);
    }
}

/// The first day a notice given today may take effect.
fn earliest_end(given: Date, notice: &NoticePeriod, role: Option<&str>) -> Option<Date> {
    let length = if role == Some("customer") {
        notice.customer?
    } else {
        notice.provider?
    };
    let length = i32::try_from(length.clamp(0, 10_000)).ok()?;
    let span = match notice.unit.as_deref()? {
        "day" => length.days(),
        "week" => length.weeks(),
        "month" => length.months(),
        _ => return None,
    };
    given.checked_add(span).ok()
}
