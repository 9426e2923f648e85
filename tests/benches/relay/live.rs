//! One writes, others wait: from a save to its delivery.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::json;
use sopu_core::device::Device;
use sopu_core::documents::Kind;
use sopu_core::id::DocId;
use sopu_core::transport::http::HttpTransport;
use sopu_tests::bench::meter::quantile;
use sopu_tests::bench::{Amount, Run, Section};
use sopu_tests::load::{Fleet, Plan, Served, served};

const WAIT_MS: u32 = 20_000;

/// Between two saves: a person types.
const PAUSE: Duration = Duration::from_millis(100);

pub fn live(run: &Run) -> Section {
    let mut section = Section::new("Live");
    let program = served::program().expect("the relay's program");
    let saves = run.sized(60, 5);
    let mut growth = Vec::new();
    for readers in run.sized([5, 20, 80], [2, 3, 4]) {
        let folder = run.folder();
        let seconds = delivered(&program, folder.path(), readers, saves);
        let bare = bare(&folder.path().join("bare"), readers, saves);
        for (share, p) in [(0.5, "p50"), (0.99, "p99")] {
            section.beside(
                format!("{p} from save to delivered, {readers} readers"),
                Amount::seconds(quantile(&seconds, share)),
                Amount::seconds(quantile(&bare, share)),
                None,
            );
        }
        growth.push((readers as f64, quantile(&seconds, 0.5)));
    }
    section.growth("p50 over readers", &growth);
    section.note(format!(
        "One device saves every {} ms and pushes; the others wait in long polls on a real `sopu \
         serve`, and have it once their own store has it. The time begins before the save. By the \
         clock: generator and relay share the machine. The baseline sends as many bytes over one \
         socket, flushes them to a file and sends them on to as many sockets.",
        PAUSE.as_millis()
    ));
    section
}

fn delivered(program: &Path, folder: &Path, readers: usize, saves: usize) -> Vec<f64> {
    let plan = Plan {
        devices: readers + 1,
        team: readers + 1,
        documents: 0,
        changes: 0,
    };
    let fleet = Fleet::prepare(plan, program, folder).expect("a fleet");
    let served = Served::start(program, &fleet.data);
    let (writer, readers) = fleet.travellers.split_first().expect("somebody");
    let http = HttpTransport::new(served.address());
    let mut device = writer.open();
    let value = json!({"summary": "0"});
    let (doc, _) = device
        .create(writer.space, Kind::VisitNote, &value)
        .expect("creates");
    device.sync(&http).expect("syncs");
    let (tell, told) = mpsc::channel::<(usize, Instant)>();
    let mut seconds = Vec::new();
    std::thread::scope(|scope| {
        for reader in readers {
            let (tell, address) = (tell.clone(), served.address());
            scope.spawn(move || {
                let http = HttpTransport::new(address);
                let mut device = reader.open();
                let mut seen = 0;
                while seen < saves {
                    device.watch(&http, WAIT_MS).expect("watches");
                    let at = Instant::now();
                    let now = number(&device, doc);
                    // One page may bring several saves.
                    for save in seen + 1..=now {
                        tell.send((save, at)).expect("listened to");
                    }
                    seen = seen.max(now);
                }
            });
        }
        drop(tell);
        // Everyone waits.
        std::thread::sleep(Duration::from_secs(2));
        let mut begun = Vec::new();
        for save in 1..=saves {
            let mut opened = device.read(doc).expect("reads");
            opened.value["summary"] = json!(save.to_string());
            begun.push(Instant::now());
            device
                .save(doc, &opened.version, &opened.value)
                .expect("saves");
            device.sync_for(&http, 1).expect("syncs");
            std::thread::sleep(PAUSE);
        }
        for (save, at) in told {
            seconds.push((at - begun[save - 1]).as_secs_f64());
        }
    });
    assert_eq!(seconds.len(), readers.len() * saves, "all was delivered");
    seconds
}

fn number(device: &Device, doc: DocId) -> usize {
    let Ok(opened) = device.read(doc) else {
        return 0;
    };
    let text = opened.value["summary"].as_str().unwrap_or_default();
    text.parse().unwrap_or(0)
}

/// The barest relay: a line comes in, is flushed to a file, goes out to everyone.
fn bare(file: &Path, readers: usize, saves: usize) -> Vec<f64> {
    const LINE: usize = 300;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let connect = || {
        let stream = TcpStream::connect(address).expect("connects");
        stream.set_nodelay(true).expect("set");
        stream
    };
    let (tell, told) = mpsc::channel::<(usize, Instant)>();
    std::thread::scope(|scope| {
        let mut writer = connect();
        let (mut incoming, _) = listener.accept().expect("accepts");
        let mut outgoing = Vec::new();
        for _ in 0..readers {
            let (mut stream, tell) = (connect(), tell.clone());
            outgoing.push(listener.accept().expect("accepts").0);
            scope.spawn(move || {
                let mut line = [0; LINE];
                for save in 0..saves {
                    stream.read_exact(&mut line).expect("reads");
                    tell.send((save, Instant::now())).expect("listened to");
                }
            });
        }
        drop(tell);
        scope.spawn(move || {
            let mut kept = std::fs::File::create(file).expect("a file");
            let mut line = [0; LINE];
            for _ in 0..saves {
                incoming.read_exact(&mut line).expect("reads");
                kept.write_all(&line).expect("writes");
                kept.sync_data().expect("flushes");
                for stream in &mut outgoing {
                    stream.write_all(&line).expect("sends");
                }
            }
        });
        let mut begun = Vec::new();
        for _ in 0..saves {
            begun.push(Instant::now());
            writer.write_all(&[b'x'; LINE]).expect("sends");
            std::thread::sleep(PAUSE);
        }
        told.iter()
            .map(|(save, at)| (at - begun[save]).as_secs_f64())
            .collect()
    })
}
