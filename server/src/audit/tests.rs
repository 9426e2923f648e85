//! Exported histories, and what is done to them.

#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use super::{Exported, Finding, export, verify};
use crate::access::Role;
use crate::access::log::{self, Entry};
use crate::relay::tests::world::World;
use crate::store::schema;

fn said(at_ms: i64, space: sopu_core::id::SpaceId, reason: Option<String>) -> Entry {
    Entry {
        at_ms,
        member: None,
        action: "read".to_owned(),
        space: Some(space),
        doc: None,
        reason,
    }
}

/// A space in which two people wrote, a document was erased, and somebody read; and its history.
fn written() -> (World, Exported, Vec<String>) {
    let mut world = World::new();
    let phones = [world.phone(Role::Field), world.phone(Role::Field)];
    for (n, tag) in ["a", "b", "c", "d", "e", "f"].into_iter().enumerate() {
        let (_, sealed) = phones[n % 2].note(world.space, tag);
        world.feed(&phones[n % 2], &sealed);
    }
    let db = schema::open_with(&world.folder.database(), world.folder.key()).unwrap();
    let other = sopu_core::id::SpaceId(uuid::Uuid::from_u128(77));
    for (at_ms, space) in [
        (1, other),
        (2, world.space),
        (3, other),
        (4, world.space),
        (5, other),
    ] {
        log::record(&db, &said(at_ms, space, Some(format!("the {at_ms}th")))).unwrap();
    }
    let mut file = Vec::new();
    let done = export(&world.folder, world.space, 7, &mut file).unwrap();
    let text = String::from_utf8(file).unwrap();
    (world, done, text.lines().map(str::to_owned).collect())
}

fn findings(lines: &[String]) -> Vec<Finding> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    verify(&mut text.as_bytes(), None).unwrap().findings
}

/// The first line of which something is wrong.
fn first(lines: &[String]) -> Option<u64> {
    findings(lines).first().map(|finding| finding.line)
}

/// As whoever changes a file does who knows its form: every line's hash made anew.
fn chained(lines: &[String]) -> Vec<String> {
    let mut hash = [0; 32];
    let anew = |line: &String| {
        hash = super::line_hash(&hash, &line.as_bytes()[65..]);
        format!("{} {}", data_encoding::HEXLOWER.encode(&hash), &line[65..])
    };
    lines.iter().map(anew).collect()
}

#[test]
fn a_history_is_whole_and_tells_nothing_of_other_spaces() {
    let (world, done, lines) = written();
    assert_eq!((done.entries, done.rows), (6, 2));
    let text = lines.join("\n") + "\n";
    let found = verify(&mut text.as_bytes(), Some(done.relay)).unwrap();
    assert_eq!(found.findings, []);
    assert_eq!((found.entries, found.erased, found.rows), (6, 0, 2));
    assert!(
        text.contains("the 4th") && !text.contains("the 3th"),
        "{text}"
    );
    // Nor does who knows all that a row of another says find it by its hash.
    let db = schema::open_with(&world.folder.database(), world.folder.key()).unwrap();
    let rows = log::all(&db, 99).unwrap().len();
    let other = sopu_core::id::SpaceId(uuid::Uuid::from_u128(77));
    let guess = |at_ms: i64, number: i64| {
        let reason = Some(format!("the {at_ms}th"));
        let hash = said(at_ms, other, reason).content(number, None);
        text.contains(&data_encoding::HEXLOWER.encode(&hash))
    };
    let numbers = 0..i64::try_from(rows).unwrap() + 1;
    assert!(!numbers.into_iter().any(|number| guess(3, number)));
    let other = verify(&mut text.as_bytes(), Some([1; 32])).unwrap();
    assert_eq!(other.findings[0].line, 1, "another relay's key");
}

#[test]
fn a_flipped_byte_is_found_in_its_line() {
    let (_, _, lines) = written();
    for at in 0..lines.len() {
        let length = lines[at].len();
        for place in [3, 66, 65 + (length - 65) / 2, length - 3] {
            let mut changed = lines.clone();
            let mut bytes = changed[at].clone().into_bytes();
            bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
            changed[at] = String::from_utf8(bytes).unwrap();
            if changed[at] != lines[at] {
                assert_eq!(
                    first(&changed),
                    Some(at as u64 + 1),
                    "{place} of {}",
                    lines[at]
                );
            }
        }
    }
}

