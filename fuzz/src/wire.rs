//! Requests and answers of the sync protocol, as relay and device read their bodies.

use minicbor::{Decode, Encode};
use sopu_core::envelope::{Envelope, decode, encode};
use sopu_core::id::{DeviceId, DocId, EnvelopeId, MemberId, SpaceId};
use sopu_core::wire::{
    About, Cursor, Cursors, Cut, DocRead, Entry, FeedProof, FirstSync, Notice, NoticeKind, Offer,
    Order, OrderDone, OrderKind, PROTOCOL, Pack, ProofSpecial, RosterRow, SignedNotice, SpaceNews,
    SpacePage, Standing, Status, StatusNews, SyncRequest, SyncResponse, Verdict, body, limits,
    token,
};
use uuid::Uuid;

/// First byte: bit 0 says whether the rest is compressed, bit 1 which side reads it.
pub fn run(data: &[u8]) {
    let [flags, data @ ..] = data else {
        return;
    };
    let compressed = flags & 1 == 1;
    if flags & 2 == 0 {
        let Some(request) = same::<SyncRequest>(data, compressed, limits::BODY_EXPANDED) else {
            return;
        };
        for pushed in &request.push {
            decode::<Envelope>(pushed);
        }
        if let Cursors::Vector(vector) = &request.cursors {
            token(vector);
        }
    } else {
        let most = 2 * limits::BODY_EXPANDED;
        let Some(response) = same::<SyncResponse>(data, compressed, most) else {
            return;
        };
        for page in &response.pages {
            for entry in &page.entries {
                entry.seq();
            }
        }
    }
}

/// Reads a body; what it says must say the same when it is written and read again.
fn same<T>(data: &[u8], compressed: bool, most: usize) -> Option<T>
where
    T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq + std::fmt::Debug,
{
    let read: T = body::read(data, compressed, most).ok()?;
    let written = encode(&read);
    assert_eq!(body::parse::<T>(&written).as_ref(), Ok(&read));
    Some(read)
}

/// Bodies with something in every field, plain and compressed.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for request in requests() {
        add(&mut seeds, 0, &encode(&request));
    }
    for response in responses() {
        add(&mut seeds, 2, &encode(&response));
    }
    seeds
}

fn add(seeds: &mut Vec<Vec<u8>>, side: u8, body: &[u8]) {
    seeds.push([&[side], body].concat());
    let packed = zstd::stream::encode_all(body, 3).expect("packs");
    seeds.push([&[side | 1], &packed[..]].concat());
}

fn envelope() -> Envelope {
    Envelope {
        header: vec![1, 2, 3],
        signature: [7; 64],
        run: vec![4; 20],
    }
}

fn cursor(first: Option<FirstSync>) -> Cursor {
    Cursor {
        space: SpaceId(Uuid::from_u128(1)),
        generation: [2; 16],
        seq: 300,
        tag: [3; 8],
        roster: 4,
        first,
    }
}

fn notice() -> SignedNotice {
    let notice = Notice {
        space: SpaceId(Uuid::from_u128(1)),
        doc: DocId(Uuid::from_u128(2)),
        at_ms: 3,
        what: NoticeKind::ContractNumber("SO-2026-00001".into()),
    };
    SignedNotice {
        body: encode(&notice),
        signature: [5; 64],
    }
}

fn requests() -> Vec<SyncRequest> {
    let bare = SyncRequest {
        protocol: PROTOCOL,
        instance: [1; 16],
        cursors: Cursors::Token([2; 16]),
        push: vec![],
        wait_ms: 55_000,
        now_ms: 1_767_225_600_000,
        status_seen: 0,
        max_bytes: 0,
        done: vec![],
        offers: vec![],
        about: None,
        reads: None,
    };
    let first = [
        None,
        Some(FirstSync::Documents {
            at: 9,
            below: 4,
            within: Some(2),
        }),
        Some(FirstSync::Proofs { at: 9, above: 4 }),
    ];
    let full = SyncRequest {
        cursors: Cursors::Vector(first.into_iter().map(cursor).collect()),
        push: vec![encode(&envelope()).into(), vec![0xff].into()],
        status_seen: 70_000,
        max_bytes: 1 << 20,
        done: vec![OrderDone { number: 1 }],
        offers: vec![
            Offer::Envelope {
                envelope: envelope(),
                accept: [6; 16],
            },
            Offer::Notice {
                notice: notice(),
                accept: [6; 16],
            },
        ],
        about: Some(About {
            app: "Sopu 0.1.0".into(),
            unsent: 3,
            held: 0,
            stuck: 1,
        }),
        reads: Some(vec![DocRead {
            doc: DocId(Uuid::from_u128(3)),
            at_ms: 1_767_225_600_000,
        }]),
        ..bare.clone()
    };
    vec![bare, full]
}

