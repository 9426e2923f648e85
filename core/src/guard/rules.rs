//! What an operation may do to a document of ours, as far as the bytes alone can tell.

use super::Refusal;
use super::ops::{Action, Id, Key, Op, Ops, Value};
use crate::chunk::Chunk;
use crate::documents::{Container, Kind, Rule};
use crate::genesis::{Genesis, genesis};

/// What is known of the object an operation acts on.
#[derive(Clone, Copy)]
pub(super) enum Object {
    Root,
    /// A genesis container: its key, and the rule of the field that claims it (a spare that no
    /// field claims has none).
    Genesis(&'static str, Container, Option<Rule>),
    /// Made by some save: an item, or a text or map inside one.
    Other,
}

/// Resolves the objects operations act on.
pub(super) struct Objects {
    genesis: &'static Genesis,
    /// Index of the genesis actor in this chunk, if it is mentioned.
    genesis_actor: Option<u64>,
}

impl Objects {
    pub(super) fn new(chunk: &Chunk<'_>, kind: Kind) -> Self {
        let genesis = genesis(kind);
        let genesis_actor = chunk
            .others
            .iter()
            .position(|other| *other == genesis.actor)
            .map(|index| index as u64 + 1);
        Self {
            genesis,
            genesis_actor,
        }
    }

    pub(super) fn resolve(&self, obj: Option<Id>) -> Result<Object, Refusal> {
        let Some(id) = obj else {
            return Ok(Object::Root);
        };
        if Some(id.actor) != self.genesis_actor {
            return Ok(Object::Other);
        }
        let place = id.counter.checked_sub(1).map(usize::try_from);
        let made = place
            .and_then(Result::ok)
            .and_then(|place| self.genesis.by_counter.get(place));
        let (key, container, rule) = made.ok_or(Refusal::new("object_unknown"))?;
        Ok(Object::Genesis(key, *container, *rule))
    }

    fn is_container(&self, key: &str) -> bool {
        self.genesis.containers.contains_key(key)
    }
}

/// Checks every operation of a chunk whose columns were counted.
pub(super) fn check(chunk: &Chunk<'_>, count: u64, kind: Kind) -> Result<(), Refusal> {
    let objects = Objects::new(chunk, kind);
    let mut ops = Ops::new(chunk, count);
    while let Some(op) = ops.next()? {
        form(&op)?;
        match objects.resolve(op.obj)? {
            Object::Root => root(&op, &objects)?,
            Object::Genesis(_, container, rule) => inside(&op, container, rule)?,
            Object::Other => {}
        }
    }
    Ok(())
}

/// What no operation of any save looks like, wherever it acts.
fn form(op: &Op<'_>) -> Result<(), Refusal> {
    match op.action {
        Action::MakeMap | Action::MakeText | Action::Delete if op.value != Value::Null => {
            return Err(Refusal::new("value_unexpected"));
        }
        Action::Delete if op.preds == 0 => return Err(Refusal::new("delete_nothing")),
        Action::MakeMap | Action::MakeText | Action::Put | Action::Delete => {}
    }
    match op.key {
        Key::Prop("") => Err(Refusal::new("key_form")),
        Key::Prop(_) if op.insert => Err(Refusal::new("insert_in_map")),
        Key::Prop(_) => Ok(()),
        // A text takes letters in and letters out, nothing else.
        Key::Head | Key::Elem(_) if op.insert => match (op.action, op.value) {
            (Action::Put, Value::Str(_)) if op.preds == 0 => Ok(()),
            (_, _) => Err(Refusal::new("text_form")),
        },
        Key::Elem(_) if op.action == Action::Delete => Ok(()),
        Key::Head | Key::Elem(_) => Err(Refusal::new("text_form")),
    }
}

fn root(op: &Op<'_>, objects: &Objects) -> Result<(), Refusal> {
    let Key::Prop(key) = op.key else {
        return Err(Refusal::new("object_kind"));
    };
    if objects.is_container(key) {
        return Err(Refusal::new("container_replaced"));
    }
    match op.action {
        Action::Put | Action::Delete => Ok(()),
        // Two devices that each made "the same" container would make two, one of them invisible.
        Action::MakeMap | Action::MakeText => Err(Refusal::new("container_made")),
    }
}

fn inside(op: &Op<'_>, container: Container, rule: Option<Rule>) -> Result<(), Refusal> {
    let is_map_key = matches!(op.key, Key::Prop(_));
    if is_map_key != (container == Container::Map) {
        return Err(Refusal::new("object_kind"));
    }
    match rule {
        Some(Rule::Log | Rule::Rws) => append_only(op, Action::Put, "log_key"),
        Some(Rule::Mst(_)) => append_only(op, Action::Put, "status_key"),
        Some(Rule::Map(_)) => append_only(op, Action::MakeMap, "item_key"),
        Some(Rule::Aws) => match op.action {
            Action::Put | Action::Delete => Ok(()),
            Action::MakeMap | Action::MakeText => Err(Refusal::new("element_made")),
        },
        Some(
            Rule::Txt
            | Rule::Imm
            | Rule::Lww
            | Rule::Mvr
            | Rule::Yield(_)
            | Rule::FlagPlus
            | Rule::Max(_),
        )
        | None => Ok(()),
    }
}

/// Keys that are written once: with what, and never again.
fn append_only(op: &Op<'_>, by: Action, code: &'static str) -> Result<(), Refusal> {
    if op.action == by && op.preds == 0 {
        Ok(())
    } else {
        Err(Refusal::new(code))
    }
}
