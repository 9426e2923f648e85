//! Every endpoint of `/v1` tried by every sort of device that may not, with everything it may not: one
//! table of who and one of what, each of one with each of the other.

use serde_json::json;
use sopu_core::documents::Kind;
use sopu_core::envelope::{Envelope, encode};
use sopu_core::id::{DocId, EnvelopeId, SpaceId};
use sopu_core::wire::{
    Cursor, Cursors, DocRead, EnrolRequest, Notice, NoticeKind, Offer, OrderDone, SignedNotice,
    SyncRequest, Verdict, limits,
};

use super::world::{DAY, Note, Phone, World, step};
use crate::access::{Role, log, people};
use crate::api::Problem;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// Of another organisation, at home in a space of its own.
    Outsider,
    /// Of the same organisation, in another space.
    Neighbour,
    /// Reads the space and writes nothing.
    Reader,
    /// Was in the space until a day that has long passed.
    Expired,
    /// Was taken out of the space.
    Removed,
    /// Was cut off.
    Revoked,
    /// Was cut off and is wiped.
    Wiped,
    /// Exists twice.
    Cloned,
}

const WHO: [Who; 8] = [
    Who::Outsider,
    Who::Neighbour,
    Who::Reader,
    Who::Expired,
    Who::Removed,
    Who::Revoked,
    Who::Wiped,
    Who::Cloned,
];

impl Who {
    fn reads(self) -> bool {
        self == Who::Reader
    }
}

/// A space with an honest device that has written a note; and somebody who means no good.
struct Scene {
    world: World,
    victim: Phone,
    note: Note,
    /// The victim's envelope, as anybody may have seen it on its way.
    seen: Envelope,
    /// Its id.
    id: EnvelopeId,
    /// Where the victim stands: with the relay's own tag.
    stands: Vec<Cursor>,
    villain: Phone,
    /// Where the villain is at home, if it is anywhere.
    home: SpaceId,
}

fn scene(who: Who) -> Scene {
    let mut world = World::new();
    let victim = world.phone(Role::Field);
    let (note, sealed) = victim.note(world.space, "victim");
    assert_eq!(world.feed(&victim, &sealed), Verdict::Fed(1));
    let mut stands = Vec::new();
    for page in world.pull_all(&victim) {
        step(&mut stands, &page);
    }
    // News and an order that wait for the victim.
    let gone = victim.note(world.space, "gone");
    world.feed(&victim, &gone.1);
    world.relay.erase(gone.0.id, "request").unwrap();

    let member = world.person();
    let home = world.second_space();
    world.grant(home, member, Role::Owner, None);
    let space = world.space;
    match who {
        Who::Outsider => {
            let other = people::add_org(&world.db, &*world.clock, "Muu Oy", None).unwrap();
            let sql = "UPDATE member SET org = ?1 WHERE id = ?2";
            let ids = (other.as_bytes().as_slice(), member.as_bytes().as_slice());
            world.db.execute(sql, ids).unwrap();
        }
        Who::Neighbour => {}
        Who::Reader => world.grant(space, member, Role::Reader, None),
        Who::Expired => world.grant(space, member, Role::Owner, Some(world.now() + DAY)),
        Who::Removed | Who::Revoked | Who::Wiped | Who::Cloned => {
            world.grant(space, member, Role::Owner, None);
        }
    }
    let mut villain = world.phone_of(member);
    world.pull(&villain, &[]);
    match who {
        Who::Outsider | Who::Neighbour | Who::Reader => {}
        Who::Expired => world.later(30 * DAY),
        Who::Removed => {
            world.later(DAY);
            world.remove(space, member);
            world.later(DAY);
        }
        Who::Revoked => world.relay.revoke(villain.id).unwrap(),
        Who::Wiped => {
            world.relay.revoke(villain.id).unwrap();
            let order = world.pull(&villain, &[]).orders[0].number;
            let mut done = villain.request();
            done.done = vec![OrderDone { number: order }];
            world.relay.sync(&villain.token, &done).unwrap();
        }
        Who::Cloned => {
            villain.instance = [2; 16];
            world.pull(&villain, &[]);
            villain.instance = [1; 16];
            world.pull(&villain, &[]);
        }
    }
    Scene {
        world,
        victim,
        note,
        id: sealed.proof.id(),
        seen: sealed.envelope,
        stands,
        villain,
        home,
    }
}

