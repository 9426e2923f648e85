//! Every role with every kind of document over sync, by the one table of `access/roles.rs`.

use serde_json::json;
use sopu_core::documents::Kind;
use sopu_core::wire::Verdict;

use super::world::{Note, World};
use crate::access::{Action, Role};

#[test]
fn every_role_reads_and_writes_every_kind_as_the_table_says() {
    for role in Role::ALL.into_iter().map(Some).chain([None]) {
        for kind in Kind::ALL {
            let mut world = World::new();
            let writer = world.phone(Role::Owner);
            let mut known = Note::new(&writer, world.space, kind);
            let sealed = known.write(&writer, json!({ "tags": ["a"] }));
            assert_eq!(world.feed(&writer, &sealed), Verdict::Fed(1));
            let phone = world.phone(role.unwrap_or(Role::Owner));
            if role.is_none() {
                world.remove(world.space, phone.member);
                world.later(1_000);
            }
            let may = |action| role.is_some_and(|role| role.may(action));
            let mut new = Note::new(&phone, world.space, kind);
            let sealed = new.write(&phone, json!({ "tags": ["b"] }));
            let verdict = world.feed(&phone, &sealed);
            let fed = matches!(verdict, Verdict::Fed(_));
            assert_eq!(fed, may(Action::Write), "{role:?} {kind:?}: {verdict:?}");
            let seen = world.pull_all(&phone);
            let seen = seen.iter().flat_map(|response| &response.pages);
            let seen = seen.filter(|page| !page.packs.is_empty() || !page.entries.is_empty());
            assert_eq!(seen.count() > 0, may(Action::Read), "{role:?} {kind:?}");
        }
    }
}
