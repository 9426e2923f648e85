//! Administration of people, teams, spaces and grants, asked as a browser asks.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use rusqlite::Connection;
use sopu_core::id::{MemberId, OrgId, SpaceId};
use sopu_core::time::{Env, SystemEnv};

use super::tests::{Answer, World, field, world};
use super::*;
use crate::access::people::{self, NewMember, Party, Window};
use crate::access::{Role, introduction, invites, lists, log, standing};
use crate::store::schema;

fn db(w: &World) -> Connection {
    schema::open(&w.dir.path().join("relay.db")).unwrap()
}

fn make_admin(w: &World) {
    people::set_admin(&db(w), w.member, true).unwrap();
}

fn person(w: &World, org: OrgId, name: &str) -> MemberId {
    let new = NewMember {
        org,
        name,
        login: None,
        password: None,
        admin: false,
    };
    people::add_member(&db(w), &SystemEnv, &new).unwrap()
}

fn org(w: &World) -> OrgId {
    people::org_of(&db(w), w.member).unwrap()
}

/// What was noted in the access log, newest last.
fn noted(w: &World) -> Vec<String> {
    let db = db(w);
    let mut query = db
        .prepare("SELECT reason FROM access_log WHERE action = 'administer' ORDER BY number")
        .unwrap();
    let rows = query.query_map([], |row| row.get(0)).unwrap();
    let noted = rows.collect::<rusqlite::Result<_>>().unwrap();
    assert_eq!(log::verify(&db).unwrap(), None);
    noted
}

/// Sends a form of ours.
async fn send(w: &World, cookie: &str, path: &str, form: &[(&str, &str)]) -> Answer {
    let token = field(&w.get("/office", cookie).await.body, "form_token");
    let mut all = vec![("form_token", token.as_str())];
    all.extend(form);
    w.post(path, cookie, &all).await
}

