#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use super::*;

/// Runs a command line on a data folder; gives what it wrote or why it failed.
pub(super) fn sopu(data: &std::path::Path, words: &[&str]) -> Result<String, String> {
    let mut args = vec!["sopu", "--data", data.to_str().unwrap()];
    args.extend(words);
    let cli = Cli::try_parse_from(args).map_err(|e| e.to_string())?;
    let mut out = Vec::new();
    run(cli, &mut out).map_err(|e| e.to_string())?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn a_newcomer_is_told_what_this_is_and_how_to_begin() {
    let data = tempfile::tempdir().unwrap();
    let text = sopu(data.path(), &[]).unwrap();
    for word in [
        "sopu serve",
        "sopu invite add",
        "sopu space grant",
        "browser",
    ] {
        assert!(text.contains(word), "{word}");
    }
}

#[test]
fn the_first_steps_of_the_welcome_work_as_they_stand() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let init = [
        "init",
        "--org",
        "Hoiva Oy",
        "--owner",
        "Aino Aalto",
        "--login",
        "aino",
    ];
    let said = sopu(data, &init).unwrap();
    assert!(said.contains("Password:"));
    let twice = sopu(data, &init).unwrap_err();
    assert!(twice.contains("has an organisation already"), "{twice}");
    sopu(data, &["space", "add", "Koivula"]).unwrap();
    sopu(
        data,
        &[
            "space", "grant", "Koivula", "--member", "aino", "--role", "owner",
        ],
    )
    .unwrap();
    assert!(
        sopu(data, &["space", "members", "Koivula"])
            .unwrap()
            .contains("owner")
    );
    let code = sopu(data, &["invite", "add", "aino"]).unwrap();
    assert_eq!(code.lines().next().unwrap().len(), 14);
    let open = sopu(data, &["invite", "list"]).unwrap();
    assert!(open.contains("Aino Aalto"), "{open}");
    let mark = open.split_whitespace().next().unwrap();
    sopu(data, &["invite", "remove", mark]).unwrap();
    assert!(
        sopu(data, &["invite", "list"])
            .unwrap()
            .contains("No open invites")
    );
    assert!(
        sopu(data, &["device", "list"])
            .unwrap()
            .contains("No devices yet")
    );
}

#[test]
fn a_mistake_is_answered_in_words_that_help() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    assert!(
        sopu(data, &["space", "list"])
            .unwrap_err()
            .contains("--data")
    );
    sopu(data, &["org", "add", "Hoiva Oy"]).unwrap();
    assert!(
        sopu(data, &["invite", "add", "nobody"])
            .unwrap_err()
            .contains("`nobody`")
    );
    assert!(sopu(data, &["space", "grant", "x", "--role", "owner"]).is_err());
    sopu(data, &["member", "add", "Aino", "--login", "aino"]).unwrap();
    let twice = sopu(data, &["member", "add", "Aino", "--login", "aino"]).unwrap_err();
    assert!(
        twice.contains("already") && twice.contains("aino"),
        "{twice}"
    );
    sopu(data, &["member", "add", "Aino"]).unwrap();
    let unclear = sopu(data, &["member", "remove", "Aino"]).unwrap_err();
    assert!(unclear.contains("several"), "{unclear}");
}

#[test]
fn the_record_is_checked_and_made_anew_but_not_under_a_running_server() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    assert!(sopu(data, &["check"]).unwrap_err().contains("--data"));
    sopu(data, &["org", "add", "Hoiva Oy"]).unwrap();
    sopu(data, &["rebuild"]).unwrap();
    assert!(sopu(data, &["check"]).unwrap().contains("whole"));
    std::fs::write(data.join("record.db"), "not a database").unwrap();
    assert!(sopu(data, &["check"]).is_err());
    sopu(data, &["rebuild"]).unwrap();
    sopu(data, &["check"]).unwrap();
    let server = crate::relay::Relay::open(data, std::sync::Arc::new(SystemEnv)).unwrap();
    assert!(
        sopu(data, &["rebuild"])
            .unwrap_err()
            .contains("another server")
    );
    assert!(sopu(data, &["check"]).is_ok());
    drop(server);
}