fn responses() -> Vec<SyncResponse> {
    let bare = SyncResponse {
        protocol: PROTOCOL,
        now_ms: 1,
        answers: vec![],
        need_vector: true,
        spaces: vec![],
        pages: vec![],
        more: false,
        status: vec![],
        orders: vec![],
        offered: vec![],
        lease_days: None,
        reads: None,
    };
    let verdicts = vec![
        Verdict::Waiting,
        Verdict::Fed(8),
        Verdict::Held("review".into()),
        Verdict::Final("fork".into()),
        Verdict::Erased,
        Verdict::Refused("busy".into()),
    ];
    let full = SyncResponse {
        need_vector: false,
        lease_days: Some(14),
        reads: Some(1),
        status: vec![
            StatusNews {
                number: 1,
                id: EnvelopeId([1; 32]),
                status: Status::Verdict(verdicts[2].clone()),
            },
            StatusNews {
                number: 2,
                id: EnvelopeId([1; 32]),
                status: Status::SeenByOffice(5),
            },
        ],
        answers: verdicts,
        spaces: vec![
            SpaceNews {
                space: SpaceId(Uuid::from_u128(1)),
                standing: Some(Standing {
                    name: "Koivula".into(),
                    role: "field".into(),
                    until_ms: Some(9),
                }),
            },
            SpaceNews {
                space: SpaceId(Uuid::from_u128(2)),
                standing: None,
            },
        ],
        pages: vec![page()],
        more: true,
        orders: [
            OrderKind::Wipe,
            OrderKind::Purge(DocId(Uuid::from_u128(3))),
            OrderKind::EnrolAgain,
        ]
        .into_iter()
        .zip(1..)
        .map(|(what, number)| Order { number, what })
        .collect(),
        offered: vec![Verdict::Fed(4), Verdict::Refused("accept_wrong".into())],
        ..bare.clone()
    };
    vec![bare, full]
}

fn page() -> SpacePage {
    let proof = sopu_core::envelope::Proof {
        header: vec![1],
        signature: [2; 64],
        digest: [3; 32],
    };
    let special = [
        None,
        Some(ProofSpecial::Notice),
        Some(ProofSpecial::Erased([9; 32])),
    ];
    SpacePage {
        from: Some(cursor(None)),
        to: cursor(Some(FirstSync::Documents {
            at: 9,
            below: 4,
            within: Some(2),
        })),
        roster: Some(vec![RosterRow {
            device: DeviceId(Uuid::from_u128(1)),
            key: [1; 32],
            member: MemberId(Uuid::from_u128(2)),
            name: "Aino".into(),
            role: "owner".into(),
            office: true,
        }]),
        entries: vec![
            Entry::Envelope {
                seq: 1,
                envelope: envelope(),
                received_ms: 5,
                accept: [1; 16],
            },
            Entry::Own {
                seq: 2,
                id: EnvelopeId([2; 32]),
                received_ms: 5,
                accept: [1; 16],
            },
            Entry::Notice {
                seq: 3,
                notice: notice(),
                accept: [1; 16],
            },
            Entry::Erased { seq: 4, proof },
        ],
        packs: vec![Pack {
            doc: DocId(Uuid::from_u128(4)),
            kind: 1,
            last_seq: 4,
            changes: vec![1, 0, 0, 0, 0],
            counts: vec![1, 300],
            before: 2,
        }],
        proofs: special
            .into_iter()
            .zip(1..)
            .map(|(special, seq)| FeedProof {
                seq,
                header: vec![1],
                signature: [2; 64],
                accept: [3; 16],
                received_ms: 4,
                special,
            })
            .collect(),
        cut: Some(Cut {
            hash: [5; 32],
            generation: [2; 16],
            seq: 3,
        }),
    }
}
