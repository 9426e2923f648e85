//! Forms over an edit that is in a document as it was made and as it was made again.

use super::*;

/// A device whose document has an edit as it was made and as it was made again, until the relay has
/// chosen; and a copy of it.
fn with_both_forms(world: &mut Storm) -> (DocId, usize) {
    let doc = note(world, 2, "0");
    world.sync_now(2).expect("syncs");
    merge(world);
    world.sync_now(2).expect("syncs");
    let other = twin(world, 2);
    let set = |world: &mut Storm, number: usize, form: &Opened, field: &str, text: &str| {
        let mut value = form.value.clone();
        value[field] = json!(text);
        let saved = world.pockets[number]
            .device()
            .save(doc, &form.version, &value);
        saved.expect("saves");
    };
    let form = world.pockets[2].look().read(doc).expect("reads");
    set(world, other, &form, "route_from", "koti");
    world.sync_now(other).expect("delivers");
    merge(world);
    // One edit is sealed that the relay must refuse as a fork, and beside it, from a form opened before,
    // one it takes.
    set(world, 2, &form, "km", "7");
    let nobody = Line::new(None, None, world.pockets[2].id());
    let offline = world.pockets[2].device().sync(&nobody);
    assert!(matches!(offline, Err(DeviceError::Offline)));
    set(world, 2, &form, "summary", "0x");
    // In a first sync nothing says yet that it did: both are made again.
    back_to_first_sync(world, 2);
    assert_eq!(sync_once(world, 2).rejected, 1);
    assert_eq!(sync_once(world, 2).replayed, 2);
    assert_eq!(sync_once(world, 2).acknowledged, 1);
    merge(world);
    // What was written since waits for its answer, while the other one comes back.
    write(world, 2, doc, 'b');
    sync_once(world, 2);
    (doc, other)
}

fn settle(world: &mut Storm, copies: [usize; 2]) {
    for _ in 0..4 {
        for number in copies {
            world.sync_now(number).expect("syncs");
            merge(world);
        }
    }
}

/// While a document has an edit as it was made and as it was made again, a form shows both. What is
/// written there is the letter that was typed, and not once more what the form showed (storm 40023).
#[test]
fn what_is_written_beside_an_edit_that_came_back_after_it_was_made_again_is_written_once() {
    let mut world = world(17);
    let (doc, other) = with_both_forms(&mut world);
    let shown = world.pockets[2].look().read(doc).expect("reads").value;
    let shown = shown["summary"].as_str().expect("a text");
    assert_eq!(shown.matches('x').count(), 2, "{shown}");
    write(&mut world, 2, doc, 'z');
    settle(&mut world, [2, other]);
    for letter in "0bxz".chars() {
        assert_eq!(world.count(doc, letter), 1, "{letter}");
    }
}

/// Nor is it by a form that was opened then and is saved when one of the two is gone: it reads again.
#[test]
fn a_form_that_showed_an_edit_as_made_and_as_made_again_reads_anew_when_one_is_gone() {
    let mut world = world(18);
    let (doc, other) = with_both_forms(&mut world);
    let mut form = world.pockets[2].look().read(doc).expect("reads");
    let shown = form.value["summary"].as_str().expect("a text");
    form.value["summary"] = json!(format!("{shown}z"));
    settle(&mut world, [2, other]);
    let saved = world.pockets[2]
        .device()
        .save(doc, &form.version, &form.value);
    assert!(matches!(saved, Err(DeviceError::Stale)), "{saved:?}");
    write(&mut world, 2, doc, 'z');
    settle(&mut world, [2, other]);
    assert_eq!((world.count(doc, 'x'), world.count(doc, 'z')), (1, 1));
}