#[test]
fn a_name_is_one_line_with_something_in_it() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    for wrong in ["", "  ", "a\nb", "a\u{1b}[2J"] {
        let told = sopu(data, &["org", "add", wrong]).unwrap_err();
        assert!(told.contains("a name"), "{told}");
    }
    let said = sopu(data, &["org", "add", " Hoiva Oy "]).unwrap();
    assert!(said.contains("organisation Hoiva Oy ("), "{said}");
    assert!(sopu(data, &["member", "add", "Aino", "--login", ""]).is_err());
    assert!(sopu(data, &["space", "add", ""]).is_err());
    sopu(data, &["org", "add", "Toinen Oy"]).unwrap();
    let told = sopu(data, &["space", "add", "Koivula"]).unwrap_err();
    assert!(told.contains("--org"), "{told}");
}

#[test]
fn a_demo_of_too_few_clients_is_refused_rather_than_made_larger() {
    let data = tempfile::tempdir().unwrap();
    let told = sopu(data.path(), &["demo", "--exit", "--clients", "3"]).unwrap_err();
    assert!(told.contains("8..=40"), "{told}");
}

#[test]
fn a_history_is_exported_and_checked_in_words_a_person_can_follow() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data"), dir.path().join("history"));
    let target = file.to_str().unwrap();
    sopu(&data, &["org", "add", "Hoiva Oy"]).unwrap();
    sopu(&data, &["space", "add", "Koivula", "--org", "Hoiva Oy"]).unwrap();
    drop(crate::relay::Relay::open(&data, std::sync::Arc::new(SystemEnv)).unwrap());
    let args = [
        "audit",
        "export",
        "Koivula",
        target,
        "--reason",
        "asked for",
    ];
    let said = sopu(&data, &args).unwrap();
    let key = said.trim_end().rsplit(' ').next().unwrap().to_owned();
    assert!(said.contains("1 rows") && key.len() == 64, "{said}");
    assert!(sopu(&data, &args).is_err(), "nothing is overwritten");
    let said = sopu(&data, &["audit", "verify", target]).unwrap();
    assert!(
        said.contains("as it was signed") && said.contains(&key),
        "{said}"
    );
    let said = sopu(&data, &["audit", "verify", target, "--relay", &key]).unwrap();
    assert!(said.contains("you named"), "{said}");
    let other = "00".repeat(32);
    assert!(sopu(&data, &["audit", "verify", target, "--relay", &other]).is_err());
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("asked for", "asked for it")).unwrap();
    assert!(sopu(&data, &["audit", "verify", target]).is_err());
}

#[test]
fn a_sealed_backup_is_opened_by_its_key_and_by_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (data, backup) = (dir.path().join("data"), dir.path().join("backup"));
    let (key, wrong) = (dir.path().join("key"), dir.path().join("wrong"));
    let [key, wrong, target] = [&key, &wrong, &backup].map(|path| path.to_str().unwrap());
    sopu(&data, &["org", "add", "Hoiva Oy"]).unwrap();
    drop(crate::relay::Relay::open(&data, std::sync::Arc::new(SystemEnv)).unwrap());
    sopu(&data, &["backup-key", wrong]).unwrap();
    std::fs::remove_file(data.join("backup-recipients")).unwrap();
    let said = sopu(&data, &["backup-key", key]).unwrap();
    assert!(said.contains("age1") && !said.contains("SECRET"), "{said}");
    let again = sopu(&data, &["backup-key", key]).unwrap_err();
    assert!(again.contains("there already"), "{again}");
    let said = sopu(&data, &["backup", target]).unwrap();
    assert!(said.contains("sealed") && said.contains("whole"), "{said}");
    let said = sopu(&data, &["check", target]).unwrap();
    assert!(said.contains("--key"), "{said}");
    let said = sopu(&data, &["check", target, "--key", key]).unwrap();
    assert!(said.contains("lines of the ledger"), "{said}");
    let elsewhere = dir.path().join("elsewhere");
    for args in [
        &["restore", target][..],
        &["restore", target, "--key", wrong],
    ] {
        let said = sopu(&elsewhere, args).unwrap_err();
        assert!(said.contains("is sealed"), "{said}");
    }
    sopu(&elsewhere, &["restore", target, "--key", key]).unwrap();
    assert!(sopu(&elsewhere, &["check"]).unwrap().contains("whole"));
    let ledger = |folder: &std::path::Path| std::fs::read(folder.join("ledger")).unwrap();
    assert!(ledger(&elsewhere).starts_with(&ledger(&data)));
}

