//! What a phone scans to join: the relay's address and an invite code, as one web address.
//!
//! `https://sopu.example.fi/enrol#A0B1-CDEF-GH01`. What stands after `#` is never sent to any server
//! (RFC 3986, 3.5), so the code is in no log when somebody opens the address in a browser.

use std::fmt;
use std::str::FromStr;

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The relay's address, without a slash at its end.
    pub relay: String,
    /// The invite code, as people read it.
    pub code: String,
}

/// The text is no invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an invitation to Sopu")]
pub struct NoInvitation;

impl fmt::Display for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/enrol#{}", self.relay, self.code)
    }
}

impl FromStr for Invitation {
    type Err = NoInvitation;

    fn from_str(text: &str) -> Result<Self, NoInvitation> {
        let (address, code) = text.trim().split_once('#').ok_or(NoInvitation)?;
        let relay = address.strip_suffix("/enrol").ok_or(NoInvitation)?;
        let secure = relay.strip_prefix("https://");
        let host = secure.or_else(|| relay.strip_prefix("http://"));
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]".contains(c);
        let host = host.filter(|host| !host.is_empty() && host.chars().all(plain));
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let sound = host.is_some() && (8..=40).contains(&code.len()) && code.chars().all(letters);
        sound
            .then(|| Self {
                relay: relay.to_owned(),
                code: code.to_owned(),
            })
            .ok_or(NoInvitation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_goes_there_and_back_and_nothing_else_is_taken_for_one() {
        let one = Invitation {
            relay: "https://sopu.example.fi".into(),
            code: "A0B1-CDEF-GH01".into(),
        };
        assert_eq!(
            one.to_string(),
            "https://sopu.example.fi/enrol#A0B1-CDEF-GH01"
        );
        assert_eq!(one.to_string().parse(), Ok(one));
        for wrong in [
            "",
            "https://sopu.example.fi/enrol",
            "https://sopu.example.fi/other#A0B1-CDEF-GH01",
            "https:///enrol#A0B1-CDEF-GH01",
            "ftp://sopu.example.fi/enrol#A0B1-CDEF-GH01",
            "https://a b/enrol#A0B1-CDEF-GH01",
            "https://user@evil/enrol#A0B1-CDEF-GH01",
            "https://sopu.example.fi/enrol#<script>",
        ] {
            assert_eq!(wrong.parse::<Invitation>(), Err(NoInvitation), "{wrong}");
        }
    }
}
