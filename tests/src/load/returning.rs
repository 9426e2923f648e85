//! All devices of a fleet come back within a time, each at a moment given by a seed, and sync until
//! all they hold is in the record. Afterwards each takes in what the others brought, and all that
//! share a space must hold the same, which is what was written.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sopu_core::device::Device;
use sopu_core::id::{DocId, SpaceId};
use sopu_core::store::{Store, list};
use sopu_core::time::SystemEnv;
use sopu_server::relay::{RECORD, Relay};

use super::fleet::{Fleet, Traveller};
use super::{Served, Timed};
use crate::storm::dice::Dice;

/// Devices that sync or wait at one moment at most: more than come in the longest time a relay
/// should take, so that a device does not come late because others still wait.
const AT_ONCE: usize = 512;

/// Files and sockets an open device holds, with room.
const FILES: usize = 8;

/// One wait for the merge worker.
const WAIT_MS: u32 = 5_000;

/// A device that is not settled by then is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the return of a fleet came to.
#[derive(Debug, Default)]
pub struct Returned {
    /// Seconds from the first device to the last settled one.
    pub seconds: f64,
    /// CPU seconds of the relay.
    pub cpu: f64,
    /// Bytes of memory the relay held before.
    pub idle: u64,
    /// The most it ever held.
    pub peak: u64,
    /// Seconds of each request that was answered at once, in order of size.
    pub answers: Vec<f64>,
    /// Seconds of the same number of empty requests (`/healthz`) beside them.
    pub empty: Vec<f64>,
    /// Requests of each device until all of its own was in the record, long polls included.
    pub requests: Vec<f64>,
    /// Seconds from the moment a device was to come until all of its own was in the record: what the
    /// generator made it wait counts as well, or a slow relay would slow down the load it is under.
    pub settling: Vec<f64>,
    /// Requests of each device that then took in what others had brought.
    pub later: Vec<f64>,
    /// Requests that failed and were made again.
    pub failed: usize,
    /// Seconds each device came too late because the generator or the machine was busy.
    pub late: Vec<f64>,
    /// What was not as it should be, one sentence each.
    pub wrong: Vec<String>,
}

/// Lets all devices come back within `window`.
pub fn come_back(fleet: &Fleet, program: &Path, window: Duration, seed: u64) -> Returned {
    let served = Served::start(program, &fleet.data);
    // Idle is after its first breath: threads, pages of the office, connections to the database.
    std::thread::sleep(Duration::from_millis(500));
    let (idle, cpu) = (served.memory("VmRSS"), served.cpu());
    let wave = Mutex::new(Returned::default());
    let (stop, start) = (AtomicBool::new(false), Instant::now());
    std::thread::scope(|scope| {
        let empty = scope.spawn(|| breathe(served.address(), &stop));
        all_come(fleet, &served, window, seed, &wave);
        stop.store(true, Ordering::Relaxed);
        let mut wave = wave.lock().expect("whole");
        wave.seconds = start.elapsed().as_secs_f64();
        wave.empty = empty.join().unwrap_or_default();
    });
    let mut returned = wave.into_inner().expect("whole");
    returned.cpu = served.cpu() - cpu;
    returned.idle = idle;
    let later = Mutex::new((Vec::new(), Vec::new()));
    fleet.each(8, |traveller| {
        let (requests, wrong) = take_in(traveller, served.address(), fleet);
        let mut later = later.lock().expect("whole");
        later.0.push(f64::from(requests));
        later.1.extend(wrong);
    });
    let (requests, wrong) = later.into_inner().expect("whole");
    returned.later = requests;
    returned.wrong.extend(wrong);
    returned.peak = served.memory("VmHWM");
    drop(served);
    returned.wrong.extend(the_record(fleet));
    returned.answers.sort_by(f64::total_cmp);
    returned
}

fn all_come(fleet: &Fleet, served: &Served, window: Duration, seed: u64, wave: &Mutex<Returned>) {
    let dice = Dice::new(seed);
    let window_ms = usize::try_from(window.as_millis()).unwrap_or(usize::MAX);
    let mut times: Vec<(u64, &Traveller)> = fleet
        .travellers
        .iter()
        .map(|traveller| (dice.below(window_ms.max(1)) as u64, traveller))
        .collect();
    times.sort_by_key(|(at_ms, _)| *at_ms);
    let (next, start) = (AtomicUsize::new(0), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..at_once().min(times.len()) {
            scope.spawn(|| {
                while let Some((at_ms, traveller)) = times.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let at = Duration::from_millis(*at_ms);
                    std::thread::sleep(at.saturating_sub(start.elapsed()));
                    let late = start.elapsed().saturating_sub(at).as_secs_f64();
                    one_comes(traveller, served.address(), late, wave);
                }
            });
        }
    });
}

