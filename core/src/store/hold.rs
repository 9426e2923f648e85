//! Legal hold: whether a document must be kept because somebody says that it will be needed.
//!
//! What counts is what the relay said last, in a notice, for those whose role may say it. A document's own
//! field `legal_hold` only asks for a hold: anybody who may write can put it there and take it away. It
//! keeps the document until the relay has answered, and says nothing from then on.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde_json::Value;

use super::error::Result;
use super::notice::{self, Stored};
use crate::id::{DocId, SpaceId};
use crate::wire::{Notice, NoticeKind};

/// What the relay said last, and when by its clock. Places in a feed do not tell: what a restored relay had
/// lost comes back after what it has said since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// Relay clock.
    pub at_ms: i64,
    /// Set, or lifted. Of two at one moment the hold counts.
    pub held: bool,
}

impl Said {
    /// What a notice says of a hold, if anything.
    pub fn of(notice: &Notice) -> Option<Self> {
        let NoticeKind::LegalHold(held) = notice.what else {
            return None;
        };
        let at_ms = notice.at_ms;
        Some(Self { at_ms, held })
    }
}

/// Whether a document that says this is kept, after what the relay said last of it.
pub fn holds(said: Option<Said>, value: &Value) -> bool {
    said.map_or_else(|| asks(value), |said| said.held)
}

/// Whether the document itself asks to be kept.
pub fn asks(value: &Value) -> bool {
    value.get("legal_hold") == Some(&Value::Bool(true))
}

/// What the relay said last of a document.
///
/// # Errors
/// As [`notice::of`].
pub fn said(conn: &Connection, doc: DocId) -> Result<Option<Said>> {
    let said = notice::of(conn, doc)?;
    Ok(said
        .iter()
        .filter_map(|stored| Said::of(&stored.notice))
        .max())
}

/// What the relay said last of each document of a space that it said anything of.
///
/// # Errors
/// As [`notice::of_space`].
pub fn said_in(conn: &Connection, space: SpaceId) -> Result<BTreeMap<DocId, Said>> {
    let mut last: BTreeMap<DocId, Said> = BTreeMap::new();
    for Stored { notice, .. } in notice::of_space(conn, space)? {
        if let Some(said) = Said::of(&notice) {
            let known = last.entry(notice.doc).or_insert(said);
            *known = said.max(*known);
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_relays_last_word_counts_and_the_field_only_asks() {
        let (asking, silent) = (json!({ "legal_hold": true }), json!({}));
        let said = |at_ms, held| Some(Said { at_ms, held });
        assert!(holds(None, &asking) && !holds(None, &silent));
        assert!(holds(said(1, true), &silent), "a save lifts no hold");
        assert!(!holds(said(2, false), &asking), "and sets none again");
        assert!(said(2, false) > said(1, true));
        assert!(said(1, true) > said(1, false), "in doubt it is kept");
    }
}
