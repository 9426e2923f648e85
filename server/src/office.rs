//! Pages for people: the merged record in a browser. Rendered here, whole without scripts, one file
//! a page with its template beside it.
//!
//! A request passes [`visitor`] (who is it, in which language), enters a space (rights, access
//! log), reads `record.db` through [`books`], and renders. Nothing here writes the record but
//! [`Writer`], which the relay implements: an office edit is a change like any other.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use sopu_core::documents::Kind;
use sopu_core::id::{DocId, EnvelopeId, Hash, MemberId, SpaceId, Version};
use sopu_core::time::Env;

use crate::access::back_off::BackOff;
use crate::access::oidc::Providers;
use crate::data::Data;

mod access;
mod account;
mod assets;
mod books;
mod conflicts;
mod content;
mod devices;
mod document;
mod documents;
mod erase;
mod excerpt;
mod failure;
mod findings;
mod frame;
mod history;
mod hold;
mod left_out;
mod member;
mod members;
mod move_note;
mod names;
mod organisation;
mod people;
mod posted;
mod provider;
mod refusals;
mod relay_writer;
mod retention;
mod review;
mod sent;
mod share;
mod shared;
mod sign_in;
mod sign_in_code;
mod spaces;
mod states;
mod substitutes;
mod visitor;

pub use failure::{Failure, too_fast};

/// What the office needs from the relay to write.
pub trait Writer: Send + Sync {
    /// Settles a conflict as this member: writes the value that `change` had written.
    ///
    /// # Errors
    /// [`WriteError`].
    fn choose(&self, kind: Kind, choice: &Choice) -> Result<(), WriteError>;

    /// Marks a document as shared with the client's relatives, or as shared no more.
    ///
    /// # Errors
    /// [`WriteError`].
    fn share(&self, member: MemberId, at: Place, shared: bool) -> Result<(), WriteError>;

    /// Makes a document that says this.
    ///
    /// # Errors
    /// [`WriteError`]; [`WriteError::Gone`] if its place is taken.
    fn create(&self, member: MemberId, at: Place, value: &Value) -> Result<(), WriteError>;

    /// Says and erases what was asked for, now. Where that does not work out, it is done later.
    fn carry_out(&self);

    /// Lets held work into the record, or drops it for good. `false` if it is not held any more.
    ///
    /// # Errors
    /// [`WriteError::Failed`].
    fn review(&self, id: EnvelopeId, accept: bool) -> Result<bool, WriteError>;

    /// Notes that someone at the office has seen the document as it is in the record now. Devices
    /// hear of it at their next sync.
    fn seen(&self, space: SpaceId, doc: DocId);
}

/// Where a document is, and of which kind.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The space.
    pub space: SpaceId,
    /// The document.
    pub doc: DocId,
    /// Its kind.
    pub kind: Kind,
}

/// One person's choice between the values of a conflict.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Who chooses.
    pub member: MemberId,
    /// Where.
    pub space: SpaceId,
    /// In which document.
    pub doc: DocId,
    /// What the person saw.
    pub version: Version,
    /// The field.
    pub path: String,
    /// The change that wrote the chosen value.
    pub change: Hash,
}

/// Why an office edit was not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The conflict or the value is not there any more: somebody was quicker.
    #[error("nothing to choose there any more")]
    Gone,
    /// The member may not write here.
    #[error("no right to write here")]
    Right,
    /// The relay could not write. The cause is in its log.
    #[error("the relay could not write")]
    Failed,
}

/// What every page works with.
pub struct Office {
    /// The data folder: `relay.db` and `record.db` are in it.
    pub data: Data,
    /// Clock and randomness.
    pub env: Arc<dyn Env>,
    /// Cookies go over TLS only.
    pub secure: bool,
    /// Writes for the office.
    pub writer: Arc<dyn Writer>,
    /// What secrets of accounts are made from; of the ledger, never of the database.
    pub secret: [u8; 32],
    providers: Providers,
    /// Providers asked at one moment: a slow one must not hold the threads that serve everybody.
    asking: Arc<tokio::sync::Semaphore>,
    /// How people reach this server, for invitations.
    public_url: Option<String>,
    back_off: BackOff,
    refusals: refusals::Refusals,
    password_turn: Arc<tokio::sync::Mutex<()>>,
    books: Mutex<Vec<books::Books>>,
    /// Pages made at one moment: they must not hold all threads, which syncs need too.
    turns: Arc<tokio::sync::Semaphore>,
    found: findings::Found,
}

