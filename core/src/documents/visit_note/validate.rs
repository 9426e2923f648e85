//! What a visit note must fulfil before each step of its life.

use super::VisitNote;
use crate::documents::{Problem, Validation};

pub(super) fn validate(note: &VisitNote, ctx: &Validation<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if ctx.towards != "save" && note.subject_id.is_none() {
        problems.push(Problem {
            path: "subject_id".into(),
            code: "required",
            blocks: true,
        });
    }
    problems
}
