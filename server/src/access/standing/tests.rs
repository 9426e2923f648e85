#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use sopu_core::time::SystemEnv;

use super::*;
use crate::access::people::{self, NewMember, Party, Window};
use crate::access::{devices, sessions};
use crate::store::schema;

const ALWAYS: Window = Window {
    from_ms: 0,
    until_ms: None,
};

struct World {
    db: Connection,
    member: MemberId,
    space: SpaceId,
    team: uuid::Uuid,
}

fn world() -> World {
    let db = schema::open_in_memory().unwrap();
    let org = people::add_org(&db, &SystemEnv, "Hoiva Oy", None).unwrap();
    let new = NewMember {
        org,
        name: "Aino",
        login: Some("aino"),
        password: Some("satakieli laulaa"),
        admin: false,
    };
    let member = people::add_member(&db, &SystemEnv, &new).unwrap();
    let space = people::add_space(&db, &SystemEnv, org, "Koivula").unwrap();
    let team = people::add_team(&db, &SystemEnv, org, "Päivävuoro").unwrap();
    World {
        db,
        member,
        space,
        team,
    }
}

impl World {
    fn at(&self, at_ms: i64) -> Standing {
        standing(&self.db, self.member, self.space, at_ms).unwrap()
    }

    fn grant(&mut self, to: Party, role: Role, window: Window) {
        people::grant(&mut self.db, self.space, to, role, window, 50).unwrap();
    }
}

#[test]
fn a_window_opens_and_closes_by_itself() {
    let mut w = world();
    assert_eq!(w.at(0), Standing::Never);
    let window = Window {
        from_ms: 100,
        until_ms: Some(200),
    };
    w.grant(Party::Member(w.member), Role::Field, window);
    assert_eq!(w.at(99), Standing::Never);
    assert_eq!(w.at(100), Standing::In(Role::Field));
    assert_eq!(w.at(199), Standing::In(Role::Field));
    assert_eq!(
        w.at(200),
        Standing::Past {
            role: Role::Field,
            ended_ms: 200
        }
    );
}

#[test]
fn a_team_brings_its_members_in_while_both_windows_hold() {
    let mut w = world();
    w.grant(
        Party::Team(w.team),
        Role::Office,
        Window {
            from_ms: 0,
            until_ms: Some(300),
        },
    );
    assert_eq!(w.at(100), Standing::Never);
    people::join_team(
        &w.db,
        w.team,
        w.member,
        Window {
            from_ms: 100,
            until_ms: None,
        },
    )
    .unwrap();
    assert_eq!(w.at(100), Standing::In(Role::Office));
    assert_eq!(
        w.at(300),
        Standing::Past {
            role: Role::Office,
            ended_ms: 300
        }
    );
    assert!(people::leave_team(&w.db, w.team, w.member, 150).unwrap());
    // Also for a clock that is set back behind the moment it was done.
    for at_ms in [149, 150] {
        assert_eq!(
            w.at(at_ms),
            Standing::Removed {
                role: Role::Office,
                ended_ms: 150
            }
        );
    }
}

#[test]
fn the_strongest_of_several_roles_counts() {
    let mut w = world();
    w.grant(Party::Member(w.member), Role::Reader, ALWAYS);
    w.grant(Party::Team(w.team), Role::Owner, ALWAYS);
    people::join_team(&w.db, w.team, w.member, ALWAYS).unwrap();
    assert_eq!(w.at(1), Standing::In(Role::Owner));
    assert_eq!(
        spaces_of(&w.db, w.member, 1).unwrap(),
        vec![(w.space, Role::Owner)]
    );
}

#[test]
fn a_disabled_member_is_nowhere_any_more() {
    let mut w = world();
    w.grant(Party::Member(w.member), Role::Field, ALWAYS);
    people::disable_member(&w.db, w.member, 70).unwrap();
    for at_ms in [69, 70] {
        assert_eq!(
            w.at(at_ms),
            Standing::Removed {
                role: Role::Field,
                ended_ms: 70
            }
        );
    }
    assert!(spaces_of(&w.db, w.member, 70).unwrap().is_empty());
    assert!(
        sessions::sign_in(&w.db, &SystemEnv, "aino", "satakieli laulaa")
            .unwrap()
            .is_none()
    );
}

#[test]
fn the_roster_number_rises_when_a_window_opens_or_closes_and_never_returns() {
    let mut w = world();
    let window = Window {
        from_ms: 100,
        until_ms: Some(200),
    };
    w.grant(Party::Member(w.member), Role::Field, window);
    let number = |w: &World, at| roster_number(&w.db, w.space, at).unwrap();
    let (before, during, after) = (number(&w, 99), number(&w, 100), number(&w, 200));
    assert!(before < during && during < after);
    w.grant(
        Party::Member(w.member),
        Role::Field,
        Window {
            from_ms: 100,
            until_ms: Some(900),
        },
    );
    assert!(
        number(&w, 200) > after,
        "moving a boundary into the future is news too"
    );
    let seen = number(&w, 200);
    people::revoke(&w.db, w.space, Party::Member(w.member), 210).unwrap();
    assert!(number(&w, 210) > seen);
}

#[test]
fn a_roster_keeps_those_who_left_and_revoked_devices_without_a_role() {
    let mut w = world();
    w.grant(Party::Member(w.member), Role::Field, ALWAYS);
    let device = DeviceId::mint(&SystemEnv);
    w.db.execute(
        "INSERT INTO device(id, member, key, name, enrolled_ms) VALUES (?, ?, ?, 'puhelin', 0)",
        (blob(device.as_bytes()), blob(w.member.as_bytes()), [7; 32]),
    )
    .unwrap();
    let rows = roster(&w.db, w.space, 1).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].role.as_str(), rows[0].key), ("field", [7; 32]));
    devices::revoke(&w.db, device, 5).unwrap();
    assert_eq!(roster(&w.db, w.space, 6).unwrap()[0].role, "");
}

#[test]
fn a_session_ends_by_signing_out_by_idling_and_by_a_new_password() {
    let w = world();
    let enter = || sessions::sign_in(&w.db, &SystemEnv, "aino", "satakieli laulaa").unwrap();
    let now = || sopu_core::time::Env::now_ms(&SystemEnv);
    assert!(
        sessions::sign_in(&w.db, &SystemEnv, "aino", "wrong password")
            .unwrap()
            .is_none()
    );
    let token = enter().unwrap().token;
    assert_eq!(
        sessions::who(&w.db, &token, now(), true)
            .unwrap()
            .unwrap()
            .member,
        w.member
    );
    assert!(
        sessions::who(&w.db, &token, now() + sessions::IDLE_MS + 1_000, true)
            .unwrap()
            .is_none()
    );
    // A page that asks by itself does not keep a session from running out; a person does.
    let later = now() + sessions::IDLE_MS - 1_000;
    let is_in = |at_ms, by_hand| {
        sessions::who(&w.db, &token, at_ms, by_hand)
            .unwrap()
            .is_some()
    };
    assert!(is_in(later, false) && !is_in(later + 2_000, true));
    assert!(is_in(later, true) && is_in(later + 2_000, true));
    sessions::sign_out(&w.db, &token).unwrap();
    assert!(sessions::who(&w.db, &token, now(), true).unwrap().is_none());
    let token = enter().unwrap().token;
    people::set_password(&w.db, w.member, "another long one").unwrap();
    assert!(sessions::who(&w.db, &token, now(), true).unwrap().is_none());
}
