//! `sopu serve`.

use std::io::Write;

use clap::Args;

use super::CliError;
use crate::config::{Config, Source};

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The address to listen on [default: 127.0.0.1:8787]
    #[arg(long, env = "SOPU_LISTEN", value_name = "ADDR")]
    listen: Option<String>,
    /// How people reach the office: https://… makes cookies Secure
    #[arg(long, env = "SOPU_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
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
            log: self.log.clone(),
            log_json: self.log_json,
        }
    }
}

pub(super) fn run(config: Config, out: &mut dyn Write) -> Result<(), CliError> {
    std::fs::create_dir_all(&config.data).map_err(|e| CliError::Data {
        path: config.data.clone(),
        why: e.to_string(),
    })?;
    start_log(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(CliError::Output)?;
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
            "Sopu is at http://{address}/ with its data in {}",
            config.data.display()
        )?;
        out.flush()?;
        Ok(())
    })
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
        .with_writer(std::io::stderr);
    // Only the first log of a process counts; a test may have started one.
    let _already = if config.log_json {
        log.json().try_init()
    } else {
        log.try_init()
    };
    Ok(())
}
