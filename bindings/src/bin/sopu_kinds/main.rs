//! Writes the types of the three kinds in another language, from the core's own:
//! `sopu-kinds kotlin|swift|python FILE`. One list of fields and one set of words about them, so a new
//! field is everywhere with the next build.
//!
//! `sopu-kinds full FILE` writes one document of each kind with every field filled, as JSON, for tests
//! that must not miss one.

mod full;
mod kotlin;
mod model;
mod python;
mod swift;

use std::process::ExitCode;

use model::Model;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [language, file] = &words[..] else {
        eprintln!("usage: sopu-kinds kotlin|swift|python|full FILE");
        return ExitCode::from(2);
    };
    let model = Model::of_the_core();
    let text = match language.as_str() {
        "kotlin" => kotlin::source(&model),
        "swift" => swift::source(&model),
        "python" => python::source(&model),
        "full" => full::source(),
        other => {
            eprintln!("no such language: {other}");
            return ExitCode::from(2);
        }
    };
    match std::fs::write(file, text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{file}: {error}");
            ExitCode::FAILURE
        }
    }
}
