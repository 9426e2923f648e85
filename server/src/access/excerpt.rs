//! What the access log says about one client or one space, for whoever may ask who has read their data
//! (Act 703/2023: the last two years without a special reason).
//!
//! Reads, exports and decisions are rows of the log; what was written is known by the signed envelopes in
//! the feed, and stands here among them as `change`.

use rusqlite::Connection;
use sopu_core::id::SpaceId;

use super::log::{self, Entry};
use super::subjects::Documents;
use super::{Result, blob, erasures};

/// What a row of an export of the log says, before whom it was about.
pub const EXPORT_OF: &str = "access log of ";

/// Whom an export is about that is about everybody in a space.
pub const EVERYBODY: &str = "the space";

/// What is said of the time that somebody's documents are kept; of a client as a whole, their id and
/// [`CLOSED_ON`] come first.
pub const RETENTION: &str = "retention";

/// What is said of what must be kept; of a client as a whole, their id and a colon come first.
pub const HOLD: &str = "hold";

/// What is said of what must be kept no more, as with [`HOLD`].
pub const LIFT: &str = "lift";

/// What follows the id of a client whose matter was said to be closed.
pub const CLOSED_ON: &str = " closed on ";

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// In which space.
    pub space: SpaceId,
    /// About which farm or client, and which documents those are; of the whole space if `None`.
    pub subject: Option<(String, Documents)>,
    /// From when, milliseconds since 1970 UTC.
    pub from_ms: i64,
    /// Before when.
    pub until_ms: i64,
    /// So many rows at most.
    pub limit: usize,
}

/// What there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// Its rows, oldest first.
    pub rows: Vec<Entry>,
    /// The number and hash of the log's last row: whoever keeps the excerpt can show later that the log
    /// was not made anew since.
    pub log_at: Option<(i64, [u8; 32])>,
}

/// The excerpt; `None` if it has more rows than were asked for.
///
/// # Errors
/// The database's.
pub fn of(db: &Connection, asked: &Asked) -> Result<Option<Excerpt>> {
    let window = (asked.from_ms, asked.until_ms);
    let mut rows = Vec::new();
    let mut take = |entry: Entry| {
        if asked.concerns(&entry) {
            rows.push(entry);
        }
        rows.len() <= asked.limit
    };
    let whole = log::within(db, asked.space, window, &mut take)?
        && changes(db, asked.space, window, &mut take)?
        && asked.elsewhere(db, &mut take)?;
    if !whole {
        return Ok(None);
    }
    rows.sort_by_key(|row| row.at_ms);
    Ok(Some(Excerpt {
        rows,
        log_at: log::end(db)?,
    }))
}

impl Asked {
    /// Whether a row of the space is about what was asked for. What names no document is about everybody
    /// in the space, unless it is about its people, or about somebody else by name: an excerpt of theirs,
    /// the closing of their matter.
    fn concerns(&self, entry: &Entry) -> bool {
        let Some((subject, docs)) = &self.subject else {
            return true;
        };
        match entry.doc {
            Some(doc) => docs.concerns(doc, entry.at_ms),
            None => {
                let reason = entry.reason.as_deref().unwrap_or_default();
                let says = |whom: &str, of: &str, then: &str| {
                    let rest = whom.strip_prefix(of);
                    rest.is_some_and(|rest| rest.starts_with(then))
                };
                match entry.action.as_str() {
                    "administer" => false,
                    RETENTION => says(reason, subject, CLOSED_ON),
                    HOLD | LIFT => says(reason, subject, ":"),
                    _ => reason
                        .strip_prefix(EXPORT_OF)
                        .is_none_or(|whom| says(whom, subject, ":") || says(whom, EVERYBODY, ":")),
                }
            }
        }
    }
}