#[test]
fn a_line_that_is_gone_put_in_or_moved_is_found_where_it_was() {
    let (_, _, lines) = written();
    let last = lines.len() - 1;
    for at in 0..last {
        let mut gone = lines.clone();
        gone.remove(at);
        assert_eq!(first(&gone), Some(at as u64 + 1), "without {}", lines[at]);
        let mut twice = lines.clone();
        twice.insert(at, lines[at].clone());
        assert_eq!(first(&twice), Some(at as u64 + 2), "twice {}", lines[at]);
        let mut moved = lines.clone();
        moved.swap(at, at + 1);
        assert_eq!(first(&moved), Some(at as u64 + 1), "moved {}", lines[at]);
    }
    assert_eq!(first(&lines[..last]), Some(last as u64 + 1), "cut off");
    let mut longer = lines.clone();
    longer.push(lines[3].clone());
    assert_eq!(first(&longer), Some(lines.len() as u64 + 1));
}

#[test]
fn whoever_makes_the_hashes_anew_is_found_out_by_the_signatures() {
    let (_, _, lines) = written();
    assert_eq!(first(&chained(&lines)), None);
    let entries: Vec<_> = (0..lines.len())
        .filter(|at| lines[*at].contains("\"envelope\""))
        .collect();
    assert_eq!(entries.len(), 6);
    for at in entries {
        // Another signature, other content, another time, another place.
        for (from, to) in [
            ("\"signature\":\"", "00"),
            ("\"run\":\"", "AA"),
            ("\"hash\":\"", "00"),
        ] {
            let mut changed = lines.clone();
            let begin = changed[at].find(from).unwrap() + from.len();
            if &changed[at][begin..begin + 2] == to {
                continue;
            }
            changed[at].replace_range(begin..begin + 2, to);
            let changed = chained(&changed);
            assert_eq!(
                first(&changed),
                Some(at as u64 + 1),
                "{from} of {}",
                lines[at]
            );
        }
        let mut gone = lines.clone();
        gone.remove(at);
        assert!(first(&chained(&gone)).is_some());
    }
    // The relay's own words: rows of the access log, times, names.
    for word in ["the 4th", "\"received_ms\":", "\"member_name\":\""] {
        let mut changed = lines.clone();
        let at = changed.iter().position(|line| line.contains(word)).unwrap();
        changed[at] = changed[at].replace(word, &word.replace("the 4th", "the 5th"));
        if changed == lines {
            changed[at] = changed[at].replace(word, &format!("{word}1"));
        }
        let changed = chained(&changed);
        let found = findings(&changed);
        assert!(!found.is_empty(), "{word}");
        assert_eq!(found.last().unwrap().line, lines.len() as u64, "{found:?}");
    }
}

#[test]
fn an_erased_document_is_said_to_be_erased_and_one_that_only_lacks_its_content_is_not() {
    let (world, _, _) = written();
    let db = schema::open_with(&world.folder.database(), world.folder.key()).unwrap();
    let doc: [u8; 16] = db
        .query_row("SELECT doc FROM envelope WHERE seq = 2", [], |row| {
            row.get(0)
        })
        .unwrap();
    let doc = sopu_core::id::DocId(uuid::Uuid::from_bytes(doc));
    world.relay.erase(doc, "request").unwrap();
    let told = || {
        let mut file = Vec::new();
        export(&world.folder, world.space, 7, &mut file).unwrap();
        let found = verify(&mut &*file, None).unwrap();
        (found.findings.len(), found.erased)
    };
    assert_eq!(told(), (0, 1));
    db.execute("UPDATE envelope SET run = NULL WHERE seq = 3", [])
        .unwrap();
    assert_eq!(told(), (1, 2), "whoever hides content is found out");
}

#[test]
fn bytes_of_any_kind_are_no_history_and_do_no_harm() {
    let long = vec![b'a'; 1 << 20];
    for bytes in [
        &b""[..],
        b"\n",
        b"{}\n",
        &long,
        b"\xff\xff\n\n\n",
        &[b'0'; 65],
    ] {
        let found = verify(&mut &*bytes, None).unwrap();
        assert!(!found.findings.is_empty());
    }
    let deep = format!("{} {}\n", "0".repeat(64), "[".repeat(100_000));
    assert!(
        !verify(&mut deep.as_bytes(), None)
            .unwrap()
            .findings
            .is_empty()
    );
}
