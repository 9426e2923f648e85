//! What a form must carry to be believed (against cross-site request forgery).

use sha2::{Digest, Sha256};

/// What a form must carry to be believed: bound to the cookie it was rendered for, so another site,
/// which cannot read the cookie, cannot make one.
pub fn of(cookie: &str) -> String {
    let mut sha = Sha256::new();
    sha.update(b"sopu-form-1");
    sha.update(cookie.as_bytes());
    data_encoding::BASE64URL_NOPAD.encode(&sha.finalize())
}

/// Whether the form carries the token of this cookie. Takes the same time wherever they differ.
pub fn holds(cookie: &str, given: &str) -> bool {
    let wanted = of(cookie);
    wanted.len() == given.len()
        && wanted
            .bytes()
            .zip(given.bytes())
            .fold(0, |differ, (a, b)| differ | (a ^ b))
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_believed_only_with_its_own_cookie() {
        assert!(holds("mine", &of("mine")));
        assert!(!holds("mine", &of("other")));
        assert!(!holds("mine", ""));
    }
}
