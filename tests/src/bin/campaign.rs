//! Storms by the thousand: runs seeds on all cores, says of each that fails how to run it again,
//! and can keep the sum in `tests/CAMPAIGNS.md`.

#![expect(clippy::print_stdout, reason = "a command line program")]
#![expect(clippy::expect_used, reason = "a test")]

use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use sopu_tests::storm::Storm;
use sopu_tests::storm::faults::Counts;
use sopu_tests::storm::outcome::{Outcome, replay, weather};

/// Seeded storms of faults over devices and a relay, each judged against a reference model.
#[derive(Parser)]
struct Args {
    /// Seeds, the first included, the last not: 1..1001
    #[arg(long, value_parser = range)]
    seeds: Range<u64>,
    /// Steps a storm.
    #[arg(long, default_value_t = 200)]
    steps: u64,
    /// Stop after so many hours.
    #[arg(long)]
    hours: Option<f64>,
    /// Storms at a time; as many as there are cores if not said.
    #[arg(long)]
    threads: Option<usize>,
    /// Tell what happened in each storm.
    #[arg(long)]
    tell: bool,
    /// Without a relay that comes back from backups, and without an office that writes: what seeds
    /// met before there were these.
    #[arg(long)]
    plain: bool,
    /// With an office that erases documents, and makes readers of people and back.
    #[arg(long)]
    busy_office: bool,
    /// Every backup that the relay comes back from brings its ledger back, too: nothing newer survived.
    #[arg(long)]
    ledger_lost: bool,
    /// Add a row to tests/CAMPAIGNS.md.
    #[arg(long)]
    record: bool,
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("two numbers with .. between")?;
    let number = |text: &str| text.parse::<u64>().map_err(|error| error.to_string());
    Ok(number(from)?..number(to)?)
}

/// The sum of a campaign.
#[derive(Default)]
struct Sum {
    seeds: u64,
    steps: u64,
    faults: Counts,
    failed: Vec<u64>,
}

impl Sum {
    fn add(&mut self, seed: u64, outcome: &Outcome) {
        self.seeds += 1;
        self.steps += outcome.steps;
        for (kind, count) in &outcome.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        if outcome.failure.is_some() {
            self.failed.push(seed);
        }
    }

    fn faults(&self) -> String {
        let one = |(kind, count): (&&str, &u64)| format!("{kind} {count}");
        self.faults.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    // A storm that fails panics, and that is told below; the place in the code helps nobody twice.
    std::panic::set_hook(Box::new(|_| {}));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.unwrap_or(cores).max(1);
    let begun = Instant::now();
    let most = args
        .hours
        .map(|hours| Duration::from_secs_f64(hours * 3600.0));
    let next = AtomicU64::new(args.seeds.start);
    let sum = Mutex::new(Sum::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= args.seeds.end || most.is_some_and(|most| begun.elapsed() > most) {
                        return;
                    }
                    let mut storm = Storm::new(seed);
                    storm.tells = args.tell;
                    storm.loses_relay &= !args.plain;
                    storm.office_writes &= !args.plain;
                    storm.busy_office = args.busy_office;
                    storm.forgets_ledger = args.ledger_lost;
                    storm.loses_relay |= args.ledger_lost;
                    let outcome = weather(storm, args.steps);
                    tell(seed, &args, &outcome);
                    let mut sum = sum.lock().expect("nobody panicked");
                    sum.add(seed, &outcome);
                    if sum.seeds % 1_000 == 0 {
                        let seconds = begun.elapsed().as_secs();
                        println!(
                            "{} seeds, {seconds} s, {} failed",
                            sum.seeds,
                            sum.failed.len()
                        );
                    }
                }
            });
        }
    });
    let sum = sum.into_inner().expect("nobody panicked");
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{} storms of {} steps in {seconds:.0} s; faults: {}",
        sum.seeds,
        args.steps,
        sum.faults()
    );
    let failed = sum.failed.len();
    println!(
        "test result: {} passed; {failed} failed; 0 ignored",
        sum.seeds - failed as u64
    );
    if args.record {
        record(&args, &sum, seconds / 3600.0);
    }
    ExitCode::from(u8::from(failed > 0))
}

impl Args {
    /// What kind of storms, as it is said on the command line.
    fn kind(&self) -> String {
        let all = [
            (self.plain, " --plain"),
            (self.busy_office, " --busy-office"),
            (self.ledger_lost, " --ledger-lost"),
        ];
        let asked = all.into_iter().filter(|(asked, _)| *asked);
        asked.map(|(_, word)| word).collect()
    }
}

fn tell(seed: u64, args: &Args, outcome: &Outcome) {
    let mut text = String::new();
    for line in &outcome.log {
        let _ = writeln!(text, "{line}");
    }
    if let Some(failure) = &outcome.failure {
        let _ = writeln!(text, "seed {seed}, step {}: {failure}", outcome.steps);
        let _ = writeln!(text, "    {}", replay(seed, args.steps, &args.kind()));
    }
    print!("{text}");
}

const TABLE: &str = "| version | seeds | storms | steps | faults | failed | hours |\n";

fn record(args: &Args, sum: &Sum, hours: f64) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("CAMPAIGNS.md");
    let mut text = std::fs::read_to_string(&file).expect("the file of campaigns");
    let commit = std::process::Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .output();
    let commit = commit.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    let range = format!("{}..{}", args.seeds.start, args.seeds.end);
    let (seeds, steps, failed) = (sum.seeds, sum.steps, sum.failed.len());
    let row = format!(
        "| {} ({}) | {range} | {seeds} | {steps} | {} | {failed} | {hours:.2} |\n",
        env!("CARGO_PKG_VERSION"),
        commit.unwrap_or_default(),
        sum.faults(),
    );
    // After the last row of the table, or as its first.
    let table = text.find(TABLE).expect("the table of storms");
    let rows = table + TABLE.len();
    let end = text[rows..]
        .find("\n\n")
        .map_or(text.len(), |end| rows + end + 1);
    text.insert_str(end, &row);
    std::fs::write(file, text).expect("writes");
}
