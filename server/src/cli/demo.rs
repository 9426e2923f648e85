//! `sopu demo`.

use std::io::Write;

use clap::Args;

use super::CliError;
use crate::config::Config;
use crate::demo::{self, Options};

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// The address to listen on [default: 127.0.0.1:8787]
    #[arg(long, env = "SOPU_LISTEN", value_name = "ADDR")]
    pub(super) listen: Option<String>,
    /// End after the report; status 0 only if every replica ended with the same record
    #[arg(long)]
    exit: bool,
    /// Throw away the demo that is in the folder and begin anew
    #[arg(long)]
    fresh: bool,
    /// Make the same choices as the run that printed this seed
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Clients of the care company, 8 to 40; each has a space of their own
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u8).range(8..=40))]
    clients: u8,
}

pub(super) fn run(args: &Demo, config: &Config, out: &mut dyn Write) -> Result<(), CliError> {
    let options = Options {
        data: config.data.clone(),
        listen: config.listen,
        exit: args.exit,
        fresh: args.fresh,
        seed: args.seed,
        clients: usize::from(args.clients),
    };
    if demo::run(&options, out)? {
        Ok(())
    } else {
        Err(CliError::Differs)
    }
}
