//! Service listing.

use serde::{Deserialize, Serialize};

use super::{Container, Document, Field, Kind, Problem, Rule, Spec, Summary, Type, Validation};

/// ServiceListing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceListing {
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// Table.
pub static SPEC: Spec = Spec {
    kind: Kind::ServiceListing,
    own_fields: &[Field::new("title", Rule::Lww, Type::Str(120))],
    genesis: &[("tags", Container::Map), ("comments", Container::Map)],
};

impl Document for ServiceListing {
    const KIND: Kind = Kind::ServiceListing;
    fn validate(&self, _: &Validation<'_>) -> Vec<Problem> {
        Vec::new()
    }
    fn summary(&self) -> Summary {
        Summary {
            title: self.title.clone().unwrap_or_default(),
            ..Summary::default()
        }
    }
}
