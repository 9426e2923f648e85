//! What a form of ours sent, read without trust.

use std::str::FromStr;

use serde::Deserialize;

use crate::access::Role;
use crate::access::people::{Party, Window};
use crate::civil;

/// The most characters of one line.
const LINE: usize = 200;

/// A form's fields in their order; one name may come several times.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Sent(Vec<(String, String)>);

impl Sent {
    /// The first value of this name; empty if there is none.
    pub fn one(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// Every value of this name.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let of_name = self.0.iter().filter(move |(key, _)| key == name);
        of_name.map(|(_, value)| value.as_str())
    }

    /// Something written with letters: an id.
    pub fn id<T: FromStr>(&self, name: &str) -> Option<T> {
        self.one(name).parse().ok()
    }

    /// One line a person wrote: no control characters, not empty, not long.
    pub fn line(&self, name: &str) -> Option<String> {
        let text = self.one(name).trim();
        let good =
            !text.is_empty() && text.chars().count() <= LINE && !text.chars().any(char::is_control);
        good.then(|| text.to_owned())
    }

    /// A role by its code.
    pub fn role(&self) -> Option<Role> {
        Role::from_code(self.one("role"))
    }

    /// One person or one team: `member:ID` or `team:ID`.
    pub fn party(&self) -> Option<Party> {
        let (what, id) = self.one("party").split_once(':')?;
        match what {
            "member" => Some(Party::Member(id.parse().ok()?)),
            "team" => Some(Party::Team(id.parse().ok()?)),
            _ => None,
        }
    }

    /// From when until when; from now if nothing is said, for good if no end is. `None` for what is no
    /// time, and for a window that is over already or ends before it begins.
    pub fn window(&self, now_ms: i64) -> Option<Window> {
        let moment = |name: &str| match self.one(name).trim() {
            "" => Some(None),
            text => civil::moment(text).map(Some),
        };
        let from_ms = moment("from")?.unwrap_or(now_ms);
        let until_ms = moment("until")?;
        let passed = until_ms.is_some_and(|until| until <= from_ms.max(now_ms));
        (!passed).then_some(Window { from_ms, until_ms })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails should say where")]
    use super::*;

    fn sent(pairs: &[(&str, &str)]) -> Sent {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Sent(pairs.iter().map(own).collect())
    }

    #[test]
    fn a_window_is_from_now_and_for_good_unless_said_otherwise() {
        let now = civil::moment("2026-11-22T07:00").unwrap();
        let open = Window {
            from_ms: now,
            until_ms: None,
        };
        assert_eq!(sent(&[]).window(now), Some(open));
        assert_eq!(sent(&[("until", "2026-11-22T07:00")]).window(now), None);
        assert_eq!(sent(&[("from", "huomenna")]).window(now), None);
        let later = [("from", "2026-11-24"), ("until", "2026-11-23")];
        assert_eq!(sent(&later).window(now), None);
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(sent(&[("a", " x ")]).line("a").as_deref(), Some("x"));
        for text in ["", "  ", "a\nb", "x".repeat(201).as_str()] {
            assert_eq!(sent(&[("a", text)]).line("a"), None);
        }
    }
}
