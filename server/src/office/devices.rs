//! An administrator's page: the people of the organisation, their devices, invites for new ones.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::qr::QRBuilder;
use sopu_core::id::{DeviceId, MemberId};
use sopu_core::invitation::Invitation;

use super::books::Books;
use super::frame::{Frame, html};
use super::posted::Posted;
use super::visitor::{Visitor, language};
use super::{Failure, Office};
use crate::access::{devices, invites, people};
use crate::words::Words;

#[derive(Template)]
#[template(path = "devices.html")]
struct Page {
    frame: Frame,
    tab: &'static str,
    people: Vec<Person>,
    invited: Option<Invited>,
    said: Option<String>,
}

struct Person {
    id: MemberId,
    name: String,
    devices: Vec<Device>,
}

struct Device {
    id: DeviceId,
    name: String,
    state: String,
    /// What it last said of itself.
    about: Option<String>,
    live: bool,
}

/// A code that was just made. It is shown this once.
pub(super) struct Invited {
    pub name: String,
    pub code: String,
    /// Where to, if this server knows how people reach it.
    pub address: Option<String>,
    /// Of the invitation: drawn here, of squares only.
    pub picture: Option<String>,
}

impl Invited {
    /// Makes an invite for one device of a member who is called so.
    pub(super) fn make(
        office: &Office,
        books: &Books,
        visitor: &Visitor,
        member: MemberId,
        name: String,
    ) -> Result<Self, Failure> {
        let by = Some(visitor.who.member);
        let what = format!("invite add {member}");
        let code = books.act(office, visitor, None, &what, |db| {
            invites::create(db, &*office.env, member, by, invites::LIFE_MS)
        })?;
        let address = office.public_url.clone();
        let picture = address.clone().and_then(|relay| {
            let code = code.clone();
            let invitation = Invitation { relay, code }.to_string();
            let drawn = QRBuilder::new(invitation).build().ok()?;
            Some(SvgBuilder::default().to_str(&drawn))
        });
        Ok(Self {
            name,
            code,
            address,
            picture,
        })
    }
}

/// The page.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
) -> Result<Response, Failure> {
    let may = visitor.administers();
    office
        .with_books(move |_, books| {
            may?;
            show(books, &visitor, None, None)
        })
        .await
}

#[derive(Template)]
#[template(path = "enrol.html")]
struct Scanned {
    frame: Frame,
}

/// What somebody sees whose browser, rather than the app, opened the picture of an invitation. The code
/// stays in the browser.
pub(super) async fn scanned(headers: HeaderMap) -> Response {
    html(&Scanned {
        frame: Frame::plain(Words::of(language(&headers))),
    })
}

/// Makes an invite for one device of a member.
pub(super) async fn invite(
    State(office): State<Arc<Office>>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    let may = visitor.administers();
    office
        .with_books(move |office, books| {
            may?;
            let member: MemberId = sent.id("member").ok_or(Failure::NotFound)?;
            let all = people::of_org(&books.people, visitor.who.org)?;
            let (_, name) = all
                .into_iter()
                .find(|(id, _)| *id == member)
                .ok_or(Failure::NotFound)?;
            let invited = Invited::make(office, books, &visitor, member, name)?;
            show(books, &visitor, Some(invited), None)
        })
        .await
}

/// Cuts a device off.
pub(super) async fn revoke(
    State(office): State<Arc<Office>>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    let may = visitor.administers();
    office
        .with_books(move |office, books| {
            may?;
            let device: DeviceId = sent.id("device").ok_or(Failure::NotFound)?;
            let own = devices::of_org(&books.people, visitor.who.org)?;
            if !own.iter().any(|row| row.id == device) {
                return Err(Failure::NotFound);
            }
            let what = format!("device revoke {device}");
            books.act(office, &visitor, None, &what, |db| {
                devices::revoke(db, device, office.env.now_ms())
            })?;
            let said = visitor.words.t("devices-revoked");
            show(books, &visitor, None, Some(said))
        })
        .await
}

fn show(
    books: &Books,
    visitor: &Visitor,
    invited: Option<Invited>,
    said: Option<String>,
) -> Result<Response, Failure> {
    let org = visitor.who.org;
    let all = devices::of_org(&books.people, org)?;
    let people = people::of_org(&books.people, org)?;
    let people = people.into_iter().map(|(id, name)| Person {
        id,
        name,
        devices: all
            .iter()
            .filter(|row| row.member_id == id)
            .map(|row| Device {
                id: row.id,
                name: row.name.clone(),
                state: state(row, visitor.words),
                about: about(row, visitor.words),
                live: row.revoked_ms.is_none(),
            })
            .collect(),
    });
    let mut frame = visitor.frame();
    frame.here = "/office/devices".to_owned();
    Ok(html(&Page {
        frame,
        tab: "devices",
        people: people.collect(),
        invited,
        said,
    }))
}

fn state(row: &devices::Row, words: &Words) -> String {
    let at = |key: &str, ms: i64| words.with(key, &[("when", &words.instant(ms))]);
    match (row.wiped_ms, row.revoked_ms, row.last_seen_ms) {
        (Some(ms), _, _) => at("device-wiped", ms),
        (None, Some(ms), _) => at("device-cut-off", ms),
        (None, None, Some(ms)) => at("device-seen", ms),
        (None, None, None) => words.t("device-never"),
    }
}

/// Its app, and what waits on it, as it last said.
fn about(row: &devices::Row, words: &Words) -> Option<String> {
    let (about, _) = row.about.as_ref()?;
    let count = |key: &str, n: u32| {
        let n = usize::try_from(n).unwrap_or(usize::MAX);
        (n > 0).then(|| words.n(key, &n))
    };
    let waits = [
        count("device-unsent", about.unsent),
        count("device-held", about.held),
        count("device-stuck", about.stuck),
    ];
    let mut all = vec![about.app.clone()];
    all.extend(waits.into_iter().flatten());
    Some(all.join(" · "))
}
