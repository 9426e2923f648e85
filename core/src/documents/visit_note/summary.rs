//! What lists and search show of a visit note.

use super::VisitNote;
use super::visit::Moment;
use crate::documents::{Kind, Summary};
use crate::time::helsinki_date;

pub(super) fn summary(note: &VisitNote) -> Summary {
    Summary {
        title: title(note),
        subject: note.subject_id.map(|id| id.to_string()),
        status: note.status.clone(),
        date: date(note).map(|d| d.to_string()),
        text: text(note),
    }
}

/// The day the visit belongs to, in Finland: when it began, or was to begin, or the note was made.
/// A visit over midnight belongs to the day it began.
pub(crate) fn date(note: &VisitNote) -> Option<jiff::civil::Date> {
    let at = note
        .actual_start
        .as_ref()
        .and_then(Moment::corrected)
        .or_else(|| note.planned.as_ref().and_then(|p| p.start))
        .or(note.header.created_at)?;
    helsinki_date(at)
}

/// The first words somebody wrote: an advisor's summary, a carer's first entry. Falls back to the
/// codes of profile and kind, which the app has words for.
fn title(note: &VisitNote) -> String {
    let mut texts = std::iter::once(&note.summary).chain(note.entries.values().map(|e| &e.text));
    texts
        .find_map(|text| first_line(text))
        .or_else(|| note.profile.clone())
        .unwrap_or_else(|| Kind::VisitNote.code().to_owned())
}

fn first_line(text: &str) -> Option<String> {
    const TITLE_CHARS: usize = 80;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let mut title: String = line.chars().take(TITLE_CHARS).collect();
    if line.chars().count() > TITLE_CHARS {
        title.push('…');
    }
    Some(title)
}

/// Every text a person wrote, one blank line between.
fn text(note: &VisitNote) -> String {
    let mut words: Vec<&str> = vec![&note.summary, &note.handover];
    words.extend(note.route_from.as_deref());
    words.extend(note.entries.values().map(|e| e.text.as_str()));
    words.extend(note.followups.values().map(|f| f.text.as_str()));
    for o in note.observations.values() {
        words.push(&o.text);
        words.extend(some([&o.block, &o.parcel, &o.crop_eppo, &o.pest_eppo]));
    }
    for r in note.recommendations.values() {
        words.push(&r.text);
        words.extend(some([&r.block, &r.product_ref]));
    }
    for t in note.treatments.values() {
        words.extend(some([
            &t.product,
            &t.auth_no,
            &t.parcel,
            &t.crop_eppo,
            &t.pest_eppo,
        ]));
        words.extend(some([&t.user, &t.reason]));
    }
    for t in note.tasks.values() {
        words.extend(some([&t.plan_item, &t.reason]));
    }
    for d in note.deviations.values() {
        words.extend(some([&d.desc, &d.measures]));
    }
    for c in note.contact_log.values() {
        words.extend(some([&c.to, &c.topic]));
    }
    for c in note.corrections.values() {
        words.extend(some([&c.new, &c.why]));
    }
    words.extend(note.efficacy.values().filter_map(|e| e.text.as_deref()));
    words.extend(note.doses.values().filter_map(|d| d.drug.as_deref()));
    words.extend(
        note.header
            .comments
            .values()
            .filter_map(|c| c.text.as_deref()),
    );
    for set in [&note.present, &note.materials_left, &note.header.tags] {
        words.extend(set.iter().map(String::as_str));
    }
    let mut words: Vec<&str> = words.into_iter().map(str::trim).collect();
    words.retain(|word| !word.is_empty());
    words.join("\n\n")
}

fn some<const N: usize>(fields: [&Option<String>; N]) -> impl Iterator<Item = &str> {
    fields.into_iter().filter_map(|field| field.as_deref())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::documents::record::sample;
    use crate::documents::{Document, Field, Rule, Type};

    fn note(value: serde_json::Value) -> VisitNote {
        VisitNote::from_value(&value)
    }

    #[test]
    fn the_title_is_the_first_line_somebody_wrote() {
        let long = "ä".repeat(100);
        let entry = json!({"0190b6a0-0000-7000-8000-000000000001": {"text": "Söi hyvin"}});
        assert_eq!(
            note(json!({"summary": "\n Sää suosi \nToinen"}))
                .summary()
                .title,
            "Sää suosi"
        );
        assert_eq!(
            note(json!({"summary": long})).summary().title,
            format!("{}…", "ä".repeat(80))
        );
        assert_eq!(
            note(json!({"entries": entry, "profile": "care"}))
                .summary()
                .title,
            "Söi hyvin"
        );
        assert_eq!(note(json!({"profile": "care"})).summary().title, "care");
        assert_eq!(note(json!({})).summary().title, "visit_note");
    }

    #[test]
    fn the_date_is_the_finnish_day_it_began() {
        // 22:30 UTC on the 21st is half past midnight on the 22nd in Finland.
        let at: i64 = "2026-11-21T22:30:00Z"
            .parse::<jiff::Timestamp>()
            .expect("valid")
            .as_millisecond();
        let planned = json!({"start": at - 86_400_000});
        assert_eq!(
            note(json!({"actual_start": {"at": at}, "planned": planned}))
                .summary()
                .date
                .as_deref(),
            Some("2026-11-22")
        );
        assert_eq!(
            note(json!({"planned": planned})).summary().date.as_deref(),
            Some("2026-11-21")
        );
        assert_eq!(
            note(json!({"created_at": at})).summary().date.as_deref(),
            Some("2026-11-22")
        );
        assert_eq!(
            note(json!({"actual_start": {"at": i64::MAX}}))
                .summary()
                .date,
            None
        );
    }

    #[test]
    fn search_finds_every_shared_text_of_a_note() {
        let filled = sample::full(&super::super::SPEC);
        let shared: BTreeSet<&str> = super::super::SPEC
            .fields()
            .filter(|f| {
                matches!(f.rule, Rule::Txt)
                    || item_fields(f).iter().any(|f| matches!(f.rule, Rule::Txt))
            })
            .map(|f| f.path)
            .collect();
        for path in shared {
            let mut value = json!({});
            value[path] = filled[path].clone();
            assert!(note(value).summary().text.contains("tekstiä"), "{path}");
        }
    }

    fn item_fields(field: &Field) -> &'static [Field] {
        match (field.rule, field.ty) {
            (Rule::Map(fields), _) | (Rule::Log, Type::Compound(fields)) => fields,
            _ => &[],
        }
    }
}
