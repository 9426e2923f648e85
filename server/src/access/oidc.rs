//! Signing in with an organisation's own identity provider (OpenID Connect Core 1.0, authorization
//! code flow with PKCE).
//!
//! A provider speaks for its own organisation only: whoever it names must be a member there, linked by
//! the provider's name for them, or, the first time, by a verified e-mail address that is their user
//! name.

use std::collections::BTreeMap;
use std::io::Read;
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
/// The most bytes of an answer of a provider.
const ANSWER_BYTES: u64 = 1 << 20;
/// How long a provider may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(15);

/// A provider, as the settings file names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
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
    provider: usize,
    browser: String,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    next: String,
    until_ms: i64,
}

/// The providers with what is under way at each.
pub struct Providers {
    all: Vec<Provider>,
    /// Where they send people back to.
    back: String,
    begun: Mutex<BTreeMap<String, Begun>>,
    described: Mutex<BTreeMap<usize, (i64, CoreProviderMetadata)>>,
}

impl Providers {
    /// These, sending people back to `public_url`.
    pub fn new(all: Vec<Provider>, public_url: &str) -> Self {
        Self {
            all,
            back: format!("{public_url}/office/sign-in/provider/back"),
            begun: Mutex::default(),
            described: Mutex::default(),
        }
    }

    /// What stands on each one's button.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|provider| provider.name.as_str())
    }

    /// The address to send a person to. Asks the provider for its description if need be: not for an
    /// async thread.
    ///
    /// # Errors
    /// [`OidcError::Unreachable`], also for a provider there is none of.
    pub fn begin(
        &self,
        number: usize,
        browser: &str,
        next: &str,
        now_ms: i64,
    ) -> std::result::Result<String, OidcError> {
        let provider = self.all.get(number).ok_or(OidcError::Unreachable)?;
        let described = self.describe(number, now_ms)?;
        let client = CoreClient::from_provider_metadata(
            described,
            ClientId::new(provider.client_id.clone()),
            provider.client_secret.clone().map(ClientSecret::new),
        )
        .set_redirect_uri(self.back()?);
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
                provider: number,
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
        state: &str,
        code: &str,
        browser: &str,
        now_ms: i64,
    ) -> std::result::Result<(Named, &Provider, String), OidcError> {
        let begun = {
            let mut all = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
            all.remove(state)
        };
        let begun = begun.filter(|one| one.until_ms > now_ms && one.browser == browser);
        let begun = begun.ok_or(OidcError::NotBegun)?;
        let provider = self.all.get(begun.provider).ok_or(OidcError::NotBegun)?;
        let client = CoreClient::from_provider_metadata(
            self.describe(begun.provider, now_ms)?,
            ClientId::new(provider.client_id.clone()),
            provider.client_secret.clone().map(ClientSecret::new),
        )
        .set_redirect_uri(self.back()?);
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
            described.remove(&begun.provider);
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
        Ok((Named { subject, email }, provider, begun.next))
    }

    fn back(&self) -> std::result::Result<RedirectUrl, OidcError> {
        RedirectUrl::new(self.back.clone()).map_err(|_| OidcError::Unreachable)
    }

    fn describe(
        &self,
        number: usize,
        now_ms: i64,
    ) -> std::result::Result<CoreProviderMetadata, OidcError> {
        {
            let known = self
                .described
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some((at_ms, metadata)) = known.get(&number)
                && now_ms.abs_diff(*at_ms) < DESCRIBED_MS.unsigned_abs()
            {
                return Ok(metadata.clone());
            }
        }
        let provider = self.all.get(number).ok_or(OidcError::Unreachable)?;
        let issuer = IssuerUrl::new(provider.issuer.clone());
        let issuer = issuer.map_err(|_| OidcError::Unreachable)?;
        let found = CoreProviderMetadata::discover(&issuer, &ask).map_err(|error| {
            tracing::warn!(issuer = provider.issuer, %error, "an identity provider does not answer");
            OidcError::Unreachable
        })?;
        let mut known = self
            .described
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.insert(number, (now_ms, found.clone()));
        Ok(found)
    }
}

/// One request to a provider. Redirects are not followed: they could lead into the own network.
fn ask(request: HttpRequest) -> std::result::Result<HttpResponse, ureq::Error> {
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
    link(db, org, member, &provider.issuer, &named.subject)?;
    Ok(Some(member))
}

/// Joins a member with a provider's name for them.
///
/// # Errors
/// [`AccessError::Taken`] if it names another already; the database's.
pub fn link(
    db: &Connection,
    org: OrgId,
    member: MemberId,
    issuer: &str,
    subject: &str,
) -> Result<()> {
    let done = db.execute(
        "UPDATE OR IGNORE member SET oidc_issuer = ?3, oidc_subject = ?4 WHERE id = ?1 AND org = ?2",
        (
            blob(member.as_bytes()),
            blob(org.as_bytes()),
            issuer,
            subject,
        ),
    )?;
    if done == 0 {
        return Err(AccessError::Taken {
            what: "identity",
            name: subject.to_owned(),
        });
    }
    Ok(())
}
