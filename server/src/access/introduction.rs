//! How somebody is let into a space of another organisation for the first time: they, or an administrator of
//! theirs, tell a code, which says who they are to whoever may let people in. Nobody finds people of other
//! organisations by trying names or ids.

use hmac::{Hmac, KeyInit, Mac};
use rusqlite::Connection;
use sha2::Sha256;
use sopu_core::id::{MemberId, OrgId};

use super::{AccessError, Result, id16};
use crate::credentials::{invite_hash, spelled};

/// The code of a member, `XXXX-XXXX-XXXX`: 60 bits that nobody can make without the ledger's secret. It stays
/// the same, and opens nothing by itself.
///
/// # Errors
/// None that can happen: HMAC takes keys of any length.
pub fn code(secret: &[u8; 32], member: MemberId) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| AccessError::SecondFactor)?;
    mac.update(b"sopu-introduction-1");
    mac.update(member.as_bytes());
    let bytes: [u8; 32] = mac.finalize().into_bytes().into();
    let (code, _) = bytes.split_at(12);
    Ok(spelled(code))
}

/// Whose code this is, of people of other organisations than this one whose accounts are open.
///
/// # Errors
/// The database's.
pub fn find(
    db: &Connection,
    secret: &[u8; 32],
    own: OrgId,
    given: &str,
) -> Result<Option<MemberId>> {
    let given = invite_hash(given);
    let mut query =
        db.prepare_cached("SELECT id FROM member WHERE org <> ?1 AND disabled_ms IS NULL")?;
    let mut rows = query.query([own.as_bytes().as_slice()])?;
    while let Some(row) = rows.next()? {
        let member = MemberId(id16(row, 0)?);
        if invite_hash(&code(secret, member)?) == given {
            return Ok(Some(member));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails should say where")]
    use sopu_core::time::SystemEnv;

    use super::*;
    use crate::access::people::{self, NewMember};
    use crate::store::schema;

    #[test]
    fn a_code_finds_one_open_account_of_another_organisation() {
        let db = schema::open_in_memory().unwrap();
        let [ours, theirs] = ["Hoiva Oy", "Lähihoito Tmi"]
            .map(|name| people::add_org(&db, &SystemEnv, name, None).unwrap());
        let add = |org, name| {
            let new = NewMember {
                org,
                name,
                login: None,
                password: None,
                admin: false,
            };
            people::add_member(&db, &SystemEnv, &new).unwrap()
        };
        let (own, sari, other) = (add(ours, "Onni"), add(theirs, "Sari"), add(theirs, "Elli"));
        let secret = [7; 32];
        let of = |member| code(&secret, member).unwrap();
        let find = |code: &str| find(&db, &secret, ours, code).unwrap();
        assert_ne!(of(sari), of(other));
        assert_eq!(find(&of(sari)), Some(sari));
        assert_eq!(find(&of(sari).to_lowercase().replace('-', " ")), Some(sari));
        assert_eq!(find(&of(own)), None, "one's own are chosen by name");
        assert_eq!(find(&code(&[8; 32], sari).unwrap()), None);
        assert_eq!(find(""), None);
        people::disable_member(&db, sari, 1).unwrap();
        assert_eq!(find(&of(sari)), None);
    }
}
