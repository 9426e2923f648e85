//! Signing in with an organisation's own identity provider (OpenID Connect Core 1.0, authorization
//! code flow with PKCE).
//!
//! A provider speaks for its own organisation only: whoever it names must be a member there, linked by
//! the provider's name for them, or, the first time, by a verified e-mail address that is their user
//! name.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims,
};
use openidconnect::http::Response;
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl,
    Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    TokenResponse,
};
use rusqlite::{Connection, OptionalExtension};
use sopu_core::id::{MemberId, OrgId};

use super::{AccessError, Result, blob, id16};

/// How long a person may take at the provider.
const PATIENCE_MS: i64 = 10 * 60 * 1_000;
/// Sign-ins under way at most; the oldest go first.
const UNDER_WAY: usize = 1_000;
/// How long a provider's description is believed before it is read again: its keys change.
const DESCRIBED_MS: i64 = 60 * 60 * 1_000;
/// How long one that did not answer is not asked again.
const SILENT_MS: i64 = 30 * 1_000;
/// The most bytes of an answer of a provider.
const ANSWER_BYTES: u64 = 1 << 20;
/// How long a provider may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(15);

/// A provider, as the settings file names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its part of the address people come back to: no two share one, so that an answer of one is never
    /// taken to another (RFC 9207).
    pub id: String,
    /// What stands on its button.
    pub name: String,
    /// The organisation it speaks for: name or id.
    pub org: String,
    /// Its address, under which it describes itself.
    pub issuer: String,
    /// What it calls this server.
    pub client_id: String,
    /// What this server proves itself with.
    pub client_secret: Option<String>,
}

/// Why nobody could be signed in. Nothing of the person or of the provider's answer is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// It does not answer, or does not describe itself as it must.
    #[error("the identity provider cannot be reached")]
    Unreachable,
    /// The answer does not belong to a sign-in that was begun in this browser.
    #[error("this sign-in was not begun here, or too long ago")]
    NotBegun,
    /// What it says does not hold: code, signature, audience, time or nonce.
    #[error("what the identity provider says does not hold")]
    Untrue,
}

/// Whom a provider has named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its own name for the person: never given to another.
    pub subject: String,
    /// Their e-mail address, if the provider says that it is verified.
    pub email: Option<String>,
}

struct Begun {
    provider: String,
    browser: String,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    next: String,
    until_ms: i64,
}

/// The providers with what is under way at each.
pub struct Providers {
    all: Vec<Provider>,
    /// How people reach this server.
    public_url: String,
    begun: Mutex<BTreeMap<String, Begun>>,
    /// What each says of itself, and when it was asked; `None` if it did not answer.
    described: Mutex<BTreeMap<String, (i64, Option<CoreProviderMetadata>)>>,
}

impl Providers {
    /// These, sending people back to `public_url`.
    pub fn new(all: Vec<Provider>, public_url: &str) -> Self {
        Self {
            all,
            public_url: public_url.to_owned(),
            begun: Mutex::default(),
            described: Mutex::default(),
        }
    }

