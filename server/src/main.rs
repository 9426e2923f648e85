//! The program `sopu`.

fn main() -> std::process::ExitCode {
    // Databases, ledgers, exports: whatever it writes is for its owner alone, in whatever folder.
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    sopu_server::cli::main()
}
