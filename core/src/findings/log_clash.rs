//! Two devices wrote different entries under one deterministic key: the same visit drew two
//! amounts from one quota. Neither is lost; a person says which counts.

use super::{Finding, Record, Severity};

pub(super) fn run(record: &Record<'_>, _: i64) -> Vec<Finding> {
    let clashes = record
        .views
        .iter()
        .flat_map(|view| view.log_clashes.iter().map(move |clash| (view, clash)));
    clashes
        .map(|(view, clash)| {
            Finding::new("log_clash", "entries_differ", Severity::Decide, [view.id])
                .at(format!("{}.{}", clash.field, clash.key))
                .fact("values", clash.values.len())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::findings;
    use super::super::tests::{NOW, id, note, only};
    use crate::read::LogClash;

    #[test]
    fn unequal_entries_under_one_key_are_found_without_telling_their_content() {
        let mut view = note(1, json!({}));
        assert!(findings(std::slice::from_ref(&view), NOW).is_empty());
        view.log_clashes.push(LogClash {
            field: "quota_entries".into(),
            key: id(20),
            values: vec![json!({"qty": "1"}), json!({"qty": "2"})],
        });
        let finding = only(findings(&[view], NOW), "entries_differ");
        assert_eq!(finding.path, Some(format!("quota_entries.{}", id(20))));
        assert_eq!(finding.facts["values"], json!(2));
    }
}