impl Office {
    /// An office over this data folder.
    pub fn new(
        data: impl Into<Data>,
        env: Arc<dyn Env>,
        secure: bool,
        writer: Arc<dyn Writer>,
        secret: [u8; 32],
    ) -> Self {
        Self {
            data: data.into(),
            env,
            secure,
            writer,
            secret,
            providers: Providers::new(Vec::new(), ""),
            asking: Arc::new(tokio::sync::Semaphore::new(ASKING)),
            public_url: None,
            back_off: BackOff::default(),
            refusals: refusals::Refusals::default(),
            password_turn: Arc::default(),
            books: Mutex::default(),
            turns: Arc::new(tokio::sync::Semaphore::new(books::TURNS)),
            found: findings::Found::default(),
        }
    }

    /// With identity providers people may sign in with.
    #[must_use]
    pub fn with_providers(self, providers: Providers) -> Self {
        Self { providers, ..self }
    }

    /// That knows how people reach it.
    #[must_use]
    pub fn reached_at(self, public_url: Option<String>) -> Self {
        Self { public_url, ..self }
    }
}

/// Identity providers asked at one moment.
const ASKING: usize = 4;

/// How long a page may take to be asked for and made.
const PAGE_TIME: Duration = Duration::from_secs(60);

/// The most bytes of a form.
const FORM_BYTES: usize = 64 * 1024;