    /// The id of each, and what stands on its button.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.all.iter();
        all.map(|provider| (provider.id.as_str(), provider.name.as_str()))
    }

    fn of(&self, id: &str) -> Option<&Provider> {
        self.all.iter().find(|provider| provider.id == id)
    }

    /// The address to send a person to. Asks the provider for its description if need be: not for an
    /// async thread.
    ///
    /// # Errors
    /// [`OidcError::Unreachable`], also for a provider there is none of.
    pub fn begin(
        &self,
        id: &str,
        browser: &str,
        next: &str,
        now_ms: i64,
    ) -> std::result::Result<String, OidcError> {
        let provider = self.of(id).ok_or(OidcError::Unreachable)?;
        let described = self.describe(provider, now_ms)?;
        let client = CoreClient::from_provider_metadata(
            described,
            ClientId::new(provider.client_id.clone()),
            provider.client_secret.clone().map(ClientSecret::new),
        )
        .set_redirect_uri(self.back(provider)?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state, nonce) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("email".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.retain(|_, one| one.until_ms > now_ms);
        while begun.len() >= UNDER_WAY {
            let oldest = begun.iter().min_by_key(|(_, one)| one.until_ms);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else {
                break;
            };
            begun.remove(&key);
        }
        begun.insert(
            state.into_secret(),
            Begun {
                provider: id.to_owned(),
                browser: browser.to_owned(),
                nonce,
                verifier,
                next: next.to_owned(),
                until_ms: now_ms + PATIENCE_MS,
            },
        );
        Ok(address.into())
    }

    /// Whom the provider has named, which one it is, and where the person wanted to go. Asks the
    /// provider: not for an async thread. A state is used up by it.
    ///
    /// # Errors
    /// [`OidcError`].
    pub fn finish(
        &self,
        id: &str,
        state: &str,
        code: &str,
        browser: &str,
        now_ms: i64,
    ) -> std::result::Result<(Named, Provider, String), OidcError> {
        let begun = {
            let mut all = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
            all.remove(state)
        };
        // A browser without a cookie is nobody's: it is not the same as another without one.
        let same = |one: &Begun| one.browser == browser && !browser.is_empty();
        let begun = begun.filter(|one| one.until_ms > now_ms && one.provider == id && same(one));
        let begun = begun.ok_or(OidcError::NotBegun)?;
        let provider = self.of(id).ok_or(OidcError::NotBegun)?;
        let ask = |request| self::ask(&provider.issuer, request);
        let client = CoreClient::from_provider_metadata(
            self.describe(provider, now_ms)?,
            ClientId::new(provider.client_id.clone()),
            provider.client_secret.clone().map(ClientSecret::new),
        )
        .set_redirect_uri(self.back(provider)?);
        let untrue = |_| OidcError::Untrue;
        let tokens = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(untrue)?
            .set_pkce_verifier(begun.verifier)
            .request(&ask)
            .map_err(|_| OidcError::Untrue)?;
        let token = tokens.id_token().ok_or(OidcError::Untrue)?;
        let claims = token.claims(&client.id_token_verifier(), &begun.nonce);
        let claims = claims.map_err(|_| {
            // Its keys may have changed: the next try reads them again.
            let mut described = self
                .described
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            described.remove(id);
            OidcError::Untrue
        })?;
        let subject = claims.subject().clone();
        let mut email = match claims.email_verified() {
            Some(true) => claims.email().map(|email| email.to_string()),
            Some(false) | None => None,
        };
        if email.is_none()
            && let Ok(request) =
                client.user_info(tokens.access_token().clone(), Some(subject.clone()))
            && let Ok::<CoreUserInfoClaims, _>(info) = request.request(&ask)
            && info.email_verified() == Some(true)
        {
            email = info.email().map(|email| email.to_string());
        }
        let subject = subject.to_string();
        Ok((Named { subject, email }, provider.clone(), begun.next))
    }

    fn back(&self, provider: &Provider) -> std::result::Result<RedirectUrl, OidcError> {
        let (server, id) = (&self.public_url, &provider.id);
        let back = format!("{server}/office/sign-in/provider/{id}/back");
        RedirectUrl::new(back).map_err(|_| OidcError::Unreachable)
    }

    fn describe(
        &self,
        provider: &Provider,
        now_ms: i64,
    ) -> std::result::Result<CoreProviderMetadata, OidcError> {
        {
            let known = self
                .described
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some((at_ms, described)) = known.get(&provider.id) {
                let kept = match described {
                    Some(_) => DESCRIBED_MS,
                    None => SILENT_MS,
                };
                if now_ms.abs_diff(*at_ms) < kept.unsigned_abs() {
                    return described.clone().ok_or(OidcError::Unreachable);
                }
            }
        }
        let issuer = IssuerUrl::new(provider.issuer.clone());
        let issuer = issuer.map_err(|_| OidcError::Unreachable)?;
        let found = CoreProviderMetadata::discover(&issuer, &|request| {
            self::ask(&provider.issuer, request)
        }).inspect_err(|error| {
            // It may quote what the provider said: one line, whatever that was.
            let error = error.to_string();
            tracing::warn!(issuer = provider.issuer, error = %error.escape_debug(), "an identity provider does not answer");
        });
        let found = found.ok();
        let mut known = self
            .described
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.insert(provider.id.clone(), (now_ms, found.clone()));
        found.ok_or(OidcError::Unreachable)
    }
}

/// One request to a provider. Redirects are not followed: they could lead into the own network.
///
/// What a provider says of itself may name any address. Only one that is on this machine itself is asked
/// there, and without TLS; no other one makes this server ask its own machine or network by number.
fn ask(issuer: &str, request: HttpRequest) -> std::result::Result<HttpResponse, ureq::Error> {
    let host = |uri: &ureq::http::Uri| uri.host().unwrap_or_default().to_ascii_lowercase();
    let issuer: ureq::http::Uri = issuer.parse().map_err(|_| {
        // Settings are looked through when the server starts.
        ureq::Error::BadUri("an issuer is an address".to_owned())
    })?;
    let own = host(request.uri()) == host(&issuer);
    let refused = match request.uri().scheme_str() {
        Some("https") => is_near(&host(request.uri())) && !own,
        Some("http") => !(own && is_near(&host(&issuer))),
        Some(_) | None => true,
    };
    if refused {
        return Err(ureq::Error::BadUri(
            "a provider is asked over TLS, and not in the own network".to_owned(),
        ));
    }
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(ANSWER_TIME))
        .max_redirects(0)
        .http_status_as_error(false)
        .build()
        .into();
    let (parts, mut body) = agent.run(request)?.into_parts();
    let mut bytes = Vec::new();
    let mut limited = body.as_reader().take(ANSWER_BYTES);
    limited.read_to_end(&mut bytes)?;
    Ok(Response::from_parts(parts, bytes))
}

