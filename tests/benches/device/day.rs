//! A day's work.

use sopu_tests::bench::{Amount, Run, Section, Target};
use sopu_tests::work::day::{Cost, DAY, Load, lived};

pub fn measure(run: &Run) -> Section {
    let mut section = Section::new("A day's work");
    let loads = [(3, 5), (DAY.new, DAY.edited), (48, 80)];
    let loads = &loads[..run.sized(3, 1)];
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for (new, edited) in loads {
        let load = Load {
            new: *new,
            edited: *edited,
            colleagues: DAY.colleagues,
        };
        let folder = run.memory_folder();
        let cost = lived(folder.path(), load);
        rows(&mut section, load, &cost);
        up.push((cost.changes_up as f64, cost.up as f64));
        down.push((cost.changes_down as f64, cost.down as f64));
    }
    section.growth("bytes up", &up);
    section.growth("bytes down", &down);
    section.note(
        "The baseline is one JSON line an edit (document, field, value or splice, author, time), \
         all lines of a direction as one zstd-3 frame: nothing in it is signed or could be merged.",
    );
    section.note(
        "The design reckoned with 9 375 B of JSON for the 772 changes of a day, from notes of a few repeated \
         sentences. These are richer: 928 edits, for a save fills in several fields, of which leaving out the \
         18 000 letters of text, put together from parts that seldom repeat, saves about 6 kB; the values of \
         404 fields 5; the randomness of 141 ids 5; the moment of each save 5.",
    );
    section
}

fn rows(section: &mut Section, load: Load, cost: &Cost) {
    let of = format!("{} new + {} edited", load.new, load.edited);
    let twice = Some(Target::RatioAtMost(2.0));
    section.target(
        format!("requests, {of}"),
        Amount::count(cost.requests),
        Target::AtMost(1.0),
    );
    let (up, json_up) = (Amount::bytes(cost.up), Amount::bytes(cost.json_up));
    section.beside(
        format!("up, {of}, {} changes", cost.changes_up),
        up,
        json_up,
        twice,
    );
    let (down, json_down) = (Amount::bytes(cost.down), Amount::bytes(cost.json_down));
    section.beside(
        format!("down, {of}, {} changes", cost.changes_down),
        down,
        json_down,
        twice,
    );
    section.row(
        format!("next sync, places of own work, {of}"),
        Amount::bytes(cost.after),
    );
}
