//! The program `sopu`, built where the suites of this package can start and kill it.

fn main() -> std::process::ExitCode {
    sopu_server::cli::main()
}