/// The pages' addresses.
pub fn router<S: Clone + Send + Sync + 'static>(office: Arc<Office>) -> Router<S> {
    Router::new()
        .route("/", get(spaces::home))
        .route("/office", get(spaces::page))
        .route("/office/sign-in", get(sign_in::page).post(sign_in::enter))
        .route(
            "/office/sign-in/code",
            get(sign_in_code::page).post(sign_in_code::enter),
        )
        .route("/office/sign-in/provider/{id}", get(provider::begin))
        .route("/office/sign-in/provider/{id}/back", get(provider::back))
        .route("/office/sign-out", post(sign_in::leave))
        .route("/office/account", get(account::page))
        .route("/office/account/password", post(account::change_password))
        .route("/office/account/second-factor", post(account::confirm))
        .route("/office/account/second-factor.svg", get(account::picture))
        .route(
            "/office/account/second-factor/remove",
            post(account::remove),
        )
        .route(
            "/office/account/sign-out-everywhere",
            post(account::leave_everywhere),
        )
        .route("/office/language", get(sign_in::language))
        .route("/enrol", get(devices::scanned))
        .route("/office/devices", get(devices::page))
        .route("/office/devices/invite", post(devices::invite))
        .route("/office/devices/revoke", post(devices::revoke))
        .route("/office/members", get(members::page))
        .route("/office/members/add", post(members::add))
        .route("/office/members/{member}", get(member::page))
        .route("/office/members/{member}/grant", post(member::grant))
        .route("/office/members/{member}/admin", post(member::set_admin))
        .route("/office/members/{member}/end", post(member::end))
        .route(
            "/office/members/{member}/password",
            post(member::renew_password),
        )
        .route("/office/organisation", get(organisation::page))
        .route("/office/organisation/space", post(organisation::add_space))
        .route("/office/organisation/team", post(organisation::add_team))
        .route("/office/organisation/lease", post(organisation::set_lease))
        .route(
            "/office/organisation/teams/{team}/join",
            post(organisation::join),
        )
        .route(
            "/office/organisation/teams/{team}/leave",
            post(organisation::leave),
        )
        .route(
            "/office/substitutes",
            get(substitutes::page).post(substitutes::grant),
        )
        .route("/office/spaces/{space}", get(documents::page))
        .route("/office/spaces/{space}/review", get(review::page))
        .route(
            "/office/spaces/{space}/review/left-out",
            get(left_out::page),
        )
        .route("/office/spaces/{space}/review/accept", post(review::accept))
        .route(
            "/office/spaces/{space}/review/drop",
            post(review::drop_for_good),
        )
        .route("/office/spaces/{space}/shared", get(shared::page))
        .route(
            "/office/spaces/{space}/documents/{doc}/share",
            post(share::ask),
        )
        .route(
            "/office/spaces/{space}/access",
            get(excerpt::page).post(excerpt::make),
        )
        .route("/office/spaces/{space}/people", get(people::page))
        .route("/office/spaces/{space}/people/grant", post(people::grant))
        .route("/office/spaces/{space}/people/end", post(people::end))
        .route("/office/spaces/{space}/conflicts", get(conflicts::of_space))
        .route("/office/spaces/{space}/findings", get(findings::page))
        .route("/office/spaces/{space}/news", get(documents::news))
        .route(
            "/office/spaces/{space}/documents/{doc}",
            get(document::page),
        )
        .route(
            "/office/spaces/{space}/documents/{doc}/conflicts",
            get(conflicts::page),
        )
        .route(
            "/office/spaces/{space}/documents/{doc}/choose",
            post(conflicts::choose),
        )
        .route(
            "/office/spaces/{space}/documents/{doc}/erase",
            post(erase::ask),
        )
        .route(
            "/office/spaces/{space}/documents/{doc}/access",
            get(access::page),
        )
        .route(
            "/office/spaces/{space}/documents/{doc}/move",
            get(move_note::page).post(move_note::carry_out),
        )
        .route("/office/spaces/{space}/retention", get(retention::page))
        .route(
            "/office/spaces/{space}/retention/close",
            post(retention::close),
        )
        .route(
            "/office/spaces/{space}/retention/decide",
            post(retention::decide),
        )
        .route(
            "/office/spaces/{space}/documents/{doc}/class",
            post(retention::classify),
        )
        .route(
            "/office/spaces/{space}/holds",
            get(hold::page).post(hold::client),
        )
        .route(
            "/office/spaces/{space}/documents/{doc}/hold",
            post(hold::document),
        )
        .route("/office/spaces/{space}/erased/{doc}", get(erase::receipt))
        .route(
            "/office/spaces/{space}/documents/{doc}/history",
            get(history::page),
        )
        .route("/office/office.css", get(assets::style))
        .route("/office/office.js", get(assets::script))
        // People mistype addresses too: they get a page, not an answer for devices.
        .route("/office/", get(spaces::home))
        .route("/office/{*rest}", get(spaces::nothing))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .layer(middleware::from_fn(in_time))
        .layer(middleware::from_fn(failure::render))
        .layer(middleware::map_response(guarded))
        .with_state(office)
}

/// Ends requests whose form does not come in.
async fn in_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(PAGE_TIME, next.run(request))
        .await
        .unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response())
}

/// Headers of every page. Nothing is loaded from elsewhere and no script or style stands inside a
/// page, so text from a document can never become code; nothing of a page is left in a shared
/// computer's cache.
pub(crate) async fn guarded(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 6] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
             connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=()",
        ),
    ];
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod account_tests;
#[cfg(test)]
mod administration_tests;
#[cfg(test)]
mod devices_tests;
#[cfg(test)]
mod erase_tests;
#[cfg(test)]
mod excerpt_tests;
#[cfg(test)]
mod hold_tests;
#[cfg(test)]
mod matrix_tests;
#[cfg(test)]
mod move_tests;
#[cfg(test)]
mod move_twice_tests;
#[cfg(test)]
mod move_waiting_tests;
#[cfg(test)]
mod names_tests;
#[cfg(test)]
mod retention_tests;
#[cfg(test)]
mod review_tests;
#[cfg(test)]
mod shared_tests;
#[cfg(test)]
mod substitutes_tests;
#[cfg(test)]
mod tests;
