//! Passwords, kept as argon2id (RFC 9106) with its own random salt in the PHC string form.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use sopu_core::time::Env;

/// The fewest characters of a password (NIST SP 800-63B asks length, not kinds of character).
pub const MIN_CHARS: usize = 12;

/// The most characters of a password: long enough for any phrase, short enough not to be a load.
pub const MAX_CHARS: usize = 128;

/// Why a password is not taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PasswordError {
    /// Fewer than [`MIN_CHARS`] characters.
    #[error("a password needs at least {MIN_CHARS} characters")]
    Short,
    /// More than [`MAX_CHARS`] characters.
    #[error("a password can have at most {MAX_CHARS} characters")]
    Long,
    /// The hash could not be made.
    #[error("the password could not be hashed")]
    Hash,
}

/// A fresh password in four groups that can be read aloud.
pub fn mint(env: &dyn Env) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567899";
    let mut bytes = [0u8; 16];
    env.fill(&mut bytes);
    let mut password = String::new();
    for (i, byte) in bytes.iter().enumerate() {
        if i > 0 && i % 4 == 0 {
            password.push('-');
        }
        password.push(char::from(LETTERS[usize::from(byte % 32)]));
    }
    password
}

/// The stored form of a new password.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    if password.chars().count() < MIN_CHARS {
        return Err(PasswordError::Short);
    }
    if password.chars().count() > MAX_CHARS {
        return Err(PasswordError::Long);
    }
    Ok(Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|_| PasswordError::Hash)?
        .to_string())
}

/// Whether the password is the stored one. With nothing stored it takes the same time to say no, so
/// that the answer does not tell which names exist.
pub fn holds(password: &str, stored: Option<&str>) -> bool {
    static NOBODY: LazyLock<String> =
        LazyLock::new(|| hash("nobody has this password").unwrap_or_default());
    let known = stored.is_some();
    let Ok(parsed) = PasswordHash::new(stored.unwrap_or(NOBODY.as_str())) else {
        return false;
    };
    let matches = password.len() <= MAX_CHARS * 4
        && Argon2::default()
            .verify_password(password.as_bytes(), &parsed)
            .is_ok();
    known && matches
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails should say where")]
    use super::*;

    #[test]
    fn a_password_holds_against_its_own_hash_only() {
        let stored = hash("satakieli laulaa").unwrap();
        // OWASP's least for argon2id; an update of the crate must not lower it.
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        assert!(holds("satakieli laulaa", Some(&stored)));
        assert!(!holds("satakieli laula", Some(&stored)));
        assert!(!holds("nobody has this password", None));
    }

    #[test]
    fn short_and_endless_passwords_are_refused() {
        assert_eq!(hash("lyhyt"), Err(PasswordError::Short));
        assert_eq!(hash("yksitoista."), Err(PasswordError::Short), "of eleven");
        assert!(hash(&"ä".repeat(MAX_CHARS)).is_ok());
        assert_eq!(hash(&"a".repeat(MAX_CHARS + 1)), Err(PasswordError::Long));
    }
}
