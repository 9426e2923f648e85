//! The command line. `sopu` alone says what this is and how to begin; every other command works on
//! a data directory, also while a server runs on it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use rusqlite::Connection;
use sopu_core::time::{Env, SystemEnv};

use crate::access::log::{self, Entry};
use crate::access::{AccessError, people};
use crate::app::tls::TlsError;
use crate::backup::BackupError;
use crate::config::{Config, ConfigError, Source, make_data_folder};
use crate::data::Data;
use crate::demo::DemoError;
use crate::store::schema;

mod audit;
mod backup;
mod database_key;
mod demo;
mod devices;
mod erase;
mod hold;
mod init;
mod members;
pub(crate) mod serve;
mod spaces;
mod substitute;
mod upkeep;
mod window;

/// What `sopu` alone says.
const WELCOME: &str = "\
Sopu keeps contracts, visit notes and service listings that people write where there is no
network, and merges them into one record when their devices meet one.

This program is the server: it takes in what devices send, and shows the merged record to
the office in a browser. Everything it knows is in one folder, ./sopu-data unless you say
otherwise.

First steps
  sopu demo                            see it work: a day of a small company, then its office
  sopu serve                           start the server at http://127.0.0.1:8787/
  sopu init --org \"Hoiva Oy\" --owner \"Aino Aalto\" --login aino
                                       an organisation and its first owner; prints a password
  sopu space add \"Koivula\"             a space: documents and the people who share them
  sopu space grant \"Koivula\" --member aino --role owner
                                       lets her in, as owner, office, field or reader
  sopu invite add aino                 a code that enrols one phone or laptop

More
  sopu help                            every command
  sopu help serve                      the settings: flags, SOPU_* variables, a file
";

/// Offline-first contracts, visit notes and service listings: relay and office.
#[derive(Debug, Parser)]
#[command(name = "sopu", version, disable_help_subcommand = false)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Settings every command understands. A flag wins over SOPU_*, that over the file.
#[derive(Debug, Args)]
struct Settings {
    /// The folder that holds everything [default: ./sopu-data]
    #[arg(long, global = true, env = "SOPU_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// A settings file (TOML) with data, database_key, listen, public_url, tls_cert, tls_key, behind_proxy,
    /// metrics_token_file, log, log_json, and identity providers as [[oidc]]
    #[arg(long, global = true, env = "SOPU_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The file with the key of the databases, if they are encrypted
    #[arg(long, global = true, env = "SOPU_DATABASE_KEY", value_name = "FILE")]
    database_key: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the relay and the office pages
    Serve(serve::Serve),
    /// See it work: nine devices, a day without a network, one record
    Demo(demo::Demo),
    /// Begin: a data folder with an organisation and its first owner
    Init(init::Init),
    /// Organisations: companies, associations, authorities
    #[command(subcommand)]
    Org(members::Org),
    /// People, and their way into the office pages
    #[command(subcommand)]
    Member(members::Member),
    /// Teams: sets of people that get a role in many spaces at once
    #[command(subcommand)]
    Team(members::Team),
    /// Spaces: documents and the people who share them
    #[command(subcommand)]
    Space(spaces::Space),
    /// Let a substitute into several spaces for a time, 24 hours unless told otherwise
    Substitute(substitute::Substitute),
    /// Codes that enrol a device
    #[command(subcommand)]
    Invite(devices::Invite),
    /// Enrolled phones and laptops
    #[command(subcommand)]
    Device(devices::Device),
    /// Who read and did what
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Erase documents for good, and say which devices have confirmed
    #[command(subcommand)]
    Erase(erase::Erase),
    /// Put documents on legal hold, or lift it
    #[command(subcommand)]
    Hold(hold::Hold),
    /// Copy database and ledger into a new folder, and read the copy through; also while a server runs
    #[command(long_about = backup::TAKE_HELP)]
    Backup(backup::Take),
    /// Make a key for backups: from then on they are sealed, and only the key opens them
    BackupKey(backup::Key),
    /// Put a backup back; stop the server first
    #[command(long_about = backup::RESTORE_HELP)]
    Restore(backup::Restore),
    /// Look through a data folder or a backup for damage; also while a server runs
    Check {
        /// A folder that `sopu backup` made [default: the data folder]
        #[arg(value_name = "FOLDER")]
        folder: Option<PathBuf>,
        /// The file with a key of a sealed backup, to look inside
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Make a key for the databases: a server that is given it encrypts them
    #[command(long_about = database_key::HELP)]
    DatabaseKey(database_key::DatabaseKey),
    /// Make the merged record anew from what devices sent; stop the server first
    Rebuild,
}

/// Why a command did not do its work. The words are for the person who typed it.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A setting does not hold.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A name, role, invite … does not hold.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// There is no data directory to look into.
    #[error("there is no Sopu data in {0}; name the folder with --data, or begin with `sopu init`")]
    NoData(PathBuf),
    /// The databases do not open with the key.
    #[error(transparent)]
    Key(#[from] crate::data::KeyError),
    /// A history could not be written out or read.
    #[error(transparent)]
    Audit(#[from] crate::audit::AuditError),
    /// Nobody has said for whom a backup is sealed.
    #[error(
        "backups are sealed, and there is no key yet: make one with `sopu backup-key FILE`, or ask for \
         a backup that anybody can read with --plain"
    )]
    NoBackupKey,
    /// The data directory cannot be used.
    #[error("cannot use the data folder {path}: {why}")]
    Data {
        /// Which.
        path: PathBuf,
        /// What the operating system or the database says.
        why: String,
    },
    /// The address is not free, or may not be used.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// Which.
        address: String,
        /// What the operating system says.
        why: String,
    },
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A check found something.
    #[error("something is damaged")]
    Damaged,
    /// A backup could not be taken or put back.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The words of one argument do not hold.
    #[error("{0}")]
    Usage(String),
    /// The demo could not be shown.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The demo ran, and not everybody ended with the same record.
    #[error("the replicas differ; the report says where")]
    Differs,
    /// The answer could not be written.
    #[error("cannot write the answer: {0}")]
    Output(#[from] io::Error),
}

