//! Someone at the office edits a document, as its pages do.

use std::sync::Arc;

use sopu_core::id::{DocId, MemberId, SpaceId};
use sopu_core::read::{read, version};
use sopu_core::save::save;
use sopu_core::store::StoreError;
use sopu_core::time::Env;
use sopu_core::wire::Verdict;
use sopu_server::access::roles::Role;
use sopu_server::relay::OfficeWriteError;

use super::Storm;
use super::model::Edit;
use super::writing::Form;

/// Stands for the office where a device's family is asked for: devices have its edits by the feed
/// alone.
const OFFICE: usize = usize::MAX - 1;

impl Storm {
    /// Now and then someone writes at the office.
    pub(super) fn perhaps_write_at_office(&mut self) {
        if self.office_writes && self.luck.once_in(20) && self.relay_on() {
            self.write_at_office();
        }
    }

    /// Now and then someone may only read from now on, or write again. What they write all the same, the
    /// relay keeps for people to decide.
    pub(super) fn perhaps_change_role(&mut self) {
        if !self.busy_office || !self.fate.once_in(25) {
            return;
        }
        self.power_up();
        let all = self.members.iter();
        let all = all.flat_map(|(member, spaces)| spaces.iter().map(|space| (*member, *space)));
        let all: Vec<(MemberId, SpaceId)> = all.collect();
        if all.is_empty() {
            return;
        }
        let (member, space) = all[self.fate.below(all.len())];
        self.tally.count("role changed");
        let reads = !self.readers.contains(&(member, space));
        self.say(|| format!("{member} may only read in {space}: {reads}"));
        if reads {
            self.grant(member, space, Role::Reader);
            self.readers.insert((member, space));
        } else {
            self.grant(member, space, Role::Field);
            self.readers.remove(&(member, space));
        }
    }

    fn write_at_office(&mut self) {
        let members: Vec<MemberId> = self.members.keys().copied().collect();
        let member = members[self.luck.below(members.len())];
        let mine = &self.members[&member];
        let may =
            |space: &SpaceId| mine.contains(space) && !self.readers.contains(&(member, *space));
        let docs = self.docs.iter().filter(|(_, space)| may(space));
        let docs: Vec<(DocId, SpaceId)> = docs.map(|(doc, space)| (*doc, *space)).collect();
        if docs.is_empty() {
            return;
        }
        let (doc, space) = docs[self.luck.below(docs.len())];
        let loaded = self.relay().record().store().document(doc);
        let kind = match loaded {
            Ok(loaded) => loaded.kind,
            // The relay does not know it yet, or any more.
            Err(StoreError::NotFound(_) | StoreError::Erased(_)) => return,
            Err(error) => return self.excuse_relay("open", &error),
        };
        let machine = Arc::clone(&self.house.machine);
        while !self.stamps.insert(machine.now_ms()) {
            self.time.pass(1);
        }
        let at_ms = machine.now_ms();
        let relay = self.house.relay.take().expect("on");
        let mut writes = Vec::new();
        let done = relay.office_write(member, space, doc, kind, |am, ctx| {
            let heads = version(am);
            let form = Form::read(doc, kind, heads.clone(), read(am, kind));
            let mut value = form.value.clone();
            writes = self.change(0, &form, &mut value);
            save(am, kind, &heads, &value, ctx).map(|_| ())
        });
        self.house.relay = Some(relay);
        self.merged = true;
        self.say(|| format!("the office writes {writes:?} into {doc}: {done:?}"));
        let sure = match done {
            Ok(None) => return,
            Ok(Some(verdict)) => matches!(verdict, Verdict::Fed(_)),
            Err(OfficeWriteError::Store(error)) => {
                self.excuse_relay("write at the office", &error);
                false
            }
            Err(error) => panic!("{member} cannot write at the office: {error:?}"),
        };
        self.tally.count("written at the office");
        self.model.note(Edit {
            doc,
            by: OFFICE,
            at_ms,
            writes,
            sure,
            lost: false,
            delivered: sure,
            hostile: false,
        });
    }
}
