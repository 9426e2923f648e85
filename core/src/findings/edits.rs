//! Edits that came late or from the wrong hand: inside an item somebody removed, in a care entry
//! of somebody else, in a note already finalised (C9). All of them stay in the document.

use super::{Finding, Record, Severity};

pub(super) fn run(record: &Record<'_>, _: i64) -> Vec<Finding> {
    let mut found = Vec::new();
    for view in &record.views {
        let finding = |rule, code, severity| Finding::new(rule, code, severity, [view.id]);
        for path in &view.trace.edited_after_removal {
            found.push(finding("edit", "removed_item_edited", Severity::Decide).at(path));
        }
        for (path, members) in &view.trace.edited_by_others {
            let members: Vec<String> = members.iter().map(ToString::to_string).collect();
            found.push(
                finding("edit", "entry_edited_by_other", Severity::Law)
                    .at(path)
                    .fact("members", members),
            );
        }
        let changed = &view.trace.changed_after_final;
        if !changed.is_empty() {
            let paths: Vec<&str> = changed.iter().map(String::as_str).collect();
            found.push(
                finding("C9", "changed_after_finalising", Severity::Law)
                    .fact("fields", paths.len())
                    .fact("paths", paths),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::super::tests::{NOW, id, note, only};
    use super::super::{Severity, findings};
    use crate::id::MemberId;

    #[test]
    fn each_trace_of_a_late_or_foreign_edit_is_a_finding() {
        let view = note(1, json!({}));
        assert!(findings(std::slice::from_ref(&view), NOW).is_empty());

        let mut removed = view.clone();
        removed.trace.edited_after_removal.insert("tasks.k".into());
        assert_eq!(
            only(findings(&[removed], NOW), "removed_item_edited")
                .path
                .as_deref(),
            Some("tasks.k")
        );

        let mut foreign = view.clone();
        let other = MemberId(uuid::Uuid::from_u128(7));
        foreign
            .trace
            .edited_by_others
            .insert("entries.k".into(), BTreeSet::from([other]));
        let finding = only(findings(&[foreign], NOW), "entry_edited_by_other");
        assert_eq!(
            (finding.severity, &finding.facts["members"]),
            (Severity::Law, &json!([id(7)]))
        );

        let mut late = view;
        late.trace.changed_after_final.insert("km".into());
        late.trace.changed_after_final.insert("summary".into());
        let finding = only(findings(&[late], NOW), "changed_after_finalising");
        assert_eq!((finding.rule, &finding.facts["fields"]), ("C9", &json!(2)));
    }
}