impl From<rusqlite::Error> for CliError {
    fn from(error: rusqlite::Error) -> Self {
        CliError::Access(AccessError::Store(error))
    }
}

/// The program: reads the arguments, does what they say. Exit codes: 0 done, 1 not done, 2 not
/// understood.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // A closed pipe is the reader's choice, not a failure.
            drop(error.print());
            return ExitCode::from(code);
        }
    };
    match run(cli, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(CliError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            drop(writeln!(io::stderr(), "sopu: {error}"));
            let misunderstood = matches!(error, CliError::Usage(_) | CliError::Config(_));
            ExitCode::from(if misunderstood { 2 } else { 1 })
        }
    }
}

fn run(cli: Cli, out: &mut dyn Write) -> Result<(), CliError> {
    let Some(command) = cli.command else {
        out.write_all(WELCOME.as_bytes())?;
        return Ok(());
    };
    match command {
        Command::Serve(args) => serve::run(cli.settings.config(args.source())?, out),
        Command::Demo(args) => {
            let listen = Source {
                listen: args.listen.clone(),
                ..Source::default()
            };
            demo::run(&args, &cli.settings.config(listen)?, out)
        }
        Command::Init(args) => args.run(&cli.settings, out),
        Command::Org(command) => {
            Desk::open(&cli.settings, command.creates())?.whole(|desk| command.run(desk, out))
        }
        Command::Member(command) => {
            let mut desk = Desk::open(&cli.settings, false)?;
            let password = command.password(&desk)?;
            desk.whole(|desk| command.run(desk, password, out))
        }
        Command::Team(command) => {
            Desk::open(&cli.settings, false)?.whole(|desk| command.run(desk, out))
        }
        Command::Space(command) => {
            Desk::open(&cli.settings, false)?.whole(|desk| command.run(desk, out))
        }
        Command::Substitute(args) => {
            Desk::open(&cli.settings, false)?.whole(|desk| args.run(desk, out))
        }
        Command::Invite(command) => {
            let relay = cli.settings.config(Source::default())?.public_url;
            Desk::open(&cli.settings, false)?.whole(|desk| command.run(desk, relay, out))
        }
        Command::Device(command) => {
            Desk::open(&cli.settings, false)?.whole(|desk| command.run(desk, out))
        }
        // A file is checked anywhere, also where there is no data.
        Command::Audit(audit::Audit::Verify {
            export: Some(file),
            relay,
        }) => audit::verify_export(&file, relay, out),
        Command::Audit(command) => {
            let data = cli.settings.config(Source::default())?.data;
            command.run(&mut Desk::open(&cli.settings, false)?, &data, out)
        }
        Command::Erase(command) => {
            let data = cli.settings.config(Source::default())?.data;
            command.run(&mut Desk::open(&cli.settings, false)?, &data, out)
        }
        Command::Hold(command) => {
            let data = cli.settings.config(Source::default())?.data;
            command.run(&mut Desk::open(&cli.settings, false)?, &data, out)
        }
        Command::BackupKey(args) => args.run(&cli.settings.config(Source::default())?.data, out),
        Command::Backup(args) => args.run(&cli.settings.config(Source::default())?.data, out),
        Command::Restore(args) => args.run(&cli.settings.config(Source::default())?.data, out),
        Command::DatabaseKey(args) => args.run(out),
        Command::Check { folder, key } => {
            let data = cli.settings.config(Source::default())?.data;
            let folder = folder.as_deref().unwrap_or(&data);
            upkeep::check(folder, key.as_deref(), &data, out)
        }
        Command::Rebuild => upkeep::rebuild(&cli.settings.config(Source::default())?.data, out),
    }
}

