//! `sopu serve`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use sopu_core::time::SystemEnv;

use super::CliError;
use crate::access::oidc::Providers;
use crate::app::tls::Tls;
use crate::app::{self, Front};
use crate::backup::sealed;
use crate::config::{Config, Source, make_data_folder};
use crate::office::{self, Office};
use crate::relay::Relay;

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The address to listen on [default: 127.0.0.1:8787]
    #[arg(long, env = "SOPU_LISTEN", value_name = "ADDR")]
    listen: Option<String>,
    /// How people reach the office: https://… makes cookies Secure
    #[arg(long, env = "SOPU_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// A certificate chain (PEM): speak TLS here, without a proxy; read again when it changes
    #[arg(long, env = "SOPU_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key (PEM)
    #[arg(long, env = "SOPU_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Connections come from a proxy of yours: believe its X-Forwarded-For
    #[arg(long, env = "SOPU_BEHIND_PROXY", num_args = 0..=1, default_missing_value = "true")]
    behind_proxy: Option<bool>,
    /// A file whose first line is a token: who bears it reads /metrics from elsewhere than this machine
    #[arg(long, env = "SOPU_METRICS_TOKEN_FILE", value_name = "FILE")]
    metrics_token_file: Option<PathBuf>,
    /// Which log lines to write: error, warn, info, debug, or per module [default: info]
    #[arg(long, env = "SOPU_LOG", value_name = "FILTER")]
    log: Option<String>,
    /// Log as JSON lines
    #[arg(long, env = "SOPU_LOG_JSON", num_args = 0..=1, default_missing_value = "true")]
    log_json: Option<bool>,
}

impl Serve {
    pub(super) fn source(&self) -> Source {
        Source {
            data: None,
            listen: self.listen.clone(),
            public_url: self.public_url.clone(),
            tls_cert: self.tls_cert.clone(),
            tls_key: self.tls_key.clone(),
            behind_proxy: self.behind_proxy,
            metrics_token_file: self.metrics_token_file.clone(),
            log: self.log.clone(),
            log_json: self.log_json,
            ..Source::default()
        }
    }
}

pub(super) fn run(config: Config, out: &mut dyn Write) -> Result<(), CliError> {
    make_data_folder(&config.data).map_err(|e| CliError::Data {
        path: config.data.to_path_buf(),
        why: e.to_string(),
    })?;
    start_log(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Each keeps its stack and its allocator's arena; more of them would not be faster.
        .max_blocking_threads(64)
        .build()
        .map_err(CliError::Output)?;
    let relay = Relay::open(&config.data, Arc::new(SystemEnv)).map_err(|e| CliError::Data {
        path: config.data.to_path_buf(),
        why: e.to_string(),
    })?;
    let relay = Arc::new(relay);
    if let Err(error) = sealed::tidy(&config.data) {
        tracing::warn!(%error, "what a broken-off backup left could not be taken away");
    }
    let pages = pages(&config, Arc::clone(&relay));
    let tls = match &config.tls {
        Some((certificate, key)) => Some(Tls::new(certificate, key)?),
        None => None,
    };
    let front = Front {
        only_tls: is_secure(&config),
        behind_proxy: config.behind_proxy,
        metrics_token: config.metrics_token.clone(),
        tls,
    };
    let scheme = if front.tls.is_some() { "https" } else { "http" };
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(config.listen)
            .await
            .map_err(|e| CliError::Listen {
                address: config.listen.to_string(),
                why: e.to_string(),
            })?;
        let address = listener.local_addr()?;
        writeln!(
            out,
            "Sopu is at {scheme}://{address}/ with its data in {}",
            config.data.display()
        )?;
        out.flush()?;
        app::run(listener, relay, pages, front, stopped())
            .await
            .map_err(CliError::Output)
    })
}

/// Whether people reach this server by TLS, here or at a proxy, which is taken to speak it unless the
/// public address says otherwise.
fn is_secure(config: &Config) -> bool {
    let at_proxy = match config.public_url.as_deref() {
        Some(url) => url.starts_with("https://"),
        None => config.behind_proxy,
    };
    config.tls.is_some() || at_proxy
}

/// The office pages over the same data.
fn pages(config: &Config, relay: Arc<Relay>) -> axum::Router {
    let secure = is_secure(config);
    let secret = relay.office_secret();
    let office = Office::new(
        config.data.clone(),
        Arc::new(SystemEnv),
        secure,
        relay,
        secret,
    );
    let back = config.public_url.as_deref().unwrap_or_default();
    let office = office
        .with_providers(Providers::new(config.providers.clone(), back))
        .reached_at(config.public_url.clone());
    office::router(Arc::new(office))
}

/// Completes when the operating system or the keyboard asks to stop.
pub(crate) async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let Ok(mut terminate) =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        else {
            drop(interrupt.await);
            return;
        };
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    drop(interrupt.await);
}

fn start_log(config: &Config) -> Result<(), CliError> {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_new(&config.log).map_err(|_| {
        CliError::Usage(format!(
            "`{}` is not a log filter; try info or debug",
            config.log
        ))
    })?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Colours are for eyes, not for files.
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // Only the first log of a process counts; a test may have started one.
    let _already = if config.log_json {
        log.json().try_init()
    } else {
        log.try_init()
    };
    Ok(())
}
