//! Where a relay is: an address that what people write may be sent to.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The base address of a relay: `https://…`, or `http://…` at this very machine.
///
/// Over plain `http` everybody on the way reads the invite code, the token and all that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayAddress(String);

/// Why an address is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no address of a server at all.
    #[error("write the relay's address as https://…")]
    Unreadable,
    /// It is `http://` to another machine.
    #[error("use the relay's https:// address: http:// is for a relay on this machine only")]
    Insecure,
}

impl RelayAddress {
    /// Without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RelayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RelayAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim().trim_end_matches('/');
        let (scheme, rest) = text.split_once("://").ok_or(AddressError::Unreadable)?;
        // No user name, query or fragment, and nothing two readers may take for different hosts.
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]".contains(c);
        let authority = rest.split('/').next().unwrap_or_default();
        let host = host(authority).ok_or(AddressError::Unreadable)?;
        if !rest.chars().all(plain) {
            return Err(AddressError::Unreadable);
        }
        let secure = scheme.eq_ignore_ascii_case("https");
        if !secure && !scheme.eq_ignore_ascii_case("http") {
            return Err(AddressError::Unreadable);
        }
        if !secure && !is_here(host) {
            return Err(AddressError::Insecure);
        }
        Ok(Self(text.to_owned()))
    }
}

/// The host of `host`, `host:port`, `[address]` or `[address]:port`.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            let port = match port {
                "" => None,
                port => Some(port.strip_prefix(':')?),
            };
            (host, port)
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let sound = port.is_none_or(|port| port.parse::<u16>().is_ok());
    (sound && !host.is_empty()).then_some(host)
}

/// Whether what is sent there leaves this machine not.
fn is_here(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> Result<String, AddressError> {
        Ok(text.parse::<RelayAddress>()?.to_string())
    }

    #[test]
    fn https_goes_anywhere_and_http_to_this_machine_only() {
        for (text, kept) in [
            ("https://sopu.example/", "https://sopu.example"),
            (
                " https://sopu.example:8443/koti// ",
                "https://sopu.example:8443/koti",
            ),
            ("HTTPS://192.0.2.1", "HTTPS://192.0.2.1"),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
            ("http://127.8.9.1", "http://127.8.9.1"),
            ("http://LocalHost:1/", "http://LocalHost:1"),
            ("http://[::1]:8787", "http://[::1]:8787"),
        ] {
            assert_eq!(taken(text).as_deref(), Ok(kept), "{text}");
        }
        for text in [
            "http://sopu.example",
            "HTTP://sopu.example",
            "http://192.168.1.2:8787",
            "http://10.0.2.2:8787",
            "http://0.0.0.0:8787",
            "http://[::]:8787",
            "http://[::ffff:127.0.0.1]",
            "http://127.0.0.1.sopu.example",
            "http://localhost.sopu.example",
            "http://sopu.example/127.0.0.1",
            "http://127.1",
        ] {
            assert_eq!(taken(text), Err(AddressError::Insecure), "{text}");
        }
    }

    #[test]
    fn what_is_no_plain_address_of_a_server_is_not_taken() {
        for text in [
            "",
            "sopu.example",
            "localhost:8787",
            "ftp://127.0.0.1",
            "https://",
            "https:///v1",
            "https://:443",
            "https://sopu.example:port",
            "https://sopu.example:",
            "https://sopu.example:70000",
            "http://127.0.0.1@sopu.example",
            "http://127.0.0.1:1@sopu.example",
            "http://127.0.0.1:80:80",
            "http://127.0.0.1\\@sopu.example",
            "http://127.0.0.1?sopu.example",
            "https://sopu.example#A0B1-CDEF-GH01",
            "http://[::1]sopu.example",
            "http://[127.0.0.1]",
            "http://[::1",
            "https://sopu.example/\r\nx: y",
            "https://sopu example",
        ] {
            assert_eq!(taken(text), Err(AddressError::Unreadable), "{text}");
        }
    }
}
