//! Classification codes.

use super::super::ServiceListing;
use super::{Asked, count, require};
use crate::documents::check::{Check, code};

/// Numbers and forms of classification codes by the Service Catalogue's editorial rules.
pub(super) fn classes(listing: &ServiceListing, check: &mut Check<'_>, asked: &Asked) {
    let classes = &listing.service_classes;
    count(check, "service_classes", classes.len(), 1..=4, asked);
    count(
        check,
        "ontology_terms",
        listing.ontology_terms.len(),
        1..=10,
        asked,
    );
    count(
        check,
        "target_groups",
        listing.target_groups.len(),
        1..=100,
        asked,
    );
    form(
        check,
        "service_classes",
        classes.iter().all(|c| is_class(c, "P")),
        asked,
    );
    form(
        check,
        "target_groups",
        listing.target_groups.iter().all(|c| is_class(c, "KR")),
        asked,
    );
    form(
        check,
        "life_events",
        listing.life_events.iter().all(|c| is_class(c, "KE")),
        asked,
    );
    form(
        check,
        "ontology_terms",
        listing.ontology_terms.iter().all(|t| is_uri(t)),
        asked,
    );
    let digits = |code: &String| !code.is_empty() && code.bytes().all(|b| b.is_ascii_digit());
    form(
        check,
        "industry_codes",
        listing.industry_codes.iter().all(digits),
        asked,
    );
    let iso = |code: &String| code.len() == 2 && code.bytes().all(|b| b.is_ascii_lowercase());
    form(check, "languages", listing.languages.iter().all(iso), asked);

    let general = !classes.is_empty() && classes.iter().all(|c| !c.contains('.'));
    check.add_if(
        general && asked.any,
        "service_classes",
        code::SERVICE_CLASS_TOO_GENERAL,
        asked.publish,
    );
    let groups = &listing.target_groups;
    let businesses = groups.contains("KR2") && !groups.iter().any(|g| g.starts_with("KR2."));
    check.add_if(
        businesses && asked.any,
        "target_groups",
        code::TARGET_SUBGROUP_REQUIRED,
        asked.publish,
    );
    let citizens = groups.iter().any(|g| g == "KR1" || g.starts_with("KR1."));
    let stray = !listing.life_events.is_empty() && !citizens;
    check.add_if(
        stray,
        "life_events",
        code::LIFE_EVENT_WITHOUT_CITIZENS,
        asked.publish,
    );

    require(check, !listing.languages.is_empty(), "languages", asked);
    require(
        check,
        !listing.funding_types.is_empty(),
        "funding_types",
        asked,
    );
}

fn form(check: &mut Check<'_>, path: &str, right: bool, asked: &Asked) {
    check.add_if(!right, path, code::CODE_INVALID, asked.publish);
}

/// A letter prefix and numbers between dots: `P4.3`, `KR1.1`.
fn is_class(code: &str, prefix: &str) -> bool {
    code.strip_prefix(prefix).is_some_and(|rest| {
        rest.split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// Ontology terms are identified by http URIs even where the site is https.
fn is_uri(text: &str) -> bool {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        rest.contains('.') && rest.contains('/') && !rest.contains(char::is_whitespace)
    })
}
