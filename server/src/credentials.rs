//! Bearer tokens and invite codes: how they are made and what is kept of them.
//!
//! Both are random, so a plain SHA-256 is enough at rest; passwords, which people choose, are
//! elsewhere and hashed slowly.

use sha2::{Digest, Sha256};
use sopu_core::time::Env;

/// Letters of an invite code: no I, L, O, U, so that nothing is misread aloud (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A fresh bearer or session token: 32 random bytes, base64url.
pub fn mint_token(env: &dyn Env) -> String {
    let mut bytes = [0u8; 32];
    env.fill(&mut bytes);
    data_encoding::BASE64URL_NOPAD.encode(&bytes)
}

/// What is kept of a bearer or session token.
pub fn token_hash(token: &str) -> [u8; 32] {
    let mut sha = Sha256::new();
    sha.update(b"sopu-token-1");
    sha.update(token.as_bytes());
    sha.finalize().into()
}

/// A fresh invite code, `XXXX-XXXX-XXXX`: 60 random bits, single use and short-lived.
pub fn mint_invite_code(env: &dyn Env) -> String {
    let mut bytes = [0u8; 12];
    env.fill(&mut bytes);
    spelled(&bytes)
}

/// Bytes as a code that can be read aloud: five bits of each, in groups of four letters.
pub fn spelled(bytes: &[u8]) -> String {
    let mut code = String::with_capacity(bytes.len() * 5 / 4);
    for (i, byte) in bytes.iter().enumerate() {
        if i > 0 && i % 4 == 0 {
            code.push('-');
        }
        code.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    code
}

/// What is kept of an invite code. Spaces, hyphens and case do not matter, and the letters people
/// confuse with digits count as those.
pub fn invite_hash(code: &str) -> [u8; 32] {
    let plain: String = code
        .chars()
        .filter(|c| c.is_alphanumeric())
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    let mut sha = Sha256::new();
    sha.update(b"sopu-invite-1");
    sha.update(plain.as_bytes());
    sha.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sopu_core::time::SystemEnv;

    #[test]
    fn an_invite_code_may_be_typed_carelessly() {
        let code = "A0B1-CDEF-GH01";
        assert_eq!(invite_hash(code), invite_hash(" aob l cdef gho i "));
        assert_ne!(invite_hash(code), invite_hash("A0B1-CDEF-GH02"));
    }

    #[test]
    fn minted_codes_and_tokens_differ_and_have_their_form() {
        let (a, b) = (mint_invite_code(&SystemEnv), mint_invite_code(&SystemEnv));
        assert_ne!(a, b);
        assert_eq!(a.len(), 14);
        assert_ne!(mint_token(&SystemEnv), mint_token(&SystemEnv));
    }
}
