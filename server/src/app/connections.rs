//! Connections: taken in, served, and not kept open by those who only hold them.

use std::future::Future;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

/// How long the head of a request may take to come in; also how long a connection may be idle.
const HEAD: Duration = Duration::from_secs(30);

/// How long requests under way may take to finish when the server stops: as long as a body may take
/// to come in, and a little for the answer.
const FINISH: Duration = Duration::from_secs(70);

/// How long to wait when the operating system has no more sockets to give.
const NO_SOCKETS: Duration = Duration::from_secs(1);

/// Serves until `shutdown` completes, then lets requests under way finish.
pub(super) async fn serve(listener: TcpListener, app: Router, shutdown: impl Future<Output = ()>) {
    serve_with(listener, app, shutdown, HEAD).await;
}

async fn serve_with(
    listener: TcpListener,
    app: Router,
    shutdown: impl Future<Output = ()>,
    head: Duration,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head);
    let open = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let stream = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
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
        let service = TowerToHyperService::new(app.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service);
        // How a connection ends is the other side's to know.
        let connection = open.watch(connection);
        tokio::spawn(async move { drop(connection.await) });
    }
    drop(listener);
    if tokio::time::timeout(FINISH, open.shutdown()).await.is_err() {
        tracing::warn!("requests under way were cut off");
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
        let served = tokio::spawn(serve_with(listener, app, until, Duration::from_millis(200)));

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
