//! A bad network before a good relay: a TCP proxy on loopback that delays, dribbles, cuts in the
//! middle, drops and repeats, by chance from a seed.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::storm::dice::Dice;

/// The proxy; it ends with the value.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    relay: Mutex<Option<SocketAddr>>,
    dice: Dice,
    bad: AtomicBool,
    stop: AtomicBool,
}

/// What befalls one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Nothing.
    Good,
    /// Closed before a byte.
    Dropped,
    /// Every piece comes late by so many milliseconds.
    Late(u64),
    /// The first bytes come a few at a time.
    Dribble,
    /// Cut after so many bytes towards the relay.
    CutUp(usize),
    /// Cut after so many bytes towards the client.
    CutDown(usize),
    /// The relay gets everything twice, over two connections.
    Twice,
}

impl Proxy {
    /// On a free port; nobody is behind it until [`Proxy::lead_to`].
    pub fn new(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let shared = Arc::new(Shared {
            relay: Mutex::new(None),
            dice: Dice::new(seed),
            bad: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        });
        let taking = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if taking.stop.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&taking);
                std::thread::spawn(move || carry(client, &shared));
            }
        });
        Self { address, shared }
    }

    /// Its base address.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the relay is now; `None`: nowhere.
    pub fn lead_to(&self, relay: Option<SocketAddr>) {
        *self
            .shared
            .relay
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = relay;
    }

    /// Whether connections made from now on are ill-treated.
    pub fn set_bad(&self, bad: bool) {
        self.shared.bad.store(bad, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // Wakes the thread that takes connections in.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn fate(&self) -> Fate {
        if !self.bad.load(Ordering::Relaxed) {
            return Fate::Good;
        }
        let dice = &self.dice;
        match dice.below(12) {
            0 => Fate::Dropped,
            1 | 2 => Fate::Late(1 + dice.below(150) as u64),
            3 => Fate::Dribble,
            4 | 5 => Fate::CutUp(dice.below(6_000)),
            6 | 7 => Fate::CutDown(dice.below(12_000)),
            8 => Fate::Twice,
            _ => Fate::Good,
        }
    }
}

fn carry(client: TcpStream, shared: &Arc<Shared>) {
    let fate = shared.fate();
    let to = *shared.relay.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(to) = to.filter(|_| fate != Fate::Dropped) else {
        return;
    };
    let open = || TcpStream::connect_timeout(&to, Duration::from_secs(5));
    let Ok(relay) = open() else { return };
    let second = if fate == Fate::Twice {
        open().ok()
    } else {
        None
    };
    if let Some(Ok(mut answers)) = second.as_ref().map(TcpStream::try_clone) {
        // Nobody hears the second answers.
        std::thread::spawn(move || std::io::copy(&mut answers, &mut std::io::sink()));
    }
    let (Ok(client_too), Ok(relay_too)) = (client.try_clone(), relay.try_clone()) else {
        return;
    };
    let (up, down) = match fate {
        Fate::CutUp(bytes) => (bytes, usize::MAX),
        Fate::CutDown(bytes) => (usize::MAX, bytes),
        Fate::Good | Fate::Dropped | Fate::Late(_) | Fate::Dribble | Fate::Twice => {
            (usize::MAX, usize::MAX)
        }
    };
    let watched = Arc::clone(shared);
    let back = std::thread::spawn(move || pump(relay_too, client_too, None, fate, down, &watched));
    pump(client, relay, second, fate, up, shared);
    let _ = back.join();
}

/// Carries bytes one way until either side ends or the connection's fate comes; then both end.
fn pump(
    mut from: TcpStream,
    mut to: TcpStream,
    mut also: Option<TcpStream>,
    fate: Fate,
    mut left: usize,
    shared: &Shared,
) {
    let _ = from.set_read_timeout(Some(Duration::from_millis(500)));
    let mut piece = [0; 8_192];
    let mut dribbled = 0;
    while !shared.stop.load(Ordering::Relaxed) {
        let size = if fate == Fate::Dribble && dribbled < 100 {
            48
        } else {
            piece.len()
        };
        let got = match from.read(&mut piece[..size]) {
            Ok(0) => break,
            Ok(got) => got,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                continue;
            }
            Err(_) => break,
        };
        match fate {
            Fate::Late(ms) => std::thread::sleep(Duration::from_millis(ms)),
            Fate::Dribble if dribbled < 100 => {
                dribbled += 1;
                std::thread::sleep(Duration::from_millis(8));
            }
            Fate::Good
            | Fate::Dropped
            | Fate::Dribble
            | Fate::CutUp(_)
            | Fate::CutDown(_)
            | Fate::Twice => {}
        }
        let now = got.min(left);
        if let Some(also) = &mut also {
            let _ = also.write_all(&piece[..now]);
        }
        if to.write_all(&piece[..now]).is_err() {
            break;
        }
        left -= now;
        if now < got {
            break;
        }
    }
    for stream in [&from, &to] {
        let _ = stream.shutdown(Shutdown::Both);
    }
    if let Some(also) = also {
        // It may still be answering: what it was sent counts.
        let _ = also.shutdown(Shutdown::Write);
    }
}
