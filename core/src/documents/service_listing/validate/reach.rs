//! How and when the service is reached.

use super::super::{Channel, ServiceListing};
use super::{Asked, count, require};
use crate::documents::check::{Check, code, date, is_https_url, is_phone, is_postcode};
use crate::documents::editorial;

pub(super) fn channels(listing: &ServiceListing, check: &mut Check<'_>, asked: &Asked) {
    count(
        check,
        "channels",
        listing.channels.len(),
        1..=usize::MAX,
        asked,
    );
    for (key, channel) in &listing.channels {
        let path = |part: &str| format!("channels.{key}.{part}");
        require(check, channel.r#type.is_some(), &path("type"), asked);
        for (part, value) in needed(channel) {
            require(check, value.is_some(), &path(part), asked);
        }
        let wrong = |value: &Option<String>, right: fn(&str) -> bool| {
            value.as_deref().is_some_and(|v| !right(v))
        };
        let blocks = asked.publish;
        check.add_if(
            wrong(&channel.postcode, is_postcode),
            path("postcode"),
            code::POSTCODE_INVALID,
            blocks,
        );
        check.add_if(
            wrong(&channel.phone, is_phone),
            path("phone"),
            code::PHONE_INVALID,
            blocks,
        );
        check.add_if(
            wrong(&channel.email, editorial::is_email),
            path("email"),
            code::EMAIL_INVALID,
            blocks,
        );
        check.add_if(
            wrong(&channel.url, is_https_url),
            path("url"),
            code::URL_INVALID,
            blocks,
        );
    }
}

/// What a channel of its type cannot be used without.
fn needed(channel: &Channel) -> Vec<(&'static str, &Option<String>)> {
    match channel.r#type.as_deref() {
        Some("phone") => vec![("phone", &channel.phone)],
        Some("e_channel" | "web_page" | "printable_form") => vec![("url", &channel.url)],
        Some("service_location") => vec![
            ("address", &channel.address),
            ("postcode", &channel.postcode),
            ("city", &channel.city),
        ],
        _ => Vec::new(),
    }
}

pub(super) fn hours(listing: &ServiceListing, check: &mut Check<'_>, asked: &Asked) {
    for (key, row) in &listing.hours {
        let path = |part: &str| format!("hours.{key}.{part}");
        let odd = row.days.iter().any(|day| !(1..=7).contains(day));
        check.add_if(odd, path("days"), code::OUT_OF_RANGE, asked.publish);
        let (from, to) = (
            date(row.valid_from.as_deref()),
            date(row.valid_to.as_deref()),
        );
        let backwards = matches!((from, to), (Some(from), Some(to)) if to < from);
        check.add_if(backwards, path("valid_to"), code::DATE_ORDER, asked.publish);
        match row.kind.as_deref() {
            Some("weekly") => {
                require(check, !row.days.is_empty(), &path("days"), asked);
                let open = row.closed == Some(true) || (row.from.is_some() && row.to.is_some());
                require(check, open, &path("from"), asked);
            }
            Some("exception") => {
                require(check, row.valid_from.is_some(), &path("valid_from"), asked)
            }
            Some(_) => {}
            None => require(check, false, &path("kind"), asked),
        }
    }
}