type Twist = fn(&Scene, SyncRequest) -> SyncRequest;

/// What is asked for, of the way devices sync.
const WHAT: &[(&str, Twist)] = &[
    ("nothing but the news", |_, request| request),
    ("a new note in the space", |s, request| {
        push(request, &[&s.villain.note(s.world.space, "x").1.envelope])
    }),
    ("an edit of the note", |s, request| {
        let mut note = s.note.clone();
        push(
            request,
            &[&note.write(&s.villain, json!({"tags": ["x"]})).envelope],
        )
    }),
    ("the note as one of its own space", |s, request| {
        let mut note = Note::new(&s.villain, s.home, Kind::VisitNote);
        note.id = s.note.id;
        push(
            request,
            &[&note.write(&s.villain, json!({"tags": ["x"]})).envelope],
        )
    }),
    ("the victim's envelope, again and again", |s, request| {
        push(request, &[&s.seen, &s.seen])
    }),
    ("the victim's envelope with another run", |s, request| {
        let other = s.villain.note(s.world.space, "x").1.envelope;
        let forged = Envelope {
            run: other.run,
            ..s.seen.clone()
        };
        push(request, &[&forged])
    }),
    ("in the place of the victim's envelope", |s, request| {
        let mut note = Note::new(&s.villain, s.home, Kind::VisitNote);
        let sealed = note.write_replacing(&s.villain, json!({"tags": ["x"]}), vec![s.id]);
        push(request, &[&sealed.envelope])
    }),
    ("from where the victim stands", |s, request| SyncRequest {
        cursors: Cursors::Vector(s.stands.clone()),
        ..request
    }),
    ("from before where the victim stands", |s, request| {
        let back = |cursor: &Cursor| Cursor {
            seq: 0,
            ..cursor.clone()
        };
        SyncRequest {
            cursors: Cursors::Vector(s.stands.iter().map(back).collect()),
            ..request
        }
    }),
    ("by the victim's token of cursors", |s, request| {
        SyncRequest {
            cursors: Cursors::Token(sopu_core::wire::token(&s.stands)),
            ..request
        }
    }),
    ("that others' orders are done", |_, request| SyncRequest {
        done: (0..50).map(|number| OrderDone { number }).collect(),
        status_seen: u64::MAX,
        ..request
    }),
    ("the victim's envelope as lost", |s, request| SyncRequest {
        offers: vec![Offer::Envelope {
            envelope: s.seen.clone(),
            accept: [7; 16],
        }],
        ..request
    }),
    ("a notice nobody gave", |s, request| {
        let notice = Notice {
            space: s.world.space,
            doc: s.note.id,
            at_ms: 1,
            what: NoticeKind::Erased("request".into()),
        };
        let notice = SignedNotice {
            body: encode(&notice),
            signature: [7; 64],
        };
        SyncRequest {
            offers: vec![Offer::Notice {
                notice,
                accept: [7; 16],
            }],
            ..request
        }
    }),
    ("reads of everything", |s, request| SyncRequest {
        reads: Some(vec![
            read(s.note.id, i64::MIN),
            read(s.note.id, i64::MAX),
            read(DocId(uuid::Uuid::nil()), 0),
        ]),
        ..request
    }),
    ("too many reads", |s, request| SyncRequest {
        reads: Some(vec![read(s.note.id, 0); limits::READS + 1]),
        ..request
    }),
    ("too many orders", |_, request| SyncRequest {
        done: vec![OrderDone { number: 1 }; limits::PUSH_COUNT + 1],
        ..request
    }),
    ("too many envelopes", |_, request| SyncRequest {
        push: vec![vec![].into(); limits::PUSH_COUNT + 1],
        ..request
    }),
    ("an envelope larger than any", |s, request| {
        let large = Envelope {
            run: vec![1; 8 << 20],
            ..s.seen.clone()
        };
        push(request, &[&large])
    }),
    ("in another protocol", |_, request| SyncRequest {
        protocol: 2,
        ..request
    }),
];