#[tokio::test]
async fn a_person_is_added_signs_in_and_must_make_a_password_of_their_own() {
    let w = world(Role::Office);
    make_admin(&w);
    let cookie = w.enter().await;
    let form = [("name", "Onni <Oja>"), ("login", "onni"), ("invite", "1")];
    let page = send(&w, &cookie, "/office/members/add", &form).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.body.contains("<svg") && !page.body.contains("<Oja>"));
    let password = page.body.split("class=\"code\">").nth(1).unwrap();
    let password = password.split('<').next().unwrap().to_owned();
    let open = invites::open(&db(&w), SystemEnv.now_ms()).unwrap();
    assert_eq!(open.len(), 1);
    assert!(noted(&w)[0].starts_with("member add "));
    let taken = send(&w, &cookie, "/office/members/add", &form).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);

    let theirs = w.enter_as("onni", &password).await;
    let answer = w.get("/office", &theirs).await;
    assert_eq!(answer.location, "/office/account");
    let page = w.get("/office/account", &theirs).await.body;
    let token = field(&page, "form_token");
    let change = |new: &'static str| {
        [
            ("form_token", token.clone()),
            ("old", password.clone()),
            (
                "new",
                if new.is_empty() {
                    password.clone()
                } else {
                    new.to_owned()
                },
            ),
        ]
    };
    let same = change("");
    let same = same.each_ref().map(|(k, v)| (*k, v.as_str()));
    let answer = w.post("/office/account/password", &theirs, &same).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let own = change("kevät on jo täällä");
    let own = own.each_ref().map(|(k, v)| (*k, v.as_str()));
    let answer = w.post("/office/account/password", &theirs, &own).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let theirs = answer.cookies[0].split(';').next().unwrap().to_owned();
    assert_eq!(w.get("/office", &theirs).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_owner_lets_people_in_changes_their_role_and_ends_it_with_a_reason() {
    let w = world(Role::Owner);
    let onni = person(&w, org(&w), "Onni Oja");
    let cookie = w.enter().await;
    let page = w.get(&format!("/office/spaces/{}", w.space), &cookie).await;
    let people = format!("/office/spaces/{}/people", w.space);
    assert!(page.body.contains(&people), "the page is found");
    let party = format!("member:{onni}");
    let at = |w: &World| standing(&db(w), onni, w.space, SystemEnv.now_ms()).unwrap();
    for role in [Role::Field, Role::Reader] {
        let form = [("party", &*party), ("role", role.code())];
        let answer = send(&w, &cookie, &format!("{people}/grant"), &form).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(at(&w).role(), Some(role));
    }
    let wrong = [
        ("party", &*party),
        ("role", "field"),
        ("until", "2020-01-01"),
    ];
    let answer = send(&w, &cookie, &format!("{people}/grant"), &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(at(&w).role(), Some(Role::Reader), "nothing changed");
    let end = format!("{people}/end");
    let answer = send(&w, &cookie, &end, &[("party", &*party)]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "no reason");
    assert_eq!(at(&w).role(), Some(Role::Reader));
    // A substitution beside it ends by itself, or before its time, and takes nothing else along.
    let from_ms = SystemEnv.now_ms() - 1_000;
    let window = Window {
        from_ms,
        until_ms: Some(from_ms + 86_400_000),
    };
    let to = Party::Member(onni);
    people::grant(&mut db(&w), w.space, to, Role::Field, window, from_ms).unwrap();
    assert_eq!(at(&w).role(), Some(Role::Field));
    let from = from_ms.to_string();
    let form = [("party", &*party), ("from", &*from), ("reason", "peruttu")];
    assert_eq!(send(&w, &cookie, &end, &form).await.status, StatusCode::OK);
    assert_eq!(at(&w).role(), Some(Role::Reader));
    let answer = send(&w, &cookie, &end, &form).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "it has ended");
    let form = [("party", &*party), ("reason", "muutti muualle")];
    let answer = send(&w, &cookie, &end, &form).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(at(&w).role(), None);
    let noted = noted(&w);
    assert_eq!(noted.len(), 4, "{noted:?}");
    assert!(noted[3].ends_with("muutti muualle"), "{noted:?}");
}

#[tokio::test]
async fn an_administrator_makes_teams_and_spaces_and_lets_teams_in() {
    let w = world(Role::Reader);
    make_admin(&w);
    let onni = person(&w, org(&w), "Onni Oja");
    let cookie = w.enter().await;
    for (what, name) in [("space", "Mäkelä"), ("team", "Päivävuoro")] {
        let path = format!("/office/organisation/{what}");
        let answer = send(&w, &cookie, &path, &[("name", name)]).await;
        assert!(answer.body.contains(name), "{}", answer.body);
        let answer = send(&w, &cookie, &path, &[("name", " ")]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let spaces = lists::spaces(&db(&w), org(&w)).unwrap();
    let (space, _) = spaces.iter().find(|(_, name)| name == "Mäkelä").unwrap();
    let (team, _) = lists::teams(&db(&w), org(&w)).unwrap()[0].clone();
    let member = onni.to_string();
    let path = format!("/office/organisation/teams/{team}");
    let form = [("member", &*member)];
    let answer = send(&w, &cookie, &format!("{path}/join"), &form).await;
    assert_eq!(answer.status, StatusCode::OK);
    let party = format!("team:{team}");
    let form = [("party", &*party), ("role", "field")];
    // The administrator is not in the space, and says who is.
    let people = format!("/office/spaces/{space}/people");
    let answer = send(&w, &cookie, &format!("{people}/grant"), &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let inside = format!("/office/spaces/{space}");
    assert_eq!(w.get(&inside, &cookie).await.status, StatusCode::NOT_FOUND);
    let role = |w: &World| {
        standing(&db(w), onni, *space, SystemEnv.now_ms())
            .unwrap()
            .role()
    };
    assert_eq!(role(&w), Some(Role::Field));
    let page = w.get(&format!("/office/members/{onni}"), &cookie).await;
    assert!(page.body.contains("Mäkelä") && page.body.contains("Päivävuoro"));
    let form = [("member", &*member), ("reason", "toinen vuoro")];
    let answer = send(&w, &cookie, &format!("{path}/leave"), &form).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(role(&w), None);
    assert_eq!(noted(&w).len(), 5);
}

#[tokio::test]
async fn ending_an_account_needs_a_reason_and_is_not_for_oneself() {
    let w = world(Role::Owner);
    make_admin(&w);
    let onni = person(&w, org(&w), "Onni Oja");
    let cookie = w.enter().await;
    let ended = |w: &World, who: MemberId| {
        let all = lists::people(&db(w), org(w)).unwrap();
        all.iter()
            .any(|person| person.id == who && person.ended_ms.is_some())
    };
    let path = format!("/office/members/{onni}/end");
    let answer = send(&w, &cookie, &path, &[]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let own = format!("/office/members/{}", w.member);
    for what in ["end", "admin"] {
        let path = format!("{own}/{what}");
        let answer = send(&w, &cookie, &path, &[("reason", "x")]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert!(!ended(&w, onni) && !ended(&w, w.member));
    let answer = send(&w, &cookie, &path, &[("reason", "eläkkeelle")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(ended(&w, onni));
    // An account that is ended stays as it is.
    let grant = format!("/office/members/{onni}/grant");
    let answer = send(&w, &cookie, &grant, &[]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn people_teams_and_spaces_of_other_organisations_are_not_there() {
    let w = world(Role::Owner);
    make_admin(&w);
    let other = people::add_org(&db(&w), &SystemEnv, "Muu Oy", None).unwrap();
    let stranger = person(&w, other, "Vieras Väinö");
    let team = people::add_team(&db(&w), &SystemEnv, other, "Muut").unwrap();
    let space = people::add_space(&db(&w), &SystemEnv, other, "Muualla").unwrap();
    let cookie = w.enter().await;
    for page in ["/office/members", "/office/organisation"] {
        let body = w.get(page, &cookie).await.body;
        assert!(!body.contains("Väinö") && !body.contains("Muualla") && !body.contains("Muut"));
    }
    let (party, teams) = (format!("member:{stranger}"), format!("team:{team}"));
    let (member, own) = (stranger.to_string(), w.member.to_string());
    let own_party = format!("member:{own}");
    let here = format!("/office/spaces/{}/people", w.space);
    let there = format!("/office/spaces/{space}/people");
    let of_them = format!("/office/members/{stranger}");
    let of_team = format!("/office/organisation/teams/{team}");
    let tries: [(String, &[(&str, &str)]); 10] = [
        (
            format!("{here}/grant"),
            &[("party", &party), ("role", "field")],
        ),
        (
            format!("{here}/grant"),
            &[("party", &teams), ("role", "field")],
        ),
        (format!("{here}/end"), &[("party", &party), ("reason", "x")]),
        (
            format!("{there}/grant"),
            &[("party", &own_party), ("role", "owner")],
        ),
        (
            format!("{there}/end"),
            &[("party", &party), ("reason", "x")],
        ),
        (format!("{of_them}/end"), &[("reason", "x")]),
        (format!("{of_them}/password"), &[]),
        (format!("{of_them}/admin"), &[]),
        (format!("{of_team}/join"), &[("member", &own)]),
        (
            format!("{of_team}/leave"),
            &[("member", &member), ("reason", "x")],
        ),
    ];
    for (path, form) in tries {
        let answer = send(&w, &cookie, &path, form).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    for page in [there, of_them] {
        assert_eq!(
            w.get(&page, &cookie).await.status,
            StatusCode::NOT_FOUND,
            "{page}"
        );
    }
    assert!(noted(&w).is_empty());
}

#[tokio::test]
async fn only_administrators_get_to_the_organisation_and_forged_forms_change_nothing() {
    let w = world(Role::Owner);
    let onni = person(&w, org(&w), "Onni Oja");
    let always = Window {
        from_ms: 0,
        until_ms: None,
    };
    people::grant(
        &mut db(&w),
        w.space,
        Party::Member(onni),
        Role::Field,
        always,
        1,
    )
    .unwrap();
    let cookie = w.enter().await;
    let of_onni = format!("/office/members/{onni}");
    for page in ["/office/members", "/office/organisation", of_onni.as_str()] {
        assert_eq!(
            w.get(page, &cookie).await.status,
            StatusCode::FORBIDDEN,
            "{page}"
        );
    }
    for what in ["grant", "end", "admin", "password"] {
        let answer = send(&w, &cookie, &format!("{of_onni}/{what}"), &[]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}");
    }
    make_admin(&w);
    let party = format!("member:{onni}");
    let forged = [("form_token", "x"), ("party", &*party), ("reason", "x")];
    let paths = [
        format!("/office/spaces/{}/people/end", w.space),
        format!("{of_onni}/end"),
        format!("{of_onni}/admin"),
    ];
    for path in paths {
        let answer = w.post(&path, &cookie, &forged).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert!(noted(&w).is_empty());
    let nowhere = SpaceId::mint(&SystemEnv);
    let answer = w
        .get(&format!("/office/spaces/{nowhere}/people"), &cookie)
        .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_administrator_says_how_long_devices_may_be_without_contact() {
    let w = world(Role::Reader);
    make_admin(&w);
    let cookie = w.enter().await;
    let lease = |w: &World| people::lease_of(&db(w), org(w)).unwrap();
    assert_eq!(lease(&w), 30);
    for wrong in ["0", "366", "-1", "x", ""] {
        let form = [("days", wrong)];
        let answer = send(&w, &cookie, "/office/organisation/lease", &form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    let form = [("days", "14")];
    let answer = send(&w, &cookie, "/office/organisation/lease", &form).await;
    assert!(answer.body.contains("value=\"14\""), "{}", answer.body);
    assert_eq!(
        (lease(&w), noted(&w)),
        (14, vec!["org lease 14".to_owned()])
    );
}

#[tokio::test]
async fn what_is_not_in_the_access_log_was_not_done() {
    let w = world(Role::Owner);
    let db = schema::open(&w.dir.path().join("relay.db")).unwrap();
    people::set_admin(&db, w.member, true).unwrap();
    let cookie = w.enter().await;
    let token = field(&w.get("/office", &cookie).await.body, "form_token");
    // A disk that fails just when the row is to be written.
    db.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON access_log BEGIN SELECT RAISE(ABORT, 'full'); END",
    )
    .unwrap();
    let count = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        db.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    let tables = [
        "space",
        "team",
        "member",
        "invite",
        "space_member",
        "closing",
        "held_client",
    ];
    let before = tables.map(count);
    let (member, note) = (w.member.to_string(), w.note.to_string());
    let space = format!("/office/spaces/{}", w.space);
    let party = format!("member:{member}");
    for (path, form) in [
        (
            "/office/organisation/space".to_owned(),
            vec![("name", "Uusi")],
        ),
        (
            "/office/organisation/team".to_owned(),
            vec![("name", "Uusi")],
        ),
        ("/office/organisation/lease".to_owned(), vec![("days", "3")]),
        (
            "/office/members/add".to_owned(),
            vec![("name", "Uusi"), ("login", "uusi"), ("invite", "yes")],
        ),
        (
            "/office/devices/invite".to_owned(),
            vec![("member", &*member)],
        ),
        (
            format!("{space}/people/grant"),
            vec![
                ("party", &*party),
                ("role", "reader"),
                ("until", "2099-01-01T00:00"),
            ],
        ),
        (
            format!("{space}/people/end"),
            vec![("party", &*party), ("reason", "x")],
        ),
        (
            format!("{space}/documents/{note}/hold"),
            vec![("held", "yes"), ("reason", "x")],
        ),
        (
            format!("{space}/documents/{note}/erase"),
            vec![("reason", "request")],
        ),
    ] {
        let mut all = vec![("form_token", &*token)];
        all.extend(form);
        let answer = w.post(&path, &cookie, &all).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert_eq!(tables.map(count), before, "{path}");
        assert_eq!(
            (count("erasure_wish"), count("notice_wish")),
            (0, 0),
            "{path}"
        );
    }
    let ended = "SELECT count(*) FROM space_member WHERE removed_ms IS NOT NULL";
    let ended: i64 = db.query_row(ended, [], |row| row.get(0)).unwrap();
    assert_eq!(ended, 0);
    let org = people::org_of(&db, w.member).unwrap();
    assert_ne!(people::lease_of(&db, org).unwrap(), 3);
}

#[tokio::test]
async fn somebody_of_another_organisation_is_let_in_by_the_code_they_tell() {
    let w = world(Role::Owner);
    let cookie = w.enter().await;
    let db = db(&w);
    let org = people::add_org(&db, &SystemEnv, "Lähihoito Tmi", None).unwrap();
    let sari = person(&w, org, "Sari Sijainen");
    let code = introduction::code(&[7; 32], sari).unwrap();
    let own = introduction::code(&[7; 32], w.member).unwrap();
    let page = w.get("/office/account", &cookie).await.body;
    assert!(page.contains(&own), "{page}");
    let path = format!("/office/spaces/{}/people/grant", w.space);
    let token = field(&w.get("/office", &cookie).await.body, "form_token");
    let grant = async |code: &str| {
        let form = [
            ("form_token", &*token),
            ("introduction", code),
            ("role", "field"),
        ];
        w.post(&path, &cookie, &form).await
    };
    let role = || {
        standing(&db, sari, w.space, SystemEnv.now_ms())
            .unwrap()
            .role()
    };
    let sent = [
        ("form_token", &*token),
        ("party", &*format!("member:{sari}")),
        ("role", "field"),
    ];
    let answer = w.post(&path, &cookie, &sent).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "an id is not enough");
    assert_eq!(grant(" ").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    for wrong in ["0000-0000-0000", own.as_str(), "Sari Sijainen"] {
        let answer = grant(wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert_eq!(role(), None);
    }
    let answer = grant(&code).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(answer.body.contains("Sari Sijainen"));
    assert_eq!(role(), Some(Role::Field));
    let rows = log::of_space(&db, w.space, 1).unwrap();
    let said = rows[0].reason.clone().unwrap();
    assert!(
        said.contains(&format!("space grant member:{sari} field")),
        "{said}"
    );
    // Whoever tries codes waits.
    let mut statuses = Vec::new();
    for n in 0..9 {
        let answer = grant(&format!("0000-0000-000{n}")).await;
        statuses.push(answer.body.contains("Odota") || answer.body.contains("odota"));
    }
    assert!(statuses.contains(&true), "{statuses:?}");
}
