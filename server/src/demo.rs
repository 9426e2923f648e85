//! `sopu demo`: a day of a small care company and of three farms, on a real relay.
//!
//! It starts the relay on a socket, enrols nine real devices, lets their owners write without a
//! network, some of them against each other, brings the network back in a scrambled order, and
//! tells what came of it. Then the office pages stay open for a look.
//!
//! In reading order: [`cast`] (who), [`texts`] and [`values`] (what they write), [`company`]
//! (spaces and rights), [`phone`] (a device), [`story`] (what happens), [`check`] (whether all
//! ended with the same), [`report`] (the words). [`memory`] lets a run that was killed go on.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use sopu_core::time::{Env, SystemEnv};
use sopu_core::transport::http::HttpTransport;

pub mod cast;
pub mod chance;
pub mod check;
pub mod company;
pub mod decisions;
pub mod error;
pub mod house;
pub mod memory;
pub mod phone;
pub mod phone_clock;
pub mod report;
pub mod story;
pub mod texts;
pub mod traffic;
pub mod typing;
pub mod values;

use crate::data::Data;

pub use error::{DemoError, Result};

use company::Company;
use house::House;
use memory::Memory;
use phone::Phone;
use report::Report;
use story::Story;

/// What the demo was asked to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data folder.
    pub data: Data,
    /// Where to listen.
    pub listen: SocketAddr,
    /// End after the report instead of staying up.
    pub exit: bool,
    /// Begin anew, throwing an earlier demo in the folder away.
    pub fresh: bool,
    /// Choices follow from it; another run of the same seed writes the same texts in the same order.
    pub seed: Option<u64>,
    /// How many clients the care company has, 8 to 40.
    pub clients: usize,
}

/// Shows the demo. `Ok(true)` if every replica ended with the same record.
///
/// # Errors
/// [`DemoError`]: the folder, the address, or something that should always work and did not.
pub fn run(options: &Options, out: &mut dyn Write) -> Result<bool> {
    let (memory, run) = prepare(options)?;
    let mut report = Report::new(out);
    report.say(
        "Sopu demo: nine people write where there is no network, and end with one record.",
        0,
    )?;
    report.say(
        &format!(
            "Seed {}, day {}, data in {}. Everybody and every firm is invented.",
            memory.seed(),
            memory.day(),
            options.data
        ),
        0,
    )?;
    let house = House::open(&options.data, options.listen)?;
    let clients = cast::clients(memory.seed(), memory.clients());
    let company = Company::set_up(&options.data, &memory, &clients)?;
    house.relay.tell_all();
    let relay = HttpTransport::new(&house.url());
    let mut phones = Vec::new();
    for person in &cast::PEOPLE {
        let mut phone = Phone::open(&options.data, person)?;
        if !phone.enrolled() {
            phone.enrol(&relay, &company.invite(person.first)?)?;
        }
        phones.push(phone);
    }
    report.cast()?;
    report.say("\nThey write; this takes a moment.", 0)?;

    let mut story = Story {
        memory: &memory,
        company: &company,
        clients: &clients,
        phones,
        relay: &relay,
        settle: &|| house.settle(),
        traffic: traffic::Traffic::default(),
        happened: Vec::new(),
        broken: Vec::new(),
    };
    story.tell(run)?;
    let rounds = story.come_together()?;
    report.written(&story.phones)?;
    report.happened(&story)?;
    report.traffic(&story, rounds)?;
    report.to_decide(&house, &company)?;
    let names = company
        .spaces
        .iter()
        .map(|(name, id)| (*id, name.clone()))
        .collect();
    let check = check::check(&house, &story.phones, &names)?;
    let holds = report.checked(&check, &story.broken)?;

    if !options.exit {
        let passphrase = company.new_passphrase()?;
        report.heading("The office")?;
        report.say(&format!("  {}/office", house.url()), 2)?;
        report.say(&format!("  user name   {}", company::LOGIN), 2)?;
        report.say(&format!("  passphrase  {passphrase}"), 2)?;
        report.say(
            "  The account sees every space of the demo. The passphrase was made for this run and is \
             kept nowhere. Ctrl-C ends the demo; its data stays.",
            2,
        )?;
        house.wait();
    }
    drop(story);
    house.close()?;
    Ok(holds)
}

/// The memory of the folder and the number of this start.
fn prepare(options: &Options) -> Result<(Memory, u32)> {
    let data = &options.data;
    let folder = |why: std::io::Error| DemoError::Folder {
        path: data.to_path_buf(),
        why: why.to_string(),
    };
    let mut memory = Memory::open(data).map_err(folder)?;
    if options.fresh && memory.take().is_some() {
        throw_away(data).map_err(folder)?;
    }
    let memory = match memory {
        Some(memory) => memory,
        None if data.join(crate::relay::DATABASE).exists() => {
            return Err(DemoError::NotADemo(data.to_path_buf()));
        }
        None => {
            crate::config::make_data_folder(data).map_err(folder)?;
            let yesterday = phone_clock::days_from(sopu_core::time::today(SystemEnv.now_ms()), -1);
            let seed = options.seed.unwrap_or_else(random_seed);
            Memory::begin(data, seed, yesterday, options.clients.clamp(8, 40)).map_err(folder)?
        }
    };
    let run = memory.start().map_err(folder)?;
    Ok((memory, run))
}

/// Removes what a demo puts into its folder, and nothing else; its mark goes last. Not while a
/// server runs on it.
fn throw_away(data: &Path) -> std::io::Result<()> {
    use crate::relay::{DATABASE, LEDGER, LOCK, RECORD};
    let guard = fs::File::create(data.join(LOCK))?;
    guard.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => std::io::Error::other("a server is running on it"),
        fs::TryLockError::Error(error) => error,
    })?;
    for entry in fs::read_dir(data)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name == "devices" {
            fs::remove_dir_all(entry.path())?;
        } else if [DATABASE, RECORD, LEDGER]
            .iter()
            .any(|own| name.starts_with(own))
        {
            fs::remove_file(entry.path())?;
        }
    }
    fs::remove_file(data.join(memory::FILE))
}

/// Short enough to be typed again.
fn random_seed() -> u64 {
    let mut bytes = [0; 4];
    SystemEnv.fill(&mut bytes);
    u64::from(u32::from_be_bytes(bytes)) % 1_000_000
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails should say where")]
    use super::*;

    fn a_demo() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let day = jiff::civil::date(2026, 11, 21);
        Memory::begin(folder.path(), 1, day, 8).unwrap();
        fs::create_dir_all(folder.path().join("devices/aino")).unwrap();
        for file in [
            "relay.db",
            "relay.db-wal",
            "record.db",
            "ledger",
            "own notes.txt",
        ] {
            fs::write(folder.path().join(file), "x").unwrap();
        }
        folder
    }

    #[test]
    fn beginning_anew_removes_the_demo_and_nothing_else() {
        let folder = a_demo();
        throw_away(folder.path()).unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["lock", "own notes.txt"]);
    }

    #[test]
    fn nothing_is_thrown_away_under_a_running_server() {
        let folder = a_demo();
        let server = fs::File::create(folder.path().join(crate::relay::LOCK)).unwrap();
        server.try_lock().unwrap();
        assert!(throw_away(folder.path()).is_err());
        assert!(folder.path().join("relay.db").exists());
        assert!(Memory::open(folder.path()).unwrap().is_some());
    }
}
