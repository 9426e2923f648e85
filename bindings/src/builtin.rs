//! The HTTP client of the library itself, for laptops and scripts. Phones leave the feature `http` out:
//! their platform has one, which knows its proxies, certificates and background transfers.

use std::sync::Arc;

use sopu_core::transport::Transport;

use crate::error::SopuError;

/// Connections to a relay, kept between syncs.
#[derive(Default)]
pub(crate) struct Builtin {
    #[cfg(feature = "http")]
    kept: std::sync::Mutex<Option<(String, Arc<sopu_core::transport::http::HttpTransport>)>>,
}

impl Builtin {
    /// The way to a relay.
    #[cfg(feature = "http")]
    pub(crate) fn to(&self, relay: &str) -> Result<Arc<dyn Transport>, SopuError> {
        use std::sync::PoisonError;

        use sopu_core::transport::http::HttpTransport;

        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((base, http)) = &*kept
            && base == relay
        {
            return Ok(http.clone());
        }
        let http = Arc::new(HttpTransport::new(relay));
        *kept = Some((relay.to_owned(), http.clone()));
        Ok(http)
    }

    /// There is none: the app must give its own.
    #[cfg(not(feature = "http"))]
    #[expect(clippy::unused_self, reason = "as with the feature")]
    pub(crate) fn to(&self, _relay: &str) -> Result<Arc<dyn Transport>, SopuError> {
        Err(SopuError::BadValue {
            path: "client".to_owned(),
            code: "required".to_owned(),
        })
    }
}
