//! A day in the field, for trying the office pages: two people enrol their devices, write, edit the
//! same note without seeing each other, and sync; a third, who may only read, writes all the same.
//! Arguments: the relay's address, a folder for the devices, and one invite code each.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a tool for tests: it stops at the first surprise"
)]

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use sopu_core::device::Device;
use sopu_core::documents::Kind;
use sopu_core::id::{DocId, SpaceId, mint_uuid};
use sopu_core::store::outbox::Stage;
use sopu_core::time::{Env, SystemEnv};
use sopu_core::transport::http::HttpTransport;

const DAY_MS: i64 = 86_400_000;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, relay, folder, aino_code, onni_code, olli_code] = args.as_slice() else {
        panic!("field_day RELAY FOLDER CODE CODE CODE");
    };
    let transport = HttpTransport::new(relay);
    let mut aino = enrol(&transport, Path::new(folder), "Ainon puhelin", aino_code);
    let mut onni = enrol(&transport, Path::new(folder), "Onnin tabletti", onni_code);
    aino.sync(&transport).unwrap();
    onni.sync(&transport).unwrap();
    let space = aino.spaces().unwrap()[0].id;

    let client = mint_uuid(&SystemEnv);
    contract(&mut aino, space, client);
    for number in 0..58 {
        plain_visit(&mut aino, space, client, number);
    }
    let note = visit(&mut aino, space, client);
    hostile(&mut onni, space);
    aino.sync(&transport).unwrap();
    until(|| {
        onni.sync(&transport).unwrap();
        onni.read(note).is_ok()
    });

    // Both edit what they have, neither sees the other.
    edit(&mut aino, note, |value| {
        value["outcome"] = json!("partial");
        value["summary"] = json!("Sää oli kirkas. Asiakas väsynyt, lepäsi iltapäivän.");
    });
    edit(&mut onni, note, |value| {
        value["outcome"] = json!("client_absent");
        value["km"] = json!("14.5");
        value["handover"] = json!("Lattialla matto, kompastui ke. Soita tyttärelle klo 12.");
    });
    // What is acknowledged is safe; it is in the record a moment later.
    for device in [&mut aino, &mut onni] {
        until(|| {
            device.sync(&transport).unwrap();
            device.progress(note).unwrap().stage() >= Some(Stage::Record)
        });
    }
    let mut olli = enrol(&transport, Path::new(folder), "Ollin puhelin", olli_code);
    olli.sync(&transport).unwrap();
    for summary in [
        "Kävin itse katsomassa: kaikki hyvin.",
        "Väärään paikkaan kirjattu.",
    ] {
        let value = json!({"status": "done", "actual_start": moment(0), "summary": summary});
        olli.create(space, Kind::VisitNote, &value).unwrap();
    }
    until(|| {
        olli.sync(&transport).unwrap();
        olli.backlog().unwrap().held == 2
    });
    olli.sync(&transport).unwrap();
    println!(
        "{}",
        json!({ "space": space.to_string(), "note": note.0.to_string() })
    );
}

/// Tries again until it is so; gives up after half a minute.
fn until(mut done: impl FnMut() -> bool) {
    for _ in 0..300 {
        if done() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("the relay did not get there");
}

fn enrol(transport: &HttpTransport, folder: &Path, name: &str, code: &str) -> Device {
    let home = folder.join(name);
    std::fs::create_dir_all(&home).unwrap();
    let key = Device::new_key(&SystemEnv);
    let env = Arc::new(SystemEnv);
    let mut device =
        Device::open(&home.join("device.db"), &home.join("instance"), key, env).unwrap();
    device.enrol(transport, code, name).unwrap();
    device
}

fn edit(device: &mut Device, doc: DocId, change: impl FnOnce(&mut Value)) {
    let opened = device.read(doc).unwrap();
    let mut value = opened.value;
    change(&mut value);
    device.save(doc, &opened.version, &value).unwrap();
}

fn key() -> String {
    mint_uuid(&SystemEnv).to_string()
}

fn contract(device: &mut Device, space: SpaceId, client: uuid::Uuid) {
    let value = json!({
        "contract_kind": "care_service", "title": "Kotihoidon sopimus, Koivula", "language": "fi",
        "subject_kind": "client", "subject_id": client.to_string(), "status": "draft",
        "scope_text": "Aamu- ja iltakäynnit arkisin.\nSiivous joka toinen viikko.",
        "valid_from": "2026-01-01", "indefinite": true,
        "parties": {
            key(): {"party_id": client.to_string(), "role": "customer", "snapshot": {"name": "Helmi Koivula", "city": "Imatra"}},
            key(): {"party_id": key(), "role": "provider", "snapshot": {"name": "Hoiva Oy", "business_id": "0996167-6"}},
        },
        "scope_items": {key(): {"code": "kh", "name": "Kotihoito", "unit": "h", "planned_qty": "12.5"}},
        "prices": {key(): {"unit": "h", "amount_cents": 4250, "incl_vat": true, "currency": "EUR", "from": "2026-01-01"}},
    });
    device.create(space, Kind::Contract, &value).unwrap();
}

fn moment(days_ago: i64) -> Value {
    json!({"at": SystemEnv.now_ms() - days_ago * DAY_MS, "tz": "Europe/Helsinki", "offset_ms": 0})
}

fn plain_visit(device: &mut Device, space: SpaceId, client: uuid::Uuid, number: i64) {
    let value = json!({
        "profile": "care", "subject_kind": "client", "subject_id": client.to_string(),
        "status": if number % 3 == 0 { "finalised" } else { "done" }, "outcome": "as_planned",
        "actual_start": moment(number + 1), "summary": format!("Aamukäynti {}: kaikki hyvin.", number + 1),
    });
    device.create(space, Kind::VisitNote, &value).unwrap();
}

fn visit(device: &mut Device, space: SpaceId, client: uuid::Uuid) -> DocId {
    let task = |item: &str, state: &str| json!({"plan_item": item, "state": state});
    let value = json!({
        "profile": "care", "subject_kind": "client", "subject_id": client.to_string(),
        "status": "done", "outcome": "as_planned", "actual_start": moment(0), "km": "12",
        "summary": "Sää oli kirkas. Asiakas virkeä.", "present": ["Helmi Koivula"],
        "tasks": {key(): task("Aamupala", "done"), key(): task("Lääkkeet", "done"), key(): task("Ulkoilu", "refused")},
        "measurements": {key(): {"type": "rr", "value": "148", "value2": "82"}},
    });
    device.create(space, Kind::VisitNote, &value).unwrap().0
}

fn hostile(device: &mut Device, space: SpaceId) {
    let value = json!({
        "profile": "support", "status": "started", "actual_start": moment(0),
        "summary": "<script>document.title='hacked'</script><img src=x onerror=\"document.title='hacked'\">",
    });
    device.create(space, Kind::VisitNote, &value).unwrap();
}
