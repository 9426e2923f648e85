//! Who is at the other end of a connection.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;

/// The other end of the connection a request came over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// It is our own proxy, which says in `X-Forwarded-For` for whom it asks.
    pub is_proxy: bool,
}

/// The address a request comes from: of the peer, or, if that is our proxy, the last one it names. What
/// stands before that anybody can have written.
pub fn address(request: &Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<Peer>()?;
    if !peer.is_proxy {
        return Some(peer.address.ip());
    }
    let named = request
        .headers()
        .get_all("x-forwarded-for")
        .iter()
        .next_back();
    let named = named.and_then(|value| value.to_str().ok());
    let last = named.and_then(|list| list.rsplit(',').next());
    let last = last.and_then(|text| text.trim().parse().ok());
    Some(last.unwrap_or(peer.address.ip()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails should say where")]
    use axum::body::Body;

    use super::*;

    #[test]
    fn only_our_own_proxy_is_believed_and_only_its_own_word() {
        let ask = |is_proxy, said: Option<&str>| {
            let mut request = Request::get("/").body(Body::empty()).unwrap();
            let address: SocketAddr = "192.0.2.9:1".parse().unwrap();
            request.extensions_mut().insert(Peer { address, is_proxy });
            if let Some(said) = said {
                request
                    .headers_mut()
                    .insert("x-forwarded-for", said.parse().unwrap());
            }
            super::address(&request).unwrap().to_string()
        };
        assert_eq!(ask(false, Some("198.51.100.1")), "192.0.2.9");
        assert_eq!(ask(true, Some("10.0.0.1, 198.51.100.1")), "198.51.100.1");
        assert_eq!(ask(true, Some("nonsense")), "192.0.2.9");
        assert_eq!(ask(true, None), "192.0.2.9");
    }
}