#[test]
fn a_backup_is_taken_checked_and_put_back_in_words_a_person_can_follow() {
    let dir = tempfile::tempdir().unwrap();
    let (data, backup) = (dir.path().join("data"), dir.path().join("backup"));
    let target = backup.to_str().unwrap();
    assert!(
        sopu(&data, &["backup", target])
            .unwrap_err()
            .contains("no Sopu data")
    );
    sopu(&data, &["org", "add", "Hoiva Oy"]).unwrap();
    let server = crate::relay::Relay::open(&data, std::sync::Arc::new(SystemEnv)).unwrap();
    let no_key = sopu(&data, &["backup", target]).unwrap_err();
    assert!(no_key.contains("backup-key"), "{no_key}");
    let said = sopu(&data, &["backup", "--plain", target]).unwrap();
    assert!(said.contains("whole") && said.contains(target), "{said}");
    assert!(
        sopu(&data, &["backup", "--plain", target])
            .unwrap_err()
            .contains("never overwrites")
    );
    assert!(sopu(&data, &["check", target]).unwrap().contains("whole"));
    assert!(
        sopu(&data, &["restore", target])
            .unwrap_err()
            .contains("another server")
    );
    drop(server);
    let said = sopu(&data, &["restore", target]).unwrap();
    assert!(said.contains("stays, for it is the newest"), "{said}");
    assert!(said.contains("before-restore"), "{said}");
    let said = sopu(&data, &["check"]).unwrap();
    assert!(said.contains("whole"), "{said}");
    assert!(
        said.contains("which anybody can read from before a restore"),
        "{said}"
    );
    let elsewhere = dir.path().join("elsewhere");
    let said = sopu(&elsewhere, &["restore", target]).unwrap();
    assert!(said.contains("must enrol again"), "{said}");
    let no_backup = sopu(&data, &["restore", data.to_str().unwrap()]).unwrap_err();
    assert!(no_backup.contains("is not a backup"), "{no_backup}");
    let ledger = std::fs::read_to_string(backup.join("ledger")).unwrap();
    std::fs::write(backup.join("ledger"), ledger.replace("started", "stopped")).unwrap();
    assert!(sopu(&data, &["check", target]).is_err());
    let damaged = sopu(&data, &["restore", target]).unwrap_err();
    assert!(damaged.contains("use another backup"), "{damaged}");
    let help = sopu(&data, &["restore", "--help"]).unwrap_err();
    assert!(help.contains("newest ledger wins"), "{help}");
}

#[test]
fn erasing_says_what_is_not_there_and_refuses_reasons_it_does_not_know() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    sopu(
        data,
        &[
            "init", "--org", "Hoiva Oy", "--owner", "Aino", "--login", "aino",
        ],
    )
    .unwrap();
    let doc = "01890a5d-ac96-774b-bcce-b302099a8057";
    let no = sopu(data, &["erase", "document", doc, "--reason", "request"]).unwrap_err();
    assert!(no.contains("no such document"), "{no}");
    let no = sopu(data, &["erase", "document", doc, "--reason", "boredom"]).unwrap_err();
    assert!(no.contains("retention"), "{no}");
    let no = sopu(data, &["erase", "receipt", doc]).unwrap_err();
    assert!(no.contains("not erased"), "{no}");
}

