//! The request path of a push: body, guard, signature, rights, rows, commit, answer.

use sopu_server::relay::DATABASE;
use sopu_tests::bench::counting::counted;
use sopu_tests::bench::meter::{process_cpu, wall_of};
use sopu_tests::bench::section::ms;
use sopu_tests::bench::{Amount, Run, Section, Target};

use super::bare::{self, Copied};
use super::house::{House, letter, note, taken};

/// Documents of one push: a day's work touches about as many.
const DOCUMENTS: usize = 20;

pub fn push(run: &Run) -> Section {
    let mut section = Section::new("A push");
    let devices = run.sized(8, 3);
    let mut growth = Vec::new();
    for changes in [1, 5, 20, 60] {
        let folder = run.folder();
        let house = House::new(folder.path());
        let space = house.space();
        let letters: Vec<_> = (0..devices)
            .map(|_| {
                let mut device = house.device(house.member(&[space]));
                for _ in 0..DOCUMENTS {
                    note(&mut device, space, changes);
                }
                letter(&mut device)
            })
            .collect();
        let cpu = process_cpu();
        let ((took, counts), wall) = wall_of(|| {
            counted(|| {
                letters
                    .iter()
                    .map(|post| taken(&house.carry(post)))
                    .sum::<usize>()
            })
        });
        let cpu = process_cpu() - cpu;
        assert_eq!(took, devices * DOCUMENTS, "all are taken in");
        let all = (devices * DOCUMENTS * changes) as f64;
        let rows = Copied::of(&house.data.join(DATABASE));
        let (bare_cpu, bare_wall) = rows.insert(&folder.path().join("bare.db"), devices);
        let many = format!("{changes} changes an envelope");
        section.beside(
            format!("CPU a change, {many}"),
            Amount::seconds(cpu / all),
            Amount::seconds(bare_cpu / all),
            Some(Target::AtMost(ms(0.05))),
        );
        let half = Some(Target::RatioAtLeast(0.5));
        let number = rows.rows() as f64;
        section.beside(
            format!("rows a CPU second, {many}"),
            Amount::per_second(number / cpu),
            Amount::per_second(number / bare_cpu),
            half,
        );
        section.beside(
            format!("rows a second by the clock, {many}"),
            Amount::per_second(number / wall),
            Amount::per_second(number / bare_wall),
            half,
        );
        let proven = bare::prove(&house.data.join(DATABASE));
        section.beside(
            format!("rows, signature and hashes alone, {many}"),
            Amount::per_second(number / (bare_cpu + proven)),
            Amount::per_second(number / bare_cpu),
            None,
        );
        section.row(
            format!("allocations a change, {many}"),
            Amount::count(counts.calls as f64 / all),
        );
        growth.push((changes as f64, cpu / (devices * DOCUMENTS) as f64));
    }
    section.growth("CPU an envelope over its changes", &growth);
    section.note(format!(
        "Each push has {DOCUMENTS} envelopes of one new document each, made by a real device and \
         carried through the real handlers without a socket; CPU is of all threads, the merge worker \
         not running. The baseline inserts the very rows a push leaves (envelopes, changes, \
         documents) into the same tables with the same indexes and `synchronous=FULL`, as many \
         transactions as there were pushes. An envelope of a single change cannot meet its target: its \
         one signature alone takes about 0.05 ms. The line of rows, signature and hashes \
         alone adds to the baseline one check of each signature and one hash of each change, with \
         nothing around them: no relay that proves what it takes can do more. By the clock the flush \
         is shared and counts for both."
    ));
    section.note(
        "Tried and left out: checking the signatures of a push together. The sum that a batch checks \
         can come out right for a signature that is wrong by a point of small order, once in two to \
         eight times, as the random weights fall; a device could make one that the relay takes and \
         every phone refuses. What would help: one index less on changes, which makes the baseline \
         cheaper, too.",
    );
    section
}