impl Settings {
    /// All sources heard: the flags of one command first, then these, then the file.
    fn config(&self, flags: Source) -> Result<Config, CliError> {
        let own = Source {
            data: self.data.clone(),
            database_key: self.database_key.clone(),
            ..Source::default()
        };
        let file = self
            .config
            .as_deref()
            .map(Source::from_file)
            .transpose()?
            .unwrap_or_default();
        Ok(flags.or(own).or(file).into_config()?)
    }
}

/// A data directory opened for administration.
struct Desk {
    db: Connection,
    data: Data,
    env: SystemEnv,
}

impl Desk {
    fn open(settings: &Settings, create: bool) -> Result<Self, CliError> {
        let data = settings.config(Source::default())?.data;
        let path = data.database();
        if create {
            make_data_folder(&data).map_err(|e| CliError::Data {
                path: data.to_path_buf(),
                why: e.to_string(),
            })?;
        } else if !path.exists() {
            return Err(CliError::NoData(data.to_path_buf()));
        }
        let data = data.as_found();
        data.fits()?;
        let db = Self::connect(&data)?;
        Ok(Self {
            db,
            data,
            env: SystemEnv,
        })
    }

    fn connect(data: &Data) -> Result<Connection, CliError> {
        let opened = schema::open_with(&data.database(), data.key());
        opened.map_err(|e| CliError::Data {
            path: data.to_path_buf(),
            why: e.to_string(),
        })
    }

    /// Does something with the database closed here. A process that looks at the file beside its own
    /// connection, as a relay does that opens it, loses that one's locks.
    fn stepped_aside<T>(&mut self, work: impl FnOnce() -> T) -> Result<T, CliError> {
        self.db = Connection::open_in_memory()?;
        let done = work();
        self.db = Self::connect(&self.data)?;
        Ok(done)
    }

    /// Does a command in one transaction: what it does and its row of the access log are there both, or
    /// neither.
    fn whole<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        let done = work(self);
        let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
        self.db.execute_batch(end)?;
        done
    }

    fn now(&self) -> i64 {
        self.env.now_ms()
    }

    /// Notes an act of administration in the access log.
    fn log(&self, what: &str) -> Result<(), CliError> {
        log::record(
            &self.db,
            &Entry {
                at_ms: self.now(),
                member: None,
                action: "administer".to_owned(),
                space: None,
                doc: None,
                reason: Some(what.to_owned()),
            },
        )?;
        Ok(())
    }
}

/// A name as one line of a list or page can show it.
fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        Err("a name has at least one letter".to_owned())
    } else if text.chars().any(char::is_control) {
        Err("a name is one line without control characters".to_owned())
    } else if text.chars().count() > NAME_CHARS {
        Err(format!("a name has at most {NAME_CHARS} characters"))
    } else {
        Ok(text.to_owned())
    }
}

/// The most characters of a name.
const NAME_CHARS: usize = 200;

/// Writes a list, one line a thing: name, what else there is, id.
fn write_list(out: &mut dyn Write, lines: &[people::Line], empty: &str) -> Result<(), CliError> {
    if lines.is_empty() {
        writeln!(out, "{empty}")?;
    }
    for (id, name, more) in lines {
        let more = if more.is_empty() {
            String::new()
        } else {
            format!("  ({more})")
        };
        writeln!(out, "{id}  {name}{more}")?;
    }
    Ok(())
}

#[cfg(test)]
mod subject_tests;
#[cfg(test)]
mod tests;
mod wishes;
