//! What a listing must fulfil before it is published. Saving is never stopped, and sending it to
//! review shows the same problems without blocking.

use jiff::ToSpan;
use jiff::civil::Date;

use super::{SPEC, ServiceListing};
use crate::codes;
use crate::documents::check::{Check, PricePeriod, code, date, is_https_url, live};
use crate::documents::contract::PlanRef;
use crate::documents::{Document, Problem, Validation};

mod classes;
mod reach;
mod texts;

/// Months a listing may go without anybody confirming it before it is marked.
const CONFIRM_MONTHS: i32 = 6;
/// Months after which it is no longer shown.
const HIDE_MONTHS: i32 = 12;
/// Months a plan counts as reviewed.
const PLAN_MONTHS: i32 = 12;
/// Days a number of free places is believed.
const CAPACITY_DAYS: i32 = 14;

/// What the transition in question asks for.
struct Asked {
    /// Problems are shown.
    any: bool,
    /// Problems block.
    publish: bool,
}

pub(super) fn validate(listing: &ServiceListing, ctx: &Validation<'_>) -> Vec<Problem> {
    let mut check = Check::new(ctx);
    let publish = ctx.towards == "published";
    let asked = Asked {
        any: publish || ctx.towards == "in_review",
        publish,
    };
    check.shape(&SPEC, &listing.to_value(), ctx.today, publish);
    texts::texts(listing, &mut check, &asked);
    provider(listing, &mut check, &asked);
    classes::classes(listing, &mut check, &asked);
    area(listing, &mut check, &asked);
    prices(listing, &mut check, &asked);
    reach::channels(listing, &mut check, &asked);
    reach::hours(listing, &mut check, &asked);
    register(listing, &mut check, &asked);
    freshness(listing, &mut check, &asked);
    check.finish()
}

/// Not [`Check::require`]: review shows what is missing without blocking.
fn require(check: &mut Check<'_>, present: bool, path: &str, asked: &Asked) {
    check.add_if(!present && asked.any, path, code::REQUIRED, asked.publish);
}

fn provider(listing: &ServiceListing, check: &mut Check<'_>, asked: &Asked) {
    require(check, listing.provider_id.is_some(), "provider_id", asked);
    let shown = listing.provider.clone().unwrap_or_default();
    require(check, shown.name.is_some(), "provider.name", asked);
    let (id, reason) = (
        shown.business_id.as_deref(),
        shown.no_business_id_reason.as_deref(),
    );
    if asked.any || id.is_some() {
        check.business_id("provider", id, reason, asked.publish);
    }
}

fn count(
    check: &mut Check<'_>,
    path: &str,
    n: usize,
    range: std::ops::RangeInclusive<usize>,
    asked: &Asked,
) {
    check.add_if(
        n < *range.start() && asked.any,
        path,
        code::TOO_FEW,
        asked.publish,
    );
    check.add_if(n > *range.end(), path, code::TOO_MANY, asked.publish);
}

fn area(listing: &ServiceListing, check: &mut Check<'_>, asked: &Asked) {
    require(check, listing.area_type.is_some(), "area_type", asked);
    let limited = listing.area_type.as_deref() == Some("limited");
    let nowhere = limited && listing.municipalities.is_empty() && asked.any;
    check.add_if(
        nowhere,
        "municipalities",
        code::MUNICIPALITY_REQUIRED,
        asked.publish,
    );
}

fn prices(listing: &ServiceListing, check: &mut Check<'_>, asked: &Asked) {
    let rows = live(
        &listing.prices,
        |p| p.supersedes,
        |p| p.withdrawn == Some(true),
    );
    require(check, listing.charge_type.is_some(), "charge_type", asked);
    let unpriced = listing.charge_type.as_deref() == Some("chargeable") && rows.is_empty();
    check.add_if(
        unpriced && asked.any,
        "prices",
        code::PRICES_MISSING,
        asked.publish,
    );
    let mut periods = Vec::new();
    for (key, price) in rows {
        let path = format!("prices.{key}");
        require(check, price.unit.is_some(), &format!("{path}.unit"), asked);
        require(
            check,
            price.amount_cents.is_some(),
            &format!("{path}.amount_cents"),
            asked,
        );
        require(check, price.from.is_some(), &format!("{path}.from"), asked);
        let negative = price.amount_cents.is_some_and(|cents| cents < 0);
        check.add_if(
            negative,
            format!("{path}.amount_cents"),
            code::NEGATIVE,
            asked.publish,
        );
        periods.push(PricePeriod {
            path,
            // The remark tells apart two prices in one unit, a day's and a night's hour.
            thing: format!("{:?} {:?}", price.unit, price.note),
            from: price.from.clone(),
            to: price.to.clone(),
        });
    }
    check.prices(&periods, asked.publish);
    let voucher = listing.voucher.clone().unwrap_or_default();
    if voucher.in_use == Some(true) {
        require(
            check,
            !voucher.counties.is_empty(),
            "voucher.counties",
            asked,
        );
    }
}