#[test]
fn the_access_log_comes_as_csv_and_tells_when_it_was_tampered_with() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    sopu(
        data,
        &[
            "init", "--org", "Hoiva Oy", "--owner", "Aino", "--login", "aino",
        ],
    )
    .unwrap();
    sopu(data, &["space", "add", "Koivula"]).unwrap();
    let csv = sopu(data, &["audit", "access"]).unwrap();
    assert!(
        csv.starts_with("at,who,member,action,space,document,reason\n"),
        "{csv}"
    );
    assert!(
        csv.contains("command line") && csv.contains("init"),
        "{csv}"
    );
    let again = sopu(data, &["audit", "access", "--reason", "a client asked"]).unwrap();
    assert!(
        again.contains("no reason given"),
        "looking is a row itself: {again}"
    );
    assert!(sopu(data, &["audit", "verify"]).is_ok());
    let db = Connection::open(data.join("relay.db")).unwrap();
    db.execute("DELETE FROM access_log WHERE number = 2", [])
        .unwrap();
    assert!(sopu(data, &["audit", "verify"]).is_err());
    let check = sopu(data, &["check"]).unwrap_err();
    assert!(check.contains("damaged"), "{check}");
}

#[test]
fn a_substitute_is_let_into_several_spaces_by_one_command_or_into_none() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    sopu(data, &["org", "add", "Hoiva Oy"]).unwrap();
    sopu(data, &["member", "add", "Sari"]).unwrap();
    for name in ["Koivula", "Mäkelä"] {
        sopu(data, &["space", "add", name]).unwrap();
    }
    let stands_in = |spaces: [&str; 2]| {
        let mut words = vec!["substitute", "Sari", "--reason", "sijaisuus"];
        words.extend(spaces.iter().flat_map(|space| ["--space", *space]));
        sopu(data, &words)
    };
    stands_in(["Koivula", "Nowhere"]).unwrap_err();
    let inside = |space| sopu(data, &["space", "members", space]).unwrap();
    assert!(!inside("Koivula").contains("Sari"));
    let said = stands_in(["Koivula", "Mäkelä"]).unwrap();
    assert!(said.contains("2 spaces"), "{said}");
    assert!(inside("Koivula").contains("field") && inside("Mäkelä").contains("field"));
    let log = sopu(data, &["audit", "access"]).unwrap();
    assert_eq!(log.matches("sijaisuus").count(), 2, "{log}");
}

#[test]
fn the_lease_of_devices_is_told_in_days() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    sopu(data, &["org", "add", "Hoiva Oy"]).unwrap();
    let said = sopu(data, &["org", "lease", "14"]).unwrap();
    assert!(said.contains("14 days"), "{said}");
    for wrong in ["0", "366", "x"] {
        sopu(data, &["org", "lease", wrong]).unwrap_err();
    }
}

