//! A device as a process: NAME FOLDER RELAY CODE SEED FIRST-MARK work|settle|end. Tells what
//! happens on standard output, one JSON line an event. Or `look FOLDER`: says what the device there holds.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use sopu_tests::outside::phone::{PhoneLoop, held};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    if let [_, task, folder] = args.as_slice()
        && task == "look"
    {
        return look(Path::new(folder));
    }
    let [_, name, folder, relay, code, seed, first_mark, task] = args.as_slice() else {
        panic!("outside_phone NAME FOLDER RELAY CODE SEED FIRST-MARK work|settle|end");
    };
    let seed = seed.parse().expect("a number");
    let first_mark = first_mark.parse().expect("a number");
    let phone = PhoneLoop::open(name, Path::new(folder), relay, code, seed, first_mark);
    match task.as_str() {
        "work" => phone.work(),
        "settle" => phone.settle(),
        "end" => {
            phone.settle();
            phone.end();
        }
        other => panic!("no task {other}"),
    }
    ExitCode::SUCCESS
}

fn look(folder: &Path) -> ExitCode {
    match held(folder) {
        Ok(texts) => {
            let told = writeln!(std::io::stdout(), "{}", texts.join("\n"));
            ExitCode::from(u8::from(told.is_err()))
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}