fn read(doc: DocId, at_ms: i64) -> DocRead {
    DocRead { doc, at_ms }
}

fn push(request: SyncRequest, envelopes: &[&Envelope]) -> SyncRequest {
    SyncRequest {
        push: envelopes.iter().map(|e| encode(*e).into()).collect(),
        ..request
    }
}

/// What must stay as it is, whoever asked for whatever.
#[derive(Debug, PartialEq)]
struct Untouched {
    /// Places of the space's feed, and what is known of its documents.
    feed: Vec<String>,
    /// The victim's envelope.
    state: Verdict,
    /// What the victim is to do and to hear.
    orders: usize,
    /// Rows of the access log in another's name.
    log: usize,
    devices: i64,
}

fn untouched(s: &Scene) -> Untouched {
    let rows = |sql: &str| {
        let mut query = s.world.db.prepare(sql).unwrap();
        let space = s.world.space.as_bytes().as_slice();
        let rows = query.query_map([space], |row| row.get::<_, String>(0));
        rows.unwrap().collect::<Result<Vec<_>, _>>().unwrap()
    };
    let orders = "SELECT count(*) FROM device_order WHERE device = ?1";
    let victim = s.victim.id.as_bytes().as_slice();
    let count = |sql: &str, id: &[u8]| -> usize {
        s.world.db.query_row(sql, [id], |row| row.get(0)).unwrap()
    };
    let all = log::all(&s.world.db, 10_000).unwrap().into_iter();
    let devices = "SELECT count(*) FROM device WHERE ?1 IS NOT NULL";
    Untouched {
        feed: [
            rows("SELECT seq || hex(id) FROM feed WHERE space = ?1 ORDER BY seq"),
            rows("SELECT hex(doc) || last_seq FROM document WHERE space = ?1 ORDER BY doc"),
        ]
        .concat(),
        state: s.world.state(s.id),
        orders: count(orders, victim),
        log: all
            .filter(|row| row.member != Some(s.villain.member))
            .count(),
        devices: i64::try_from(count(devices, victim)).unwrap(),
    }
}

#[test]
fn whoever_may_not_changes_and_learns_nothing_by_whatever_they_sync() {
    for who in WHO {
        let s = scene(who);
        let before = untouched(&s);
        for (what, twist) in WHAT {
            let request = twist(&s, s.villain.request());
            let answer = s.world.relay.sync(&s.villain.token, &request);
            s.world.relay.merge_all().unwrap();
            let note = format!("{who:?}, {what}: {answer:?}");
            assert_eq!(untouched(&s), before, "{note}");
            if let Ok(answer) = &answer {
                let of = |space| space == s.world.space;
                let told = answer.pages.iter().any(|page| of(page.to.space))
                    || answer
                        .spaces
                        .iter()
                        .any(|n| of(n.space) && n.standing.is_some());
                assert!(!told || who.reads(), "{note}");
                let fed = |verdict: &Verdict| matches!(verdict, Verdict::Fed(seq) if *seq > 1);
                assert!(!answer.offered.iter().any(fed), "{note}");
            }
            let refused = answer.as_ref().err();
            if what.starts_with("too many") {
                assert_eq!(refused, Some(&Problem::TooMany), "{note}");
            } else if what.contains("protocol") {
                assert_eq!(refused, Some(&Problem::ProtocolUnknown), "{note}");
            } else {
                // One that is cut off may say that it is wiped, and has nothing more to say then.
                let cut_off = matches!(who, Who::Revoked | Who::Wiped);
                let wiped = cut_off && refused == Some(&Problem::DeviceRevoked);
                assert!(refused.is_none() || wiped, "{note}");
            }
        }
        assert_eq!(log::verify(&s.world.db).unwrap(), None);
        // And the victim goes on.
        let next = s.victim.note(s.world.space, "next").1;
        assert!(matches!(s.world.feed(&s.victim, &next), Verdict::Fed(_)));
    }
}

