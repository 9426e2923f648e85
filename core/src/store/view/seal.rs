//! Hashes over a view's columns: changes are framed, views are not, and a damaged title would be
//! shown as right.

use sha2::{Digest, Sha256};

use crate::id::{DocId, MemberId, SpaceId};

/// What a list shows of a document, as it is sealed.
pub(in crate::store) struct Shown<'a> {
    pub space: SpaceId,
    pub kind: u8,
    pub title: &'a str,
    pub subject: Option<&'a str>,
    pub status: Option<&'a str>,
    pub date: Option<&'a str>,
    pub updated_ms: i64,
    pub changed_by: Option<MemberId>,
    pub conflicts: i64,
}

impl Shown<'_> {
    /// The hash kept beside these columns.
    pub fn seal(&self, doc: DocId) -> [u8; 16] {
        let by = self.changed_by.map(|member| *member.as_bytes());
        let texts = [self.subject, self.status, self.date];
        let mut parts: Vec<&[u8]> = vec![b"list", doc.as_bytes(), self.space.as_bytes()];
        let numbers = [
            i64::from(self.kind).to_be_bytes(),
            self.updated_ms.to_be_bytes(),
            self.conflicts.to_be_bytes(),
        ];
        parts.extend(numbers.iter().map(|number| &number[..]));
        parts.push(self.title.as_bytes());
        for text in texts {
            // Present and empty is not absent.
            parts.push(if text.is_some() { b"1" } else { b"0" });
            parts.push(text.unwrap_or_default().as_bytes());
        }
        parts.push(by.as_ref().map_or(&[], |id| &id[..]));
        seal(&parts)
    }
}

/// The hash kept beside value and marks.
pub(in crate::store) fn content_seal(doc: DocId, value: &str, marks: &str) -> [u8; 16] {
    seal(&[
        b"content",
        doc.as_bytes(),
        value.as_bytes(),
        marks.as_bytes(),
    ])
}

fn seal(parts: &[&[u8]]) -> [u8; 16] {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    let mut seal = [0; 16];
    seal.copy_from_slice(&sha.finalize()[..16]);
    seal
}
