//! Who is at the other end of a connection.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::Request;

/// The other end of the connection a request came over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// It is our own proxy, which says in `X-Forwarded-For` for whom it asks.
    pub is_proxy: bool,
}

/// Whom an address stands for: of IPv6 one customer has at least a /64, with as many addresses as they
/// like. `None` for this machine: behind it may be anybody.
pub fn whose(address: IpAddr) -> Option<IpAddr> {
    match address.to_canonical() {
        own if own.is_loopback() => None,
        IpAddr::V6(v6) => Some(Ipv6Addr::from(u128::from(v6) & (!0 << 64)).into()),
        v4 @ IpAddr::V4(_) => Some(v4),
    }
}

/// Whom a request comes from: the peer, or, if that is our proxy, the last one it names. What stands
/// before that anybody can have written. `None` where nobody can tell: everybody would share one limit.
pub fn asks(request: &Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<Peer>()?;
    if !peer.is_proxy {
        return whose(peer.address.ip());
    }
    let named = request
        .headers()
        .get_all("x-forwarded-for")
        .iter()
        .next_back();
    let last = named?.to_str().ok()?.rsplit(',').next()?.trim();
    let address = last.parse::<IpAddr>().ok();
    let with_port = || last.parse::<SocketAddr>().ok().map(|address| address.ip());
    whose(address.or_else(with_port)?)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails should say where")]
    use axum::body::Body;

    use super::*;

    fn ask(peer: &str, is_proxy: bool, said: Option<&str>) -> Option<String> {
        let mut request = Request::get("/").body(Body::empty()).unwrap();
        let address: SocketAddr = peer.parse().unwrap();
        request.extensions_mut().insert(Peer { address, is_proxy });
        if let Some(said) = said {
            let headers = request.headers_mut();
            headers.insert("x-forwarded-for", said.parse().unwrap());
        }
        asks(&request).map(|address| address.to_string())
    }

    #[test]
    fn only_our_own_proxy_is_believed_and_only_its_own_word() {
        let some = |text: &str| Some(text.to_owned());
        let (peer, named) = ("192.0.2.9:1", Some("10.0.0.1, 198.51.100.1"));
        assert_eq!(ask(peer, false, named), some("192.0.2.9"));
        assert_eq!(ask(peer, true, named), some("198.51.100.1"));
        assert_eq!(
            ask(peer, true, Some("198.51.100.1:77")),
            some("198.51.100.1")
        );
        // Nobody can tell: no limit is better than one that everybody shares.
        for said in [Some("nonsense"), Some("unknown"), None] {
            assert_eq!(ask(peer, true, said), None);
        }
        for own in ["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(
                ask(own, false, None),
                None,
                "a proxy that nobody told us of"
            );
        }
    }

    #[test]
    fn all_addresses_of_one_ipv6_customer_are_one() {
        let [one, same, other] = [
            "[2001:db8:1:2::1]:1",
            "[2001:db8:1:2:ffff::9]:1",
            "[2001:db8:1:3::1]:1",
        ]
        .map(|peer| ask(peer, false, None));
        assert_eq!(one, same);
        assert_ne!(one, other);
    }
}