#[test]
fn a_token_that_nobody_bears_asks_for_nothing() {
    let s = scene(Who::Neighbour);
    let before = untouched(&s);
    let tokens = [
        "",
        "x",
        &s.villain.token[1..],
        &s.villain.token.to_uppercase(),
    ];
    for token in tokens {
        for (what, twist) in WHAT {
            let request = twist(&s, s.villain.request());
            let answer = s.world.relay.sync(token, &request);
            assert!(answer.is_err(), "{what}");
        }
    }
    assert_eq!(untouched(&s), before);
}

#[test]
fn nobody_enrols_with_what_is_another_s() {
    for who in WHO {
        let s = scene(who);
        let world = &s.world;
        // Heard from: its invite is used for good.
        let heard = world.invite(s.victim.member);
        let of_victim = world.enrol_request(&heard, &s.victim.key);
        let token = world.relay.enrol(&of_victim).unwrap().token;
        world.relay.sync(&token, &s.victim.request()).unwrap();
        let own = world.invite(s.villain.member);
        let mine = |code: &str| world.enrol_request(code, &s.villain.key);
        let expired = world.invite(s.villain.member);
        let before = untouched(&s);
        let tries: [(&str, EnrolRequest, Problem); 8] = [
            (
                "the victim's request again",
                EnrolRequest {
                    instance: [9; 16],
                    ..of_victim.clone()
                },
                Problem::InviteUsed,
            ),
            ("the victim's invite", mine(&heard), Problem::InviteUsed),
            ("no invite", mine("AAAA-AAAA-AAAA"), Problem::InviteUnknown),
            (
                "an endless code",
                mine(&"A".repeat(8_000)),
                Problem::InviteUnknown,
            ),
            (
                "the victim's key, and a signature of its own",
                EnrolRequest {
                    key: of_victim.key,
                    ..mine(&own)
                },
                Problem::SignatureWrong,
            ),
            (
                "the victim's key and signature of another code",
                EnrolRequest {
                    code: own.clone(),
                    ..of_victim.clone()
                },
                Problem::SignatureWrong,
            ),
            (
                "a key that is none",
                EnrolRequest {
                    key: [0xff; 32],
                    ..mine(&own)
                },
                Problem::SignatureWrong,
            ),
            (
                "another protocol",
                EnrolRequest {
                    protocol: 0,
                    ..mine(&own)
                },
                Problem::ProtocolUnknown,
            ),
        ];
        for (what, request, problem) in tries {
            let answer = world.relay.enrol(&request);
            assert_eq!(answer.err(), Some(problem), "{who:?}, {what}");
            assert_eq!(untouched(&s), before, "{who:?}, {what}");
        }
        // The victim's key, with everything right but whose it is.
        let theirs = world.enrol_request(&own, &s.victim.key);
        assert_eq!(world.relay.enrol(&theirs).err(), Some(Problem::KeyTaken));
        world.later(2 * DAY);
        let late = world.relay.enrol(&mine(&expired));
        assert_eq!(late.err(), Some(Problem::InviteExpired));
        assert_eq!(untouched(&s), before, "{who:?}");
    }
}

#[test]
fn who_may_is_noticed_by_the_same_look() {
    let mut s = scene(Who::Neighbour);
    let before = untouched(&s);
    let (space, member) = (s.world.space, s.villain.member);
    s.world.grant(space, member, Role::Field, None);
    let told = s.world.pull(&s.villain, &[]);
    assert!(told.pages.iter().any(|page| page.to.space == space));
    let request = WHAT[1].1(&s, s.villain.request());
    s.world.relay.sync(&s.villain.token, &request).unwrap();
    s.world.relay.merge_all().unwrap();
    assert_ne!(untouched(&s).feed, before.feed);
}
