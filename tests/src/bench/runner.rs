//! Runs the sections of a benchmark program that were asked for.
//!
//! `cargo bench -p sopu-tests` runs all; `-- idle day` those whose name begins so; `-- --write`
//! keeps the results in `BENCHMARKS.md`, `-- --quick` takes small sizes (never kept), `-- --list`
//! names them.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use super::{Section, machine, report};

/// What a section's function is given.
pub struct Run {
    /// Take small sizes: to see that it works.
    pub quick: bool,
    folder: PathBuf,
}

impl Run {
    /// A fresh temporary folder on the disk the build is on; it goes when the value goes.
    pub fn folder(&self) -> tempfile::TempDir {
        tempfile::tempdir_in(&self.folder).expect("a temporary folder")
    }

    /// A fresh temporary folder in memory if there is one, for work whose flushes are not measured.
    pub fn memory_folder(&self) -> tempfile::TempDir {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            memory
        } else {
            &self.folder
        };
        tempfile::tempdir_in(folder).expect("a temporary folder")
    }

    /// `full`, or `quick` in a quick run.
    pub fn sized<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// Runs one of this program's own jobs ([`Runner::job`]) in a process of its own, for memory
    /// and instructions; gives what it wrote. `wrapper` goes before it, such as `valgrind …`.
    ///
    /// # Errors
    /// If it cannot be started or fails.
    pub fn child(&self, wrapper: &[&str], job: &str, args: &[&str]) -> io::Result<String> {
        let me = std::env::current_exe()?;
        let mut command = match wrapper {
            [] => Command::new(me),
            [program, before @ ..] => {
                let mut command = Command::new(program);
                command.args(before).arg(me);
                command
            }
        };
        command.arg("--job").arg(job).args(args);
        let output = command
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(io::Error::other(format!("{job} failed: {}", output.status)));
        }
        String::from_utf8(output.stdout).map_err(io::Error::other)
    }
}

type Measure = fn(&Run) -> Section;
type Job = fn(&[String]) -> String;

/// The sections of one program.
#[derive(Default)]
pub struct Runner {
    sections: Vec<(&'static str, Measure)>,
    jobs: Vec<(&'static str, Job)>,
}

impl Runner {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A section by this name, which also marks its place in `BENCHMARKS.md`.
    #[must_use]
    pub fn section(mut self, name: &'static str, measure: Measure) -> Self {
        self.sections.push((name, measure));
        self
    }

    /// Work for a process of its own: takes words, gives what goes to standard output.
    #[must_use]
    pub fn job(mut self, name: &'static str, job: Job) -> Self {
        self.jobs.push((name, job));
        self
    }

    /// Runs what the command line asks for. A missed target is printed, and is no failure.
    pub fn main(self) -> ExitCode {
        let args: Vec<String> = std::env::args().skip(1).collect();
        if let [flag, name, rest @ ..] = args.as_slice()
            && flag == "--job"
        {
            let job = self.jobs.iter().find(|(n, _)| n == name);
            let (_, job) = job.expect("a job of this program");
            say(&job(rest));
            return ExitCode::SUCCESS;
        }
        let has = |flag: &str| args.iter().any(|arg| arg == flag);
        let wanted: Vec<&String> = args.iter().filter(|a| !a.starts_with("--")).collect();
        let chosen = self.sections.iter().filter(|(name, _)| {
            wanted.is_empty() || wanted.iter().any(|want| name.starts_with(want.as_str()))
        });
        if has("--list") {
            for (name, _) in chosen {
                say(&format!("{name}\n"));
            }
            return ExitCode::SUCCESS;
        }
        let folder = build_folder();
        let run = Run {
            quick: has("--quick"),
            folder,
        };
        let on = machine::describe(&run.folder);
        let mut missed = Vec::new();
        for (name, measure) in chosen {
            let section = measure(&run);
            let text = format!("{}\nMeasured on: {on}.\n", section.markdown());
            say(&format!("\n{text}"));
            missed.extend(section.missed().into_iter().map(|m| format!("{name}: {m}")));
            if has("--write") && !run.quick {
                report::keep(&kept(), name, &text).expect("BENCHMARKS.md can be written");
            }
        }
        for line in &missed {
            say(&format!("MISSED {line}\n"));
        }
        ExitCode::SUCCESS
    }
}

/// Beside the program: on the same kind of disk as the stores people would have.
fn build_folder() -> PathBuf {
    let me = std::env::current_exe().ok();
    let folder = me.as_deref().and_then(Path::parent).map(Path::to_owned);
    folder.unwrap_or_else(std::env::temp_dir)
}

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../BENCHMARKS.md")
}

fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