#[test]
fn a_client_is_erased_with_every_document_but_those_on_legal_hold() {
    use sopu_core::documents::Kind;
    use sopu_core::id::{DocId, MemberId, SpaceId};
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let owner = [
        "init", "--org", "Hoiva Oy", "--owner", "Aino", "--login", "aino",
    ];
    sopu(data, &owner).unwrap();
    sopu(data, &["space", "add", "Koivula"]).unwrap();
    let grant = [
        "space", "grant", "Koivula", "--member", "aino", "--role", "owner",
    ];
    sopu(data, &grant).unwrap();
    let relay = crate::relay::Relay::open(data, std::sync::Arc::new(SystemEnv)).unwrap();
    let db = crate::store::schema::open(&data.join("relay.db")).unwrap();
    let find = |what, name| crate::access::people::find(&db, what, name).unwrap();
    let member = MemberId(find(crate::access::people::What::Member, "aino"));
    let space = SpaceId(find(crate::access::people::What::Space, "Koivula"));
    let [client, other] = [1, 2].map(|n| uuid::Uuid::from_u128(n).to_string());
    let write = |subject: &str, hold: bool| {
        let doc = DocId::mint(&SystemEnv);
        let value = serde_json::json!({
            "subject_kind": "client", "subject_id": subject, "legal_hold": hold, "summary": "käynti",
        });
        let save = |am: &mut automerge::Automerge, ctx: &sopu_core::save::SaveContext<'_>| {
            let heads = sopu_core::read::version(am);
            sopu_core::save::save(am, Kind::VisitNote, &heads, &value, ctx).map(|_| ())
        };
        let written = relay.office_write(member, space, doc, Kind::VisitNote, save);
        written.unwrap().unwrap();
        doc
    };
    let gone = [write(&client, false), write(&client, false)];
    let (held, theirs) = (write(&client, true), write(&other, false));
    drop(relay);
    let erase = |more: &[&str]| {
        let args = [&["erase", "client", &client, "--reason", "request"], more].concat();
        sopu(data, &args)
    };
    let said = erase(&["--dry-run"]).unwrap();
    assert!(said.contains("3 documents; nothing was erased"), "{said}");
    let said = erase(&[]).unwrap_err();
    assert!(said.contains("1 documents were not erased"), "{said}");
    let record = sopu_core::store::Store::open_reader(&data.join("record.db")).unwrap();
    let there = |doc| record.document(doc).is_ok();
    assert_eq!(gone.map(there), [false, false]);
    assert_eq!([held, theirs].map(there), [true, true]);
    let said = sopu(data, &["erase", "receipt", &gone[0].to_string()]).unwrap();
    assert!(said.contains("Erased"), "{said}");
    let lift = |more: &[&str]| {
        sopu(
            data,
            &[&["hold", "lift", "--reason", "sovittu"], more].concat(),
        )
    };
    lift(&[]).unwrap_err();
    let said = lift(&["--client", &client, "--space", "Koivula"]).unwrap();
    assert!(said.contains("The document is not on hold"), "{said}");
    let said = sopu(
        data,
        &["hold", "set", &theirs.to_string(), "--reason", "vaade"],
    )
    .unwrap();
    assert!(said.contains("on legal hold"), "{said}");
    let one = |doc: DocId| {
        sopu(
            data,
            &["erase", "document", &doc.to_string(), "--reason", "order"],
        )
    };
    one(held).unwrap();
    assert!(one(theirs).unwrap_err().contains("on legal hold"));
    let log = sopu(data, &["audit", "access"]).unwrap();
    assert!(log.contains("sovittu") && log.contains("vaade"), "{log}");
    let nobody = sopu(data, &["erase", "client", "nobody", "--reason", "request"]).unwrap_err();
    assert!(nobody.contains("no document"), "{nobody}");
}

#[test]
fn a_client_is_erased_with_what_never_entered_the_record_too() {
    use crate::access::Role;
    use crate::relay::tests::world::{Note, World};
    use sopu_core::documents::Kind;
    let mut world = World::with_key(tempfile::tempdir().unwrap(), None);
    let phone = world.phone(Role::Field);
    world.relay.revoke(phone.id).unwrap();
    let [client, other] = [1, 2].map(|n| uuid::Uuid::from_u128(n).to_string());
    let write = |value: serde_json::Value| {
        let mut note = Note::new(&phone, world.space, Kind::VisitNote);
        let sealed = note.write(&phone, value);
        world.feed(&phone, &sealed);
        (note.id, sealed.proof.id())
    };
    let about = |subject: &str| serde_json::json!({ "subject_id": subject });
    let (held, _) = write(about(&client));
    let (dropped, envelope) = write(about(&client));
    let (theirs, _) = write(about(&other));
    write(serde_json::json!({ "tags": ["a"] }));
    assert!(world.relay.drop_held(envelope).unwrap());
    let dir = world.close();
    let data = dir.path().join("data");
    let erase = |more: &[&str]| {
        let args = [&["erase", "client", &client, "--reason", "request"], more].concat();
        sopu(&data, &args)
    };
    let said = erase(&["--dry-run"]).unwrap();
    assert!(
        said.contains("1 pieces of work are not in the record"),
        "{said}"
    );
    for doc in [held, dropped] {
        assert!(said.contains(&doc.to_string()), "{said}");
    }
    assert!(!said.contains(&theirs.to_string()), "{said}");
    let said = erase(&[]).unwrap();
    assert!(said.contains("2 of 2 documents are erased"), "{said}");
    let said = erase(&[]).unwrap_err();
    assert!(
        said.contains(&format!("no document is about {client}")),
        "{said}"
    );
}
