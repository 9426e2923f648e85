//! The operations of a change whose columns were already counted, one at a time.

use super::Refusal;
use super::columns::{Flags, Rows};
use crate::chunk::{Chunk, Column, Reader};

/// An operation's identity: counter and the index of its actor in the chunk (0 is the author).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Id {
    pub(super) counter: u64,
    pub(super) actor: u64,
}

/// Where in its object an operation acts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Key<'a> {
    /// A key of a map.
    Prop(&'a str),
    /// The beginning of a text.
    Head,
    /// A character of a text.
    Elem(Id),
}

/// What an operation does. Lists, tables, counters and marks are never written and not known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Action {
    MakeMap,
    MakeText,
    Put,
    Delete,
}

/// One operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Op<'a> {
    /// `None` is the root.
    pub(super) obj: Option<Id>,
    pub(super) key: Key<'a>,
    pub(super) insert: bool,
    pub(super) action: Action,
    pub(super) value: Value<'a>,
    pub(super) preds: u64,
}

/// A scalar as far as the guard cares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Value<'a> {
    Null,
    Str(&'a str),
    Other,
}

/// Reads the operations of a chunk in order. What they refer to must be older than they are, and
/// every actor of the chunk must be referred to.
pub(super) struct Ops<'a> {
    next: u64,
    left: u64,
    actors: u64,
    mentioned: Vec<bool>,
    obj_actor: Rows<'a, u64>,
    obj_counter: Rows<'a, u64>,
    key_actor: Rows<'a, u64>,
    key_counter: Rows<'a, i64>,
    key_string: Rows<'a, &'a str>,
    insert: Flags<'a>,
    action: Rows<'a, u64>,
    value_meta: Rows<'a, u64>,
    value: Reader<'a>,
    pred_count: Rows<'a, u64>,
    pred_actor: Rows<'a, u64>,
    pred_counter: Rows<'a, i64>,
    key_sum: i64,
    pred_sum: i64,
}

impl<'a> Ops<'a> {
    /// The operations of a chunk that passed `columns::check`, which gave their number.
    pub(super) fn new(chunk: &Chunk<'a>, count: u64) -> Self {
        let column = |c| chunk.column(c);
        Self {
            next: chunk.start_op,
            left: count,
            actors: chunk.others.len() as u64 + 1,
            mentioned: vec![false; chunk.others.len()],
            obj_actor: Rows::new(column(Column::ObjActor)),
            obj_counter: Rows::new(column(Column::ObjCounter)),
            key_actor: Rows::new(column(Column::KeyActor)),
            key_counter: Rows::new(column(Column::KeyCounter)),
            key_string: Rows::new(column(Column::KeyString)),
            insert: Flags::new(column(Column::Insert)),
            action: Rows::new(column(Column::Action)),
            value_meta: Rows::new(column(Column::ValueMeta)),
            value: Reader::new(column(Column::Value)),
            pred_count: Rows::new(column(Column::PredCount)),
            pred_actor: Rows::new(column(Column::PredActor)),
            pred_counter: Rows::new(column(Column::PredCounter)),
            key_sum: 0,
            pred_sum: 0,
        }
    }

    /// The next operation, `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<Op<'a>>, Refusal> {
        if self.left == 0 {
            return if self.mentioned.iter().all(|m| *m) {
                Ok(None)
            } else {
                Err(Refusal::new("actor_unused"))
            };
        }
        self.left -= 1;
        let obj = self.obj()?;
        let key = self.key()?;
        let insert = self.insert.next()?;
        let action = match self.action.next()? {
            Some(0) => Action::MakeMap,
            Some(1) => Action::Put,
            Some(3) => Action::Delete,
            Some(4) => Action::MakeText,
            _ => return Err(Refusal::new("action_unknown")),
        };
        let value = self.value()?;
        let preds = self.preds()?;
        self.next += 1;
        Ok(Some(Op {
            obj,
            key,
            insert,
            action,
            value,
            preds,
        }))
    }

    /// A reference: to a known actor, and to an operation older than this one.
    fn id(&mut self, actor: u64, counter: u64) -> Result<Id, Refusal> {
        if actor >= self.actors {
            return Err(Refusal::new("actor_unknown"));
        }
        if counter == 0 || counter >= self.next {
            return Err(Refusal::new("reference_order"));
        }
        if let Some(index) = actor.checked_sub(1).and_then(|i| usize::try_from(i).ok()) {
            self.mentioned[index] = true;
        }
        Ok(Id { counter, actor })
    }

    fn obj(&mut self) -> Result<Option<Id>, Refusal> {
        match (self.obj_actor.next()?, self.obj_counter.next()?) {
            (None, None) => Ok(None),
            (Some(actor), Some(counter)) => Ok(Some(self.id(actor, counter)?)),
            (Some(_), None) | (None, Some(_)) => Err(Refusal::new("object_form")),
        }
    }

    fn key(&mut self) -> Result<Key<'a>, Refusal> {
        let form = Refusal::new("key_form");
        let counter = match self.key_counter.next()? {
            Some(delta) => {
                self.key_sum = self.key_sum.checked_add(delta).ok_or(form)?;
                Some(u64::try_from(self.key_sum).map_err(|_| form)?)
            }
            None => None,
        };
        match (self.key_string.next()?, self.key_actor.next()?, counter) {
            (Some(prop), None, None) => Ok(Key::Prop(prop)),
            (None, None, Some(0)) => Ok(Key::Head),
            (None, Some(actor), Some(counter)) => Ok(Key::Elem(self.id(actor, counter)?)),
            (_, _, _) => Err(form),
        }
    }

    fn value(&mut self) -> Result<Value<'a>, Refusal> {
        let refused = Refusal::new("value_form");
        let meta = self.value_meta.next()?.ok_or(refused)?;
        let len = usize::try_from(meta >> 4).map_err(|_| refused)?;
        let bytes = self.value.take(len)?;
        let mut r = Reader::new(bytes);
        let value = match meta & 0x0f {
            0 => Value::Null,
            // false, true
            1 | 2 => Value::Other,
            3 => {
                r.u64()?;
                Value::Other
            }
            4 => {
                r.i64()?;
                Value::Other
            }
            6 => Value::Str(str::from_utf8(r.take(len)?).map_err(|_| refused)?),
            7 => {
                r.take(len)?;
                Value::Other
            }
            // Floats, counters, timestamps and types to come: nothing of ours writes them.
            _ => return Err(Refusal::new("value_type")),
        };
        if r.is_empty() {
            Ok(value)
        } else {
            Err(refused)
        }
    }

    /// Predecessors come oldest first and each once; Automerge relies on it.
    fn preds(&mut self) -> Result<u64, Refusal> {
        let refused = Refusal::new("predecessor_form");
        let count = self.pred_count.next()?.ok_or(refused)?;
        let mut last = None;
        for _ in 0..count {
            let actor = self.pred_actor.next()?.ok_or(refused)?;
            let delta = self.pred_counter.next()?.ok_or(refused)?;
            self.pred_sum = self.pred_sum.checked_add(delta).ok_or(refused)?;
            let counter = u64::try_from(self.pred_sum).map_err(|_| refused)?;
            let id = self.id(actor, counter)?;
            if last.is_some_and(|l: Id| l.counter > id.counter || l == id) {
                return Err(refused);
            }
            last = Some(id);
        }
        Ok(count)
    }
}