/// Whether a host is this machine, or a number that only the own network knows.
fn is_near(host: &str) -> bool {
    let number = host.trim_start_matches('[').trim_end_matches(']');
    match number.parse() {
        Ok(IpAddr::V4(v4)) => {
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified()
        }
        Ok(IpAddr::V6(v6)) => {
            v6.is_loopback()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.is_unspecified()
                || v6.to_ipv4_mapped().is_some()
        }
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// The member whom a provider has named; linked with it from then on. `None` if there is none.
///
/// # Errors
/// The database's; the provider's organisation is not there.
pub fn member_of(db: &Connection, provider: &Provider, named: &Named) -> Result<Option<MemberId>> {
    let org = super::people::find_org(db, Some(&provider.org))?;
    let known = db
        .prepare_cached(
            "SELECT id FROM member WHERE org = ?1 AND oidc_issuer = ?2 AND oidc_subject = ?3
             AND disabled_ms IS NULL",
        )?
        .query_row(
            (blob(org.as_bytes()), &provider.issuer, &named.subject),
            |row| id16(row, 0),
        )
        .optional()?;
    if let Some(id) = known {
        return Ok(Some(MemberId(id)));
    }
    let Some(email) = &named.email else {
        return Ok(None);
    };
    let found: Option<uuid::Uuid> = db
        .prepare_cached(
            "SELECT id FROM member WHERE org = ?1 AND lower(login) = lower(?2)
             AND oidc_issuer IS NULL AND disabled_ms IS NULL",
        )?
        .query_row((blob(org.as_bytes()), email), |row| id16(row, 0))
        .optional()?;
    let Some(member) = found.map(MemberId) else {
        return Ok(None);
    };
    link(db, org, member, &provider.issuer, &named.subject, false)?;
    Ok(Some(member))
}

/// Joins a member with a provider's name for them; `anew` also one who is joined with another.
///
/// # Errors
/// [`AccessError::Taken`] if it names another already; the database's.
pub fn link(
    db: &Connection,
    org: OrgId,
    member: MemberId,
    issuer: &str,
    subject: &str,
    anew: bool,
) -> Result<()> {
    let done = db.execute(
        "UPDATE OR IGNORE member SET oidc_issuer = ?3, oidc_subject = ?4
         WHERE id = ?1 AND org = ?2 AND (oidc_issuer IS NULL OR ?5)",
        (
            blob(member.as_bytes()),
            blob(org.as_bytes()),
            issuer,
            subject,
            anew,
        ),
    )?;
    if done == 0 {
        return Err(AccessError::Taken {
            what: "identity",
            // Not the provider's name for the person: errors go into the log.
            name: issuer.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn hosts_of_this_machine_and_of_the_own_network_are_near() {
        for near in [
            "localhost",
            "127.0.0.1",
            "[::1]",
            "10.1.2.3",
            "192.168.0.1",
            "169.254.169.254",
            "[fd00::1]",
            "[::ffff:127.0.0.1]",
            "0.0.0.0",
        ] {
            assert!(is_near(near), "{near}");
        }
        for far in [
            "id.example.fi",
            "8.8.8.8",
            "[2001:db8::1]",
            "localhost.example.fi",
        ] {
            assert!(!is_near(far), "{far}");
        }
    }

    #[test]
    fn a_provider_elsewhere_is_not_followed_onto_this_machine() {
        let ask = |issuer: &str, to: &str| {
            let request = openidconnect::http::Request::get(to)
                .body(Vec::new())
                .expect("a request");
            matches!(super::ask(issuer, request), Err(ureq::Error::BadUri(_)))
        };
        for to in [
            "http://127.0.0.1:9/token",
            "https://127.0.0.1:9/",
            "https://10.0.0.1/keys",
            "http://id.example.fi/",
            "ftp://id.example.fi/",
        ] {
            assert!(ask("https://id.example.fi", to), "{to}");
        }
        // Asked, and nobody is there.
        assert!(!ask("http://127.0.0.1:9", "http://127.0.0.1:9/token"));
        assert!(ask("http://127.0.0.1:9", "http://127.0.0.2:9/token"));
    }
}
