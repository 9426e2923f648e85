//! Visit note (*käyntikirjaus*).

use serde::{Deserialize, Serialize};

use super::{Container, Document, Field, Kind, Problem, Rule, Spec, Summary, Type, Validation};

/// Visit note.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VisitNote {
    /// Handover.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// Status.
pub const STATUS: &[&str] = &[
    "planned",
    "started",
    "done",
    "finalised",
    "approved",
    "invoiced",
];

/// Table.
pub static SPEC: Spec = Spec {
    kind: Kind::VisitNote,
    own_fields: &[
        Field::new("subject_id", Rule::Imm, Type::Id),
        Field::new("status", Rule::Mst(STATUS), Type::Code("visit_status")),
        Field::new("outcome", Rule::Mvr, Type::Code("visit_outcome")),
        Field::new("summary", Rule::Txt, Type::Str(4_000)),
        Field::new("km", Rule::Lww, Type::Dec(1)),
        Field::new("present", Rule::Aws, Type::Str(120)),
        Field::new(
            "entries",
            Rule::Map(&[
                Field::new("heading", Rule::Lww, Type::Code("care_heading")),
                Field::new("text", Rule::Txt, Type::Str(2_000)),
            ]),
            Type::Compound(&[]),
        ),
        Field::new(
            "measurements",
            Rule::Log,
            Type::Compound(&[
                Field::new("type", Rule::Lww, Type::Code("measurement")),
                Field::new("value", Rule::Lww, Type::Dec(2)),
            ]),
        ),
    ],
    genesis: &[
        ("tags", Container::Map),
        ("comments", Container::Map),
        ("status", Container::Map),
        ("summary", Container::Text),
        ("present", Container::Map),
        ("entries", Container::Map),
        ("measurements", Container::Map),
    ],
};

impl Document for VisitNote {
    const KIND: Kind = Kind::VisitNote;
    fn validate(&self, _: &Validation<'_>) -> Vec<Problem> {
        Vec::new()
    }
    fn summary(&self) -> Summary {
        Summary {
            title: self.summary.clone().unwrap_or_default(),
            ..Summary::default()
        }
    }
}
