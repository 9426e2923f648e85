//! Names and free text, in every language the listing is in.

use super::super::ServiceListing;
use super::{Asked, require};
use crate::documents::check::{Check, code};
use crate::documents::editorial;

/// All languages a listing is named in are complete, and free text keeps the editorial rules.
pub(super) fn texts(listing: &ServiceListing, check: &mut Check<'_>, asked: &Asked) {
    require(check, listing.names.fi.is_some(), "names.fi", asked);
    let provider = listing
        .provider
        .as_ref()
        .and_then(|p| p.name.as_deref())
        .map(str::to_lowercase);
    let languages = listing
        .names
        .each()
        .into_iter()
        .zip(listing.summary.each())
        .zip(listing.description.each());
    for (((lang, name), (_, summary)), (_, description)) in languages {
        let summary_path = format!("summary.{lang}");
        if let Some(name) = name {
            require(check, summary.is_some(), &summary_path, asked);
            require(
                check,
                !description.is_empty(),
                &format!("description.{lang}"),
                asked,
            );
            let lower = name.to_lowercase();
            if let Some(provider) = provider.as_deref().filter(|p| !p.is_empty()) {
                let path = format!("names.{lang}");
                check.add_if(
                    lower == provider,
                    &path,
                    code::NAME_IS_PROVIDER,
                    asked.publish,
                );
                let holds = lower != provider && lower.contains(provider);
                check.add_if(holds, &path, code::NAME_HOLDS_PROVIDER, asked.publish);
            }
            let repeats = summary.as_ref().is_some_and(|s| s.to_lowercase() == lower);
            check.add_if(repeats, summary_path, code::SUMMARY_IS_NAME, asked.publish);
        } else if summary.is_some() || !description.is_empty() {
            require(check, false, &format!("names.{lang}"), asked);
        }
    }
    for (lang, summary) in listing.summary.each() {
        bans(
            check,
            &format!("summary.{lang}"),
            summary.as_deref().unwrap_or_default(),
            asked,
        );
    }
    let bodies = [
        ("description", &listing.description),
        ("instructions", &listing.instructions),
        ("conditions", &listing.conditions),
    ];
    for (field, text) in bodies {
        for (lang, text) in text.each() {
            bans(check, &format!("{field}.{lang}"), text, asked);
        }
    }
    let contact = listing.contact_person_public.as_deref().unwrap_or_default();
    bans(check, "contact_person_public", contact, asked);
}

fn bans(check: &mut Check<'_>, path: &str, text: &str, asked: &Asked) {
    for ban in editorial::bans(text) {
        // A year may be part of a proper name; the others never are.
        check.add(path, ban, asked.publish && ban != code::YEAR_IN_TEXT);
    }
}
