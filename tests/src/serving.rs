//! A relay served on loopback by this process.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;

use sopu_server::app::Front;
use sopu_server::relay::Relay;
use tokio::sync::oneshot;

/// Serves until it is dropped, and finishes what is under way.
pub struct Serving {
    relay: Arc<Relay>,
    address: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    /// Starts on a free port.
    pub fn start(relay: Arc<Relay>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("non-blocking");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let (stop, stopped) = oneshot::channel::<()>();
        let served = Arc::clone(&relay);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).expect("listens");
                let pages = axum::Router::new();
                let until = async move {
                    let _ = stopped.await;
                };
                sopu_server::app::run(listener, served, pages, Front::default(), until)
                    .await
                    .expect("serves");
            });
        });
        Self {
            relay,
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// The relay itself.
    pub fn relay(&self) -> &Arc<Relay> {
        &self.relay
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(
            std::thread::panicking() || !matches!(ended, Some(Err(_))),
            "the server ends"
        );
    }
}
