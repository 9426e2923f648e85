//! What a push, its merge and an empty request cost as everything around them grows.

use sopu_core::id::SpaceId;
use sopu_tests::bench::meter::{cpu_of, process_cpu};
use sopu_tests::bench::{Amount, Run, Section};

use super::house::{House, letter, note, taken};

const DOCUMENTS: usize = 10;
const CHANGES: usize = 10;
const EMPTY: usize = 50;

/// How much there is beside what is measured.
#[derive(Clone, Copy)]
struct Around {
    /// Documents in the space.
    documents: usize,
    /// Spaces the device is in.
    spaces: usize,
    /// Spaces of others.
    others: usize,
    /// Devices in the space.
    devices: usize,
}

/// What a size means.
type Shape = fn(usize) -> Around;

const LITTLE: Around = Around {
    documents: 1,
    spaces: 1,
    others: 0,
    devices: 1,
};

pub fn crowd(run: &Run) -> Section {
    let mut section = Section::new("What is around it");
    let around: [(&str, [usize; 3], Shape); 4] = [
        (
            "documents in the space",
            run.sized([50, 300, 2_000], [10, 30, 100]),
            |documents| Around {
                documents,
                ..LITTLE
            },
        ),
        (
            "spaces of the device",
            run.sized([1, 10, 80], [1, 3, 10]),
            |spaces| Around { spaces, ..LITTLE },
        ),
        (
            "spaces of others",
            run.sized([10, 100, 600], [1, 3, 10]),
            |others| Around { others, ..LITTLE },
        ),
        (
            "devices in the space",
            run.sized([10, 60, 300], [1, 3, 10]),
            |devices| Around { devices, ..LITTLE },
        ),
    ];
    for (what, sizes, shape) in around {
        let mut grown = [Vec::new(), Vec::new(), Vec::new()];
        for size in sizes {
            let [pushed, merged, empty] = measure(run, shape(size));
            let all = [
                ("push, a change", pushed),
                ("merge, a document", merged),
                ("empty request", empty),
            ];
            for ((name, cpu), grown) in all.into_iter().zip(&mut grown) {
                section.row(format!("{name}: {size} {what}"), Amount::seconds(cpu));
                grown.push((size as f64, cpu));
            }
        }
        for (name, grown) in ["push", "merge", "empty request"].iter().zip(&grown) {
            section.growth(format!("{name} over {what}"), grown);
        }
    }
    section.note(format!(
        "CPU of a push of {DOCUMENTS} envelopes of {CHANGES} changes each, of merging it, and of a \
         request with nothing new, each as one thing around them grows."
    ));
    section
}

fn measure(run: &Run, around: Around) -> [f64; 3] {
    let folder = run.folder();
    let house = House::new(folder.path());
    let spaces: Vec<SpaceId> = (0..around.spaces).map(|_| house.space()).collect();
    let others: Vec<SpaceId> = (0..around.others).map(|_| house.space()).collect();
    let space = spaces[0];
    let everywhere: Vec<SpaceId> = spaces.iter().chain(&others).copied().collect();
    // Somebody has been everywhere, so that every feed has begun.
    let mut filler = house.device(house.member(&everywhere));
    for space in &everywhere {
        note(&mut filler, *space, 1);
    }
    for _ in 1..around.documents {
        note(&mut filler, space, 1);
    }
    while filler.sync_for(&house, 1).expect("syncs").more {}
    house.relay.merge_all().expect("merges");
    for _ in 1..around.devices {
        house.device(house.member(&[space]));
    }
    let mut device = house.device(house.member(&spaces));
    while device.sync(&house).expect("syncs").more {}
    let (mut pushed, mut merged) = (0.0, 0.0);
    let rounds = 5;
    for _ in 0..rounds {
        for _ in 0..DOCUMENTS {
            note(&mut device, space, CHANGES);
        }
        let post = letter(&mut device);
        let cpu = process_cpu();
        assert_eq!(taken(&house.carry(&post)), DOCUMENTS);
        pushed += process_cpu() - cpu;
        let (fed, cpu) = cpu_of(|| house.relay.merge_all().expect("merges"));
        assert_eq!(fed, DOCUMENTS);
        merged += cpu;
        while device.sync(&house).expect("syncs").more {}
    }
    let post = letter(&mut device);
    let cpu = process_cpu();
    for _ in 0..EMPTY {
        assert_eq!(taken(&house.carry(&post)), 0);
    }
    let empty = process_cpu() - cpu;
    let documents = f64::from(rounds) * DOCUMENTS as f64;
    [
        pushed / documents / CHANGES as f64,
        merged / documents,
        empty / EMPTY as f64,
    ]
}
