//! The real relay on a real socket, for as long as the demo runs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sopu_core::time::SystemEnv;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::error::{DemoError, Result};
use crate::app::{self, Front};
use crate::cli::serve::stopped;
use crate::data::Data;
use crate::office::{self, Office};
use crate::relay::Relay;

/// How long the merge worker may take to get through what was pushed.
const SETTLE: Duration = Duration::from_secs(60);

/// A running relay.
pub struct House {
    runtime: Runtime,
    /// The relay behind the socket.
    pub relay: Arc<Relay>,
    /// Where it listens.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<std::io::Result<()>>>,
}

impl House {
    /// Opens the data folder and listens.
    pub fn open(data: &Data, listen: SocketAddr) -> Result<Self> {
        let relay = Relay::open(data, Arc::new(SystemEnv))
            .map_err(|why| DemoError::Relay(why.to_string()))?;
        let relay = Arc::new(relay);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let listener = runtime
            .block_on(TcpListener::bind(listen))
            .map_err(|why| DemoError::Relay(format!("cannot listen on {listen}: {why}")))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move {
            // The sender going away means the same.
            let _gone = stopped.await;
        };
        let office = Office::new(
            data,
            Arc::new(SystemEnv),
            false,
            relay.clone(),
            relay.office_secret(),
        );
        let pages = office::router(Arc::new(office));
        let served = runtime.spawn(app::run(
            listener,
            relay.clone(),
            pages,
            Front::default(),
            shutdown,
        ));
        Ok(Self {
            runtime,
            relay,
            address,
            stop: Some(stop),
            served: Some(served),
        })
    }

    /// The address devices and browsers take.
    pub fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        format!("http://{address}")
    }

    /// Waits until nothing waits to be merged.
    pub fn settle(&self) -> Result<()> {
        let until = Instant::now() + SETTLE;
        loop {
            let failed = |why: crate::store::StoreError| DemoError::Relay(why.to_string());
            if self.relay.merge_all().map_err(failed)? == 0 {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(DemoError::Relay(
                    "merging does not come to an end".to_owned(),
                ));
            }
        }
    }

    /// Serves until Ctrl-C, or until the system asks to stop.
    pub fn wait(&self) {
        self.runtime.block_on(stopped());
    }

    /// Lets requests under way finish, ends the merge step under way.
    pub fn close(mut self) -> Result<()> {
        drop(self.stop.take());
        if let Some(served) = self.served.take() {
            self.runtime
                .block_on(served)
                .map_err(std::io::Error::other)??;
        }
        Ok(())
    }
}