/// Social and health services must be in the Soteri register; some may rely on the county's own
/// register for a transition that the dated code list `register` knows (741/2023 section 55).
fn register(listing: &ServiceListing, check: &mut Check<'_>, asked: &Asked) {
    let today = check.ctx.today;
    if listing.is_social_or_health(today) {
        let transition =
            codes::valid("register", "county", today) && listing.register_note.is_some();
        let missing = listing.soteri_id.is_none() && asked.any;
        check.add_if(
            missing && !transition,
            "soteri_id",
            code::SOTERI_REQUIRED,
            asked.publish,
        );
        check.add_if(
            missing && transition,
            "soteri_id",
            code::REGISTER_TRANSITION,
            false,
        );
        let plan = listing.plan_refs.self_monitoring.as_ref();
        let absent = plan.is_none_or(|p| p.url.is_none()) && asked.any;
        check.add_if(
            absent,
            "plan_refs.self_monitoring",
            code::PLAN_MISSING,
            asked.publish,
        );
    }
    let plans = [
        (
            "plan_refs.self_monitoring",
            &listing.plan_refs.self_monitoring,
        ),
        ("plan_refs.safety", &listing.plan_refs.safety),
    ];
    for (path, plan) in plans {
        if let Some(PlanRef {
            url, reviewed_on, ..
        }) = plan
        {
            let odd = url.as_deref().is_some_and(|url| !is_https_url(url));
            check.add_if(odd, format!("{path}.url"), code::URL_INVALID, asked.publish);
            let old = date(reviewed_on.as_deref()).is_some_and(|d| older(d, PLAN_MONTHS, today));
            check.add_if(old, path, code::PLAN_OUTDATED, false);
        }
    }
}

fn freshness(listing: &ServiceListing, check: &mut Check<'_>, asked: &Asked) {
    let today = check.ctx.today;
    require(check, listing.review_due.is_some(), "review_due", asked);
    let latest = today.checked_add(CONFIRM_MONTHS.months()).ok();
    let far = date(listing.review_due.as_deref())
        .zip(latest)
        .is_some_and(|(due, latest)| due > latest);
    check.add_if(far, "review_due", code::REVIEW_TOO_FAR, asked.publish);

    require(
        check,
        listing.last_confirmed.is_some(),
        "last_confirmed",
        asked,
    );
    if let Some(confirmed) = date(listing.last_confirmed.as_deref()) {
        if older(confirmed, HIDE_MONTHS, today) {
            check.add("last_confirmed", code::CONFIRMATION_TOO_OLD, asked.publish);
        } else if older(confirmed, CONFIRM_MONTHS, today) {
            check.add("last_confirmed", code::CONFIRMATION_OVERDUE, false);
        }
    }
    if let Some(capacity) = &listing.capacity {
        let negative = capacity.free_slots.is_some_and(|n| n < 0);
        check.add_if(
            negative,
            "capacity.free_slots",
            code::NEGATIVE,
            asked.publish,
        );
        let as_of = date(capacity.as_of.as_deref());
        let stale = as_of
            .and_then(|d| d.checked_add(CAPACITY_DAYS.days()).ok())
            .is_some_and(|d| d < today);
        check.add_if(stale, "capacity", code::CAPACITY_STALE, false);
    }
    for (key, mark) in live(
        &listing.quality_marks,
        |m| m.supersedes,
        |m| m.withdrawn == Some(true),
    ) {
        let path = format!("quality_marks.{key}.expires_on");
        let (from, to) = (
            date(mark.granted_on.as_deref()),
            date(mark.expires_on.as_deref()),
        );
        let backwards = matches!((from, to), (Some(from), Some(to)) if to < from);
        check.add_if(backwards, &path, code::DATE_ORDER, asked.publish);
        check.add_if(
            to.is_some_and(|to| to < today),
            path,
            code::MARK_EXPIRED,
            false,
        );
    }
    let over = listing.paused == Some(true)
        && date(listing.paused_until.as_deref()).is_some_and(|d| d < today);
    check.add_if(over, "paused_until", code::PAUSE_OVER, false);
}

/// More than this many months before today.
fn older(day: Date, months: i32, today: Date) -> bool {
    day.checked_add(months.months())
        .is_ok_and(|limit| limit < today)
}

impl ServiceListing {
    /// Whether a service class makes it a social or health service whose provider must be
    /// registered. Classes we have no row for count by their main class.
    pub fn is_social_or_health(&self, today: Date) -> bool {
        let list = codes::list("ptv_service_class");
        self.service_classes
            .iter()
            .any(|class| match list.and_then(|l| l.on(class, today)) {
                Some(row) => row.extra("register").is_some(),
                None => class.starts_with("P4.") || class.starts_with("P5."),
            })
    }
}

#[cfg(test)]
mod tests;
