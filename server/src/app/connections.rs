//! Connections: taken in, served, and not kept open by those who only hold them.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::ServiceExt;

use super::Front;
use super::peer::{Peer, whose};

/// How long the head of a request may take to come in; also how long a connection may be idle.
const HEAD: Duration = Duration::from_secs(30);

/// How long requests under way may take to finish when the server stops: as long as a body may take
/// to come in, and a little for the answer.
const FINISH: Duration = Duration::from_secs(70);

/// How long to wait when the operating system has no more sockets to give.
const NO_SOCKETS: Duration = Duration::from_secs(1);

/// Connections open at one moment. Each may hold a request as large as a body may be for as long as it
/// may take.
const OPEN: usize = 4_096;

/// Of them from one address. A proxy and what runs on this machine are not held to it.
const OPEN_FROM_ONE: usize = 256;

/// Serves until `shutdown` completes, then lets requests under way finish.
pub(super) async fn serve(
    listener: TcpListener,
    app: Router,
    front: Front,
    shutdown: impl Future<Output = ()>,
) {
    let looking = front.tls.clone();
    let looking = tokio::spawn(async move {
        if let Some(tls) = looking {
            tls.keep_looking().await;
        }
    });
    serve_with(listener, app, front, shutdown, HEAD).await;
    looking.abort();
}

async fn serve_with(
    listener: TcpListener,
    app: Router,
    front: Front,
    shutdown: impl Future<Output = ()>,
    head: Duration,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head);
    let open = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(OPEN));
    let by_address = Arc::new(ByAddress::default());
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        // Nobody is let in while there is no place: they wait in the system's queue.
        let place = tokio::select! {
            () = &mut shutdown => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let (stream, address) = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection was not taken in");
                    tokio::time::sleep(NO_SOCKETS).await;
                    continue;
                }
            },
        };
        // An answer goes out at once, not when the other side has confirmed the one before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection ended at once");
            continue;
        }
        let whose = whose(address.ip()).filter(|_| !front.behind_proxy);
        let Some(counted) = by_address.enter(whose) else {
            continue;
        };
        let peer = Peer {
            address,
            is_proxy: front.behind_proxy,
        };
        let app = app
            .clone()
            .map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(peer);
                request
            });
        let service = TowerToHyperService::new(app);
        let (http, tls, watcher) = (http.clone(), front.tls.clone(), open.watcher());
        tokio::spawn(async move {
            let _held = (place, counted);
            // How a connection ends is the other side's to know.
            match tls {
                None => {
                    let connection = http.serve_connection(TokioIo::new(stream), service);
                    drop(watcher.watch(connection).await);
                }
                Some(tls) => {
                    let Some(stream) = tls.accept(stream).await else {
                        return;
                    };
                    let connection = http.serve_connection(TokioIo::new(stream), service);
                    drop(watcher.watch(connection).await);
                }
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(FINISH, open.shutdown()).await.is_err() {
        tracing::warn!("requests under way were cut off");
    }
}

/// How many connections each address has.
#[derive(Default)]
struct ByAddress(Mutex<BTreeMap<IpAddr, usize>>);

/// One of an address's connections, while it is open.
struct Counted(Option<(Arc<ByAddress>, IpAddr)>);

impl ByAddress {
    /// `None` if the address has as many as it may; nobody's is not counted.
    fn enter(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Counted> {
        let Some(address) = address else {
            return Some(Counted(None));
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(address).or_default();
        if *count >= OPEN_FROM_ONE {
            return None;
        }
        *count += 1;
        Some(Counted(Some((Arc::clone(self), address))))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some((all, address)) = &self.0 else {
            return;
        };
        let mut all = all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(address) {
            *count -= 1;
            if *count == 0 {
                all.remove(address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails should say where")]
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use axum::routing::get;
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn one_address_gets_so_many_connections_and_gives_them_back() {
        let all = Arc::new(ByAddress::default());
        let [one, other] = [IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2])];
        let enter = |address| all.enter(Some(address));
        let held: Vec<_> = (0..OPEN_FROM_ONE).map(|_| enter(one).unwrap()).collect();
        assert!(enter(one).is_none());
        assert!(enter(other).is_some());
        assert!(all.enter(None).is_some());
        drop(held);
        assert!(enter(one).is_some());
        assert!(all.0.lock().unwrap().is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_head_that_never_ends_is_cut_off_and_a_request_under_way_finishes_at_the_end() {
        let (arrived, here) = oneshot::channel::<()>();
        let (stop, stopped) = oneshot::channel::<()>();
        let arrived = std::sync::Arc::new(std::sync::Mutex::new(Some(arrived)));
        let slow = get(move || async move {
            let arrived = arrived.lock().unwrap().take();
            arrived.unwrap().send(()).unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
            "done"
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().route("/slow", slow);
        let until = async {
            stopped.await.unwrap();
        };
        let served = tokio::spawn(serve_with(
            listener,
            app,
            Front::default(),
            until,
            Duration::from_millis(200),
        ));

        let held = move || {
            let mut held = TcpStream::connect(address).unwrap();
            held.set_read_timeout(Some(Duration::from_secs(20)))
                .unwrap();
            held.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\nX: ")
                .unwrap();
            held.read_to_end(&mut Vec::new()).unwrap();
        };
        tokio::task::spawn_blocking(held).await.unwrap();

        let asking = tokio::task::spawn_blocking(move || {
            let mut asking = TcpStream::connect(address).unwrap();
            asking
                .write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
                .unwrap();
            let mut answer = String::new();
            asking.read_to_string(&mut answer).unwrap();
            answer
        });
        here.await.unwrap();
        stop.send(()).unwrap();
        let answer = asking.await.unwrap();
        assert!(answer.ends_with("done"), "{answer}");
        served.await.unwrap();
        assert!(TcpStream::connect(address).is_err());
    }
}
