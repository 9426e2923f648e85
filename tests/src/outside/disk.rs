//! A small disk of its own for processes: a tmpfs in a mount namespace, which can be filled, made
//! read-only, and mended. Needs Linux, `unshare`, `nsenter`, and the right to use them.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::needs::{has_programs, lacking};

/// A disk; it is gone with the value.
pub struct SmallDisk {
    keeper: Child,
    at: PathBuf,
}

impl SmallDisk {
    /// Mounts one at `at`, an empty folder, for processes started by [`SmallDisk::command`] alone.
    /// `None` where that is not possible.
    pub fn new(at: &Path, size: &str) -> Option<Self> {
        let script =
            r#"mount -t tmpfs -o "size=$2" none "$1" && touch "$1/ready" && exec sleep 3600"#;
        let keeper = Command::new("unshare")
            .args(["-rm", "sh", "-c", script, "sh"])
            .arg(at)
            .arg(size)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut disk = Self {
            keeper,
            at: at.to_owned(),
        };
        let began = Instant::now();
        while !disk.inside().join("ready").exists() {
            let ended = disk.keeper.try_wait().ok()?;
            if ended.is_some() || began.elapsed() > Duration::from_secs(10) {
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        disk.command(Path::new("true"))
            .status()
            .is_ok_and(|status| status.success())
            .then_some(disk)
    }

    /// The same in a folder that is made; where no such disk may be made the test is left out.
    pub fn or_left_out(at: &Path, size: &str) -> Option<Self> {
        if !has_programs(&["unshare", "nsenter"]) {
            return None;
        }
        std::fs::create_dir_all(at).expect("a folder");
        let disk = Self::new(at, size);
        if disk.is_none() {
            lacking("the right to make a mount namespace of its own (unshare -rm, nsenter)");
        }
        disk
    }

    /// A program that sees the disk at the folder.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["-t", &self.keeper.id().to_string(), "-U", "-m"])
            .args(["--preserve-credentials", "--"])
            .arg(program);
        command
    }

    /// Where this process sees it.
    pub fn inside(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.keeper.id()));
        let at = self.at.strip_prefix("/").unwrap_or(&self.at);
        root.join(at)
    }

    /// Leaves not a byte free.
    pub fn fill(&self) {
        let mut ballast = File::create(self.inside().join("ballast")).expect("a file");
        for size in [65_536, 4_096, 512, 1] {
            while ballast.write_all(&vec![1; size]).is_ok() {}
        }
    }

    /// Gives the room back.
    pub fn free(&self) {
        std::fs::remove_file(self.inside().join("ballast")).expect("removes");
    }

    /// Read-only (`ro`) or not (`rw`). `false` if that cannot be: a file is open for writing.
    pub fn remount(&self, how: &str) -> bool {
        let done = self
            .command(Path::new("mount"))
            .args(["-o", &format!("remount,{how}")])
            .arg(&self.at)
            .stderr(Stdio::null())
            .status();
        done.is_ok_and(|status| status.success())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}