/// As many as the system lets this process have files open for.
fn at_once() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(1_024usize);
    AT_ONCE.min(files.saturating_sub(100) / FILES).max(16)
}

fn one_comes(traveller: &Traveller, address: &str, late: f64, wave: &Mutex<Returned>) {
    let transport = Timed::new(address);
    let mut device = traveller.open();
    let start = Instant::now();
    let mut failed = 0;
    let settled = loop {
        let asked = if transport.seconds().is_empty() {
            device.sync(&transport)
        } else {
            device.watch(&transport, WAIT_MS)
        };
        if asked.is_err() {
            failed += 1;
            std::thread::sleep(Duration::from_millis(200));
        }
        if is_settled(&device) {
            break true;
        }
        if start.elapsed() > PATIENCE {
            break false;
        }
    };
    let answers = transport.seconds();
    let mut wave = wave.lock().expect("whole");
    wave.late.push(late);
    wave.failed += failed;
    wave.settling.push(late + start.elapsed().as_secs_f64());
    let all = u32::try_from(answers.len()).unwrap_or(u32::MAX) + transport.waited();
    wave.requests.push(f64::from(all));
    wave.answers.extend(answers);
    if !settled {
        wave.wrong.push("a device was not settled in time".into());
    }
}

fn is_settled(device: &Device) -> bool {
    device
        .backlog()
        .is_ok_and(|own| own.unsealed + own.sealed + own.acknowledged + own.held + own.refused == 0)
}

/// Syncs until there is nothing more; the requests it took, and what is wrong with what is there.
fn take_in(traveller: &Traveller, address: &str, fleet: &Fleet) -> (u32, Option<String>) {
    let transport = Timed::new(address);
    let mut device = traveller.open();
    let mut requests = 0;
    for _ in 0..10 {
        match device.sync(&transport) {
            Ok(report) => {
                requests += report.requests;
                if report.received == 0 && !report.more {
                    break;
                }
            }
            Err(_) => return (requests, Some("a device could not sync".into())),
        }
    }
    let wrong = compare(device.store(), traveller.space, fleet);
    (requests, wrong.map(|wrong| format!("on a device: {wrong}")))
}

/// What the relay's merged record lacks, once the relay was stopped.
fn the_record(fleet: &Fleet) -> Vec<String> {
    drop(Relay::open(&fleet.data, Arc::new(SystemEnv)).expect("the relay opens"));
    let record = Store::open_reader(&fleet.data.join(RECORD)).expect("the record opens");
    let mut spaces: Vec<SpaceId> = fleet.travellers.iter().map(|t| t.space).collect();
    spaces.dedup();
    let wrong = spaces
        .into_iter()
        .filter_map(|space| compare(&record, space, fleet));
    wrong
        .map(|wrong| format!("in the record: {wrong}"))
        .collect()
}

/// Whether a store holds of a space just what was written there.
fn compare(store: &Store, space: SpaceId, fleet: &Fleet) -> Option<String> {
    let written: BTreeMap<DocId, &String> = fleet
        .travellers
        .iter()
        .filter(|traveller| traveller.space == space)
        .flat_map(|traveller| traveller.wrote.iter().map(|(doc, text)| (*doc, text)))
        .collect();
    let query = list::Query {
        spaces: Some(vec![space]),
        limit: written.len() + 1,
        ..list::Query::default()
    };
    let listed = list::list(store.conn(), &query).expect("lists");
    if listed.rows.len() != written.len() {
        let (here, there) = (listed.rows.len(), written.len());
        return Some(format!("{here} documents of {there}"));
    }
    for row in listed.rows {
        let loaded = store.document(row.doc).expect("loads");
        let reading = sopu_core::read::read(&loaded.am, loaded.kind);
        let text = reading.value["summary"].as_str();
        if written.get(&row.doc).map(|text| text.as_str()) != text || !reading.conflicts.is_empty()
        {
            return Some("a document reads otherwise than it was written".into());
        }
        if loaded.am.get_changes(&[]).len() != fleet.plan.changes + 1 {
            return Some("a document has other changes than were made".into());
        }
    }
    None
}

/// Empty requests beside the others, until told to stop.
fn breathe(address: &str, stop: &AtomicBool) -> Vec<f64> {
    let mut seconds = Vec::new();
    let Ok(mut stream) = TcpStream::connect(address.trim_start_matches("http://")) else {
        return seconds;
    };
    let _ = stream.set_nodelay(true);
    let mut answer = [0; 1_024];
    while !stop.load(Ordering::Relaxed) {
        let start = Instant::now();
        let asked = stream
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: relay\r\n\r\n")
            .and_then(|()| stream.read(&mut answer));
        if asked.is_err() {
            break;
        }
        seconds.push(start.elapsed().as_secs_f64());
        std::thread::sleep(Duration::from_millis(50));
    }
    seconds
}
