//! What the figures were measured on, without naming the machine.

use std::path::Path;

/// One line: cores, processor, memory, system, compiler's mode, file system of `folder`.
pub fn describe(folder: &Path) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cpu = read("/proc/cpuinfo");
    let model = field(&cpu, "model name").unwrap_or_else(|| "processor not named".to_owned());
    let virtual_machine = cpu.contains(" hypervisor");
    let kind = if virtual_machine {
        " virtual machine"
    } else {
        ""
    };
    let system = field(&read("/etc/os-release"), "PRETTY_NAME").map_or_else(
        || std::env::consts::OS.to_owned(),
        |name| name.trim_matches('"').to_owned(),
    );
    let memory = field(&read("/proc/meminfo"), "MemTotal")
        .and_then(|kib| kib.trim_end_matches(" kB").parse::<u64>().ok())
        .map_or_else(String::new, |kib| {
            format!(", {} GiB", kib.div_ceil(1_048_576))
        });
    let files = file_system(folder).map_or_else(String::new, |name| format!(", files on {name}"));
    let mode = if cfg!(debug_assertions) {
        "debug build"
    } else {
        "release build"
    };
    format!(
        "{cores}-core {}{kind} ({model}){memory}, {system}{files}, {mode}",
        std::env::consts::ARCH
    )
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The value after `name`, a separator and blanks.
fn field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let rest = line.strip_prefix(name)?.trim_start();
        let value = rest.strip_prefix([':', '='])?;
        Some(value.trim().to_owned())
    })
}

/// The kind of file system a folder is on: that of the longest mount point above it.
fn file_system(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let mounts = read("/proc/self/mounts");
    let fields = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?, words.next()?))
    });
    let above = fields.filter(|(point, _)| folder.starts_with(point));
    above
        .max_by_key(|(point, _)| point.len())
        .map(|(_, kind)| kind.to_owned())
}
