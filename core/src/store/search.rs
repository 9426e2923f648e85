//! Full-text search and the order of titles, both as a Finnish reader expects them: å, ä and ö are
//! letters of their own (*sää* is not *saa*), and the first part of a compound finds the whole
//! (*koti* finds *kotihoito*).

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::error::Result;
use super::{Tx, meta};
use crate::documents::{self, Kind};

/// Words of a query beyond this many are ignored: each is a lookup of its own.
const WORDS: usize = 16;

/// Puts a document's text into the index in place of what was there.
pub(super) fn index(tx: &Tx<'_>, n: i64, title: &str, body: &str) -> Result<()> {
    // The index knows one form of ä; a keyboard may send the other.
    let (title, body) = (
        title.nfc().collect::<String>(),
        body.nfc().collect::<String>(),
    );
    let old: Option<(String, String)> = tx
        .prepare_cached("SELECT title, body FROM search WHERE rowid = ?1")?
        .query_row([n], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if old.as_ref().is_some_and(|(t, b)| *t == title && *b == body) {
        return Ok(());
    }
    if old.is_some() {
        remove(tx, n)?;
    }
    tx.prepare_cached("INSERT INTO search (rowid, title, body) VALUES (?1, ?2, ?3)")?
        .execute(params![n, title, body])?;
    Ok(())
}

/// Keys of documents whose newest words are not in the index yet.
const DUE: &str = "search_due/";

/// Notes that a document's words have changed. While somebody types, each save would otherwise take
/// all words of the note out of the index and put them back; a search does it once.
pub(super) fn put_off(tx: &Tx<'_>, n: i64) -> Result<()> {
    tx.prepare_cached("INSERT INTO meta (key, value) VALUES (?1, x'') ON CONFLICT DO NOTHING")?
        .execute([format!("{DUE}{n}")])?;
    Ok(())
}

/// Puts into the index what was put off.
///
/// # Errors
/// SQLite's own.
pub(super) fn catch_up(conn: &Connection) -> Result<()> {
    // The end is the character after the slash.
    let due: Vec<String> = conn
        .prepare_cached("SELECT key FROM meta WHERE key > 'search_due/' AND key < 'search_due0'")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    if due.is_empty() {
        return Ok(());
    }
    let tx = Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
    for key in due {
        let n = key.strip_prefix(DUE).and_then(|n| n.parse::<i64>().ok());
        if let Some(n) = n {
            index_view(&tx, n)?;
        }
        meta::remove(&tx, &key)?;
    }
    Ok(tx.commit()?)
}

/// Indexes a document by its view, if it still has one.
fn index_view(tx: &Tx<'_>, n: i64) -> Result<()> {
    let found: Option<(u8, String)> = tx
        .prepare_cached("SELECT kind, value FROM view WHERE doc = ?1")?
        .query_row([n], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((kind, value)) = found else {
        return Ok(());
    };
    let kind = Kind::from_number(kind);
    if let (Some(kind), Ok(value)) = (kind, serde_json::from_str(&value)) {
        let summary = documents::summarise(kind, &value);
        index(tx, n, &summary.title, &summary.text)?;
    }
    Ok(())
}

/// Takes a document out of the index.
pub(super) fn remove(tx: &Tx<'_>, n: i64) -> Result<()> {
    tx.prepare_cached("DELETE FROM search WHERE rowid = ?1")?
        .execute([n])?;
    meta::remove(tx, &format!("{DUE}{n}"))
}

/// What a person typed as an FTS5 query: every word must occur, each as the beginning of a word.
/// Quotes, operators and column names lose their meaning. `None` if there is no word in it.
pub(super) fn query(typed: &str) -> Option<String> {
    let typed: String = typed.nfc().filter(|c| *c != '\0').collect();
    let words: Vec<String> = typed
        .split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .take(WORDS)
        .map(|word| format!("\"{}\"*", word.replace('"', "\"\"")))
        .collect();
    (!words.is_empty()).then(|| words.join(" AND "))
}

/// A key whose byte order is the order of titles in a Finnish list: case does not matter, accents
/// of other languages do not matter, å ä ö come after z in this order.
pub(super) fn title_key(title: &str) -> String {
    let mut key = String::with_capacity(title.len());
    for c in title.trim().nfc().flat_map(char::to_lowercase) {
        match c {
            'å' => key.push('{'),
            'ä' | 'æ' => key.push('|'),
            'ö' | 'ø' => key.push('}'),
            other => key.extend(
                std::iter::once(other)
                    .nfd()
                    .filter(|c| !is_combining_mark(*c)),
            ),
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_sort_as_in_a_finnish_phone_book() {
        let mut titles = vec![
            "Öljy", "zeta", "Äiti", "Åland", "aamu", "École", "Eero", "Aho",
        ];
        titles.sort_by_key(|t| title_key(t));
        assert_eq!(
            titles,
            [
                "aamu", "Aho", "École", "Eero", "zeta", "Åland", "Äiti", "Öljy"
            ]
        );
    }

    #[test]
    fn a_query_is_words_only() {
        assert_eq!(
            query("koti NOT title:x"),
            Some("\"koti\"* AND \"NOT\"* AND \"title:x\"*".into())
        );
        assert_eq!(query("a\"b"), Some("\"a\"\"b\"*".into()));
        assert_eq!(query(" -- \" * \0 "), None);
    }
}
