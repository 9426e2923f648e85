//! The program `sopu`.

fn main() -> std::process::ExitCode {
    sopu_server::cli::main()
}
