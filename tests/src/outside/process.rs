//! Processes that can be killed, and the log that what they say goes into.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::disk::SmallDisk;
use crate::history::{self, Event, What};

/// How long a relay may take to answer after it was started.
const START: Duration = Duration::from_secs(60);

/// The file every event goes into, whoever it is of.
#[derive(Clone)]
pub struct Log(Arc<Mutex<BufWriter<File>>>);

impl Log {
    /// A new file.
    pub fn new(path: &Path) -> Self {
        let file = File::create(path).expect("a log file");
        Self(Arc::new(Mutex::new(BufWriter::new(file))))
    }

    /// One event.
    pub fn add(&self, event: &Event) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        history::write(event, &mut *out).expect("the log is written");
    }

    /// So that it can be read meanwhile.
    pub fn flush(&self) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.flush().expect("the log is written");
    }

    /// One event of now.
    pub fn note(&self, replica: &str, op: u64, what: What) {
        self.add(&Event {
            at_ns: history::now_ns(),
            replica: replica.to_owned(),
            op,
            what,
        });
    }
}

/// `sopu serve` as a process.
pub struct RelayProcess {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl RelayProcess {
    /// Starts it and waits until it answers; what it logs goes to `relay.log` beside the data.
    pub fn start(
        program: &Path,
        data: &Path,
        disk: Option<&SmallDisk>,
        env: &[(&str, String)],
    ) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = port.local_addr().expect("bound");
        drop(port);
        let log = data.with_extension("log");
        let log = File::options().create(true).append(true).open(log);
        let child = disk
            .map_or_else(|| Command::new(program), |disk| disk.command(program))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("SOPU_LOG", "warn")
            .envs(env.iter().map(|(key, value)| (key, value)))
            .arg("--data")
            .arg(data)
            .args(["serve", "--listen", &address.to_string()])
            .stdout(Stdio::null())
            .stderr(log.expect("a log"))
            .spawn()
            .expect("the relay starts");
        let mut relay = Self { child, address };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            let ended = relay.child.try_wait().expect("asks");
            assert!(ended.is_none(), "the relay ended: {ended:?}");
            assert!(began.elapsed() < START, "the relay answers");
            std::thread::sleep(Duration::from_millis(10));
        }
        relay
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("SIGKILL");
        self.child.wait().expect("ends");
    }
}

impl Drop for RelayProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a phone process is started.
#[derive(Clone, Debug)]
pub struct PhoneOrders {
    /// Its name in the history.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The relay's base address.
    pub relay: String,
    /// An invite code, for the first start.
    pub code: String,
    /// For its dice.
    pub seed: u64,
    /// The first mark it may use.
    pub first_mark: u32,
    /// What to do: `work` until killed, `settle` until nothing is unsent, `end` to settle and tell
    /// what it holds.
    pub task: &'static str,
}

/// A device as a process.
pub struct PhoneProcess {
    child: Child,
    reader: JoinHandle<u32>,
    said: PathBuf,
}

impl PhoneProcess {
    /// Starts it; what it tells goes into the log.
    pub fn start(
        program: &Path,
        orders: &PhoneOrders,
        disk: Option<&SmallDisk>,
        log: &Log,
    ) -> Self {
        let said = orders.folder.with_extension("err");
        let errors = File::options().create(true).append(true).open(&said);
        let mut child = disk
            .map_or_else(|| Command::new(program), |disk| disk.command(program))
            .arg(&orders.name)
            .arg(&orders.folder)
            .arg(&orders.relay)
            .arg(&orders.code)
            .args([orders.seed.to_string(), orders.first_mark.to_string()])
            .arg(orders.task)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors.expect("a log"))
            .spawn()
            .expect("the phone starts");
        let told = BufReader::new(child.stdout.take().expect("piped"));
        let log = log.clone();
        let reader = std::thread::spawn(move || {
            let mut saves = 0;
            for line in told.lines() {
                // The last line of a killed process may be torn.
                let Ok(Ok(event)) = line.map(|line| serde_json::from_str::<Event>(&line)) else {
                    break;
                };
                saves += u32::from(matches!(event.what, What::Saving { .. }));
                log.add(&event);
            }
            saves
        });
        Self {
            child,
            reader,
            said,
        }
    }

    /// SIGKILL; gives how many saves it had begun.
    pub fn kill(mut self) -> u32 {
        self.child.kill().expect("SIGKILL");
        self.child.wait().expect("ends");
        self.reader.join().expect("reads to the end")
    }

    /// Waits until it ends by itself.
    pub fn wait(mut self) {
        let status = self.child.wait().expect("ends");
        let _ = self.reader.join();
        let said = || std::fs::read_to_string(&self.said).unwrap_or_default();
        assert!(status.success(), "a phone ended with {status}: {}", said());
    }
}

/// Leaves whole lines behind whenever it is killed.
pub fn tell(event: &Event) {
    let mut out = std::io::stdout().lock();
    if history::write(event, &mut out)
        .and_then(|()| out.flush())
        .is_err()
    {
        // Nobody listens any more.
        std::process::exit(0);
    }
}