impl Asked {
    /// What was done with what was about them in another space, on the wrong client, and moved.
    fn elsewhere(&self, db: &Connection, take: &mut dyn FnMut(Entry) -> bool) -> Result<bool> {
        let window = (self.from_ms, self.until_ms);
        let earlier = self.subject.iter().flat_map(|(_, docs)| &docs.earlier);
        for doc in earlier {
            let space = erasures::space_of(db, *doc)?;
            let Some(space) = space.filter(|space| *space != self.space) else {
                continue;
            };
            let mut take = |entry: Entry| entry.doc != Some(*doc) || take(entry);
            if !(log::within(db, space, window, &mut take)?
                && changes(db, space, window, &mut take)?)
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What came into the feed of a space and stayed: who wrote in which document, and when it arrived. Stops
/// when `take` has enough.
fn changes(
    db: &Connection,
    space: SpaceId,
    (from_ms, until_ms): (i64, i64),
    take: &mut dyn FnMut(Entry) -> bool,
) -> Result<bool> {
    let mut query = db.prepare_cached(
        "SELECT e.received_ms, d.member, 'change', e.space, e.doc, NULL
         FROM document o JOIN envelope e ON e.doc = o.doc JOIN device d ON d.id = e.device
         WHERE o.space = ?1 AND e.space = ?1 AND e.seq IS NOT NULL
           AND e.received_ms >= ?2 AND e.received_ms < ?3",
    )?;
    let mut rows = query.query((blob(space.as_bytes()), from_ms, until_ms))?;
    while let Some(row) = rows.next()? {
        if !take(log::entry(row, 0)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What a spreadsheet would take for a formula has an apostrophe before it (OWASP, CSV injection), also
/// where a reader who takes another separator than the file's would begin a cell.
pub fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut begins = true;
    for letter in text.chars() {
        if begins && matches!(letter, '=' | '+' | '-' | '@' | '\t' | '\r') {
            safe.push('\'');
        }
        let between = matches!(letter, ',' | ';' | '\t' | '\r' | '\n');
        begins = between || begins && matches!(letter, ' ' | '"' | '\'');
        safe.push(letter);
    }
    safe
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails should say where")]
    use super::*;
    use crate::store::schema;
    use sopu_core::id::DocId;
    use uuid::Uuid;

    fn doc(n: u128) -> DocId {
        DocId(Uuid::from_u128(n))
    }

    fn add(db: &Connection, at_ms: i64, action: &str, about: Option<u128>, reason: Option<&str>) {
        let entry = Entry {
            at_ms,
            member: None,
            action: action.to_owned(),
            space: Some(SpaceId(Uuid::from_u128(1))),
            doc: about.map(doc),
            reason: reason.map(ToOwned::to_owned),
        };
        log::record(db, &entry).unwrap();
    }

    #[test]
    fn a_client_gets_what_is_about_them_and_not_what_is_about_others() {
        let db = schema::open_in_memory().unwrap();
        add(&db, 1, "read", Some(7), None);
        add(&db, 5, "read", Some(7), None);
        add(&db, 6, "read", Some(8), None);
        add(&db, 7, "list", None, None);
        add(&db, 8, "administer", None, Some("space grant"));
        add(&db, 9, "export", None, Some("access log of other: asked"));
        add(&db, 10, "export", None, Some("access log of mine: asked"));
        add(&db, 11, "export", None, Some("signed history: audit"));
        add(
            &db,
            12,
            "export",
            None,
            Some("access log of the space: audit"),
        );
        for (at, whom) in [(13, "mine"), (14, "mine2"), (15, "other")] {
            let what = format!("{whom}{CLOSED_ON}2026-01-02, class as usual: asked");
            add(&db, at, RETENTION, None, Some(&what));
        }
        add(&db, 16, "export", None, Some("access log of mine2: asked"));
        add(&db, 17, HOLD, None, Some("other: a claim"));
        add(&db, 18, LIFT, None, Some("mine: no claim"));
        add(&db, 20, "read", Some(7), None);
        let asked = |subject: bool, limit| Asked {
            space: SpaceId(Uuid::from_u128(1)),
            subject: subject.then(|| {
                let docs = Documents::of(&db, None, "mine", [doc(7)]).unwrap();
                ("mine".to_owned(), docs)
            }),
            from_ms: 2,
            until_ms: 20,
            limit,
        };
        let times = |asked| -> Option<Vec<i64>> {
            let found = of(&db, &asked).unwrap()?;
            assert_eq!(found.log_at.unwrap().0, 16);
            Some(found.rows.iter().map(|row| row.at_ms).collect())
        };
        assert_eq!(times(asked(true, 9)), Some(vec![5, 7, 10, 11, 12, 13, 18]));
        assert_eq!(times(asked(false, 14)).unwrap().len(), 14);
        assert_eq!(times(asked(false, 13)), None, "nothing is left out unsaid");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "@x", "-2", "+3", "\tx"] {
            assert_eq!(cell(text), format!("'{text}"));
        }
        for text in ["Aino", "1-2", "a = b", "klo 8, sitten 9; ja +"] {
            assert_eq!(cell(text), text);
        }
        assert_eq!(cell("x,=1+1"), "x,'=1+1");
        assert_eq!(cell("x; \"=1"), "x; \"'=1");
        assert_eq!(cell(" =1\n@y"), " '=1\n'@y");
    }
}
