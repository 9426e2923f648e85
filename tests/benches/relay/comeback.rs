//! A fleet of devices comes back within a minute.

use std::time::Duration;

use sopu_tests::bench::meter::quantile;
use sopu_tests::bench::section::mib;
use sopu_tests::bench::{Amount, Run, Section, Target};
use sopu_tests::load::{Fleet, Plan, come_back, served};

pub fn comeback(run: &Run) -> Section {
    let mut section = Section::new("A fleet comes back within a minute");
    let program = served::program().expect("the relay's program");
    let (mut cpu, mut memory, mut requests) = (Vec::new(), Vec::new(), Vec::new());
    for (devices, window_s) in run.sized(
        [(100, 6), (300, 18), (1_000, 60)],
        [(10, 1), (20, 1), (40, 2)],
    ) {
        let plan = Plan {
            devices,
            team: 5,
            documents: 2,
            changes: 10,
        };
        let folder = run.folder();
        let fleet = Fleet::prepare(plan, &program, folder.path()).expect("a fleet");
        let window = Duration::from_secs(window_s);
        let back = come_back(&fleet, &program, window, 17);
        let changes = plan.all_changes() as f64;
        let name = |what: &str| format!("{what}, {devices} devices");
        section.target(
            name("not in sync at the end"),
            Amount::count(u32::try_from(back.wrong.len()).unwrap_or(u32::MAX)),
            Target::AtMost(0.0),
        );
        for wrong in back.wrong.iter().take(3) {
            section.note(format!("Wrong with {devices} devices: {wrong}."));
        }
        for (share, p) in [(0.5, "p50"), (0.99, "p99")] {
            section.beside(
                name(&format!("{p} of an answer")),
                Amount::seconds(quantile(&back.answers, share)),
                Amount::seconds(quantile(&back.empty, share)),
                None,
            );
        }
        section.row(
            name("p99 from return to all in the record"),
            Amount::seconds(quantile(&back.settling, 0.99)),
        );
        section.row(
            name("p99 of what the generator was late"),
            Amount::seconds(quantile(&back.late, 0.99)),
        );
        section.row(
            name("changes a second over the time it took"),
            Amount::per_second(changes / back.seconds),
        );
        section.row(
            name("changes a CPU second of the relay"),
            Amount::per_second(changes / back.cpu),
        );
        section.target(
            name("memory above idle"),
            Amount::memory(back.peak.saturating_sub(back.idle)),
            Target::AtMost(mib(64.0)),
        );
        let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len().max(1) as f64;
        section.row(
            name("requests a device until settled"),
            Amount::count(mean(&back.requests)),
        );
        section.row(
            name("requests a device to take in the rest"),
            Amount::count(mean(&back.later)),
        );
        section.row(
            name("requests that failed"),
            Amount::count(u32::try_from(back.failed).unwrap_or(u32::MAX)),
        );
        cpu.push((devices as f64, back.cpu));
        memory.push((devices as f64, back.peak.saturating_sub(back.idle) as f64));
        requests.push((devices as f64, mean(&back.requests)));
    }
    section.growth("relay CPU over devices", &cpu);
    section.growth("memory above idle over devices", &memory);
    section.growth("requests a device over devices", &requests);
    section.note(
        "Real devices with 20 changes each in 2 documents, five to a space, return at moments from a \
         seed to a real `sopu serve` over HTTP on loopback, at the same rate for each size. Each \
         syncs, then waits in long polls until all of its own is in the record, counted from the moment \
         it was to come, however late the generator was. Then everyone takes \
         in what the others brought, and every device and the merged record are compared with what \
         was written. Generator and relay share the machine. The baseline of an answer is an empty \
         request (`/healthz`) beside them.",
    );
    section
}
