//! The kinds of document, and the tables that say how each field merges.
//!
//! A kind is a serde struct (for people who write Rust) and a *field table* (for the machinery):
//! reading, saving, conflicts and the guard are one mechanism driven by the tables, so a new kind
//! is a new file here and nothing else.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

#[macro_use]
pub mod record;
pub mod check;
pub mod contract;
pub mod editorial;
pub mod service_listing;
pub mod shape;
pub mod visit_note;

/// A kind of document. Its code is a string everywhere but on the wire, where it is its number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// *Sopimus*: who agreed what with whom, and who signed it.
    Contract,
    /// *Käyntikirjaus*: what was seen and done on one visit.
    VisitNote,
    /// *Palvelukuvaus*: one service as the public directory shows it.
    ServiceListing,
}

impl Kind {
    /// Every kind, in wire-number order.
    pub const ALL: [Kind; 3] = [Kind::Contract, Kind::VisitNote, Kind::ServiceListing];

    /// The code used in files, addresses and the database.
    pub fn code(self) -> &'static str {
        match self {
            Kind::Contract => "contract",
            Kind::VisitNote => "visit_note",
            Kind::ServiceListing => "service_listing",
        }
    }

    /// The kind of this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.code() == code)
    }

    /// The number on the wire. Never reused.
    pub fn number(self) -> u8 {
        match self {
            Kind::Contract => 1,
            Kind::VisitNote => 2,
            Kind::ServiceListing => 3,
        }
    }

    /// The kind of this wire number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.number() == number)
    }

    /// Whether every read of a document of this kind is told to the access log: of what is written about
    /// clients, and what is agreed with them. Service listings are made to be public.
    pub fn reads_are_logged(self) -> bool {
        match self {
            Kind::Contract | Kind::VisitNote => true,
            Kind::ServiceListing => false,
        }
    }

    /// Its field table.
    pub fn spec(self) -> &'static Spec {
        match self {
            Kind::Contract => &contract::SPEC,
            Kind::VisitNote => &visit_note::SPEC,
            Kind::ServiceListing => &service_listing::SPEC,
        }
    }
}

/// What the machinery knows of a kind.
pub struct Spec {
    /// Which kind.
    pub kind: Kind,
    /// The kind's own fields; the common header comes before them, see [`Spec::fields`].
    pub own_fields: &'static [Field],
    /// The containers of the genesis change, in its order, before the spares. Frozen: never edit a
    /// released list. A later field that needs a container takes a spare ([`Field::stored_as`]).
    pub genesis: &'static [(&'static str, Container)],
}

impl Spec {
    /// The common header, then the kind's own fields.
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> + use<> {
        COMMON.iter().chain(self.own_fields)
    }

    /// The field of this path (`"names.fi"`).
    pub fn field(&self, path: &str) -> Option<&'static Field> {
        self.fields().find(|f| f.path == path)
    }

    /// The field stored under this root key of the Automerge document.
    pub fn field_stored_as(&self, key: &str) -> Option<&'static Field> {
        self.fields().find(|f| f.key() == key)
    }
}

/// The two kinds of container a genesis change makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Container {
    /// An Automerge map: items, log entries, set elements, status marks.
    Map,
    /// An Automerge text.
    Text,
}

/// One field: where it is, how it merges, what it holds.
#[derive(Debug)]
pub struct Field {
    /// Where the value is in the JSON form; dots nest (`"names.fi"` is `{"names":{"fi":…}}`).
    pub path: &'static str,
    /// How concurrent writes meet.
    pub rule: Rule,
    /// What a value may be. Anything else found in a document reads as *unknown* and is kept.
    pub ty: Type,
    /// The root key in the Automerge document if not the path itself: a spare container.
    pub stored_as: Option<&'static str>,
}

impl Field {
    /// A field stored under its own path.
    pub const fn new(path: &'static str, rule: Rule, ty: Type) -> Self {
        Self {
            path,
            rule,
            ty,
            stored_as: None,
        }
    }

    /// The root key (or, inside an item, the item's key) it is stored under.
    pub fn key(&self) -> &'static str {
        self.stored_as.unwrap_or(self.path)
    }
}

/// Merge rules (DESIGN section 4). A rule also says how the field is stored.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// Written once, at creation. Later writes are ignored: the earliest live value reads.
    Imm,
    /// Last writer wins: Automerge's winner reads, the others stay in the history.
    Lww,
    /// Multi-value: all live values are kept, more than one distinct is a conflict.
    Mvr,
    /// As `Mvr`, but these values yield to any other: a task's `done` beats `todo`.
    Yield(&'static [&'static str]),
    /// A shared text, merged letter by letter.
    Txt,
    /// Items under version 7 UUIDs; inside, each field by its own rule. Removal is the item's
    /// `removed` field (added by the machinery), never a deleted key.
    Map(&'static [Field]),
    /// Append-only entries, each one immutable scalar under a UUID; the fields of an entry are the
    /// [`Type::Compound`] of the field's type. A correction is a new entry with `supersedes`.
    Log,
    /// Add-wins set of strings.
    Aws,
    /// Remove-wins set: a log of decisions `{element, in, at, by}`; the newest decides, and
    /// withdrawal wins over an equally new grant.
    Rws,
    /// Boolean; `true` anywhere live is true.
    FlagPlus,
    /// The greatest of all live codes in this order, lowest first.
    Max(&'static [&'static str]),
    /// Monotone status: these codes, lowest rank first. A form only raises it; going back is a new
    /// round (`reopen`). Terminal codes are highest.
    Mst(&'static [&'static str]),
}

/// What a value may hold. In JSON: text, codes, dates, decimals, ids and hashes are strings,
/// integers are numbers, instants are integer milliseconds since 1970 UTC.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// A string of at most this many characters (Unicode scalar values).
    Str(u32),
    /// A code of a code list (`codes.rs`); any string of at most 64 characters is kept.
    Code(&'static str),
    /// An integer.
    Int,
    /// A decimal number as a canonical string, `"2.5"`, with at most this many decimals. Never a float.
    Dec(u32),
    /// true or false.
    Bool,
    /// A calendar date, `"2026-11-22"`.
    Date,
    /// A wall-clock time, `"07:05"`.
    Time,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Instant,
    /// A UUID in its hyphenated lower-case form.
    Id,
    /// SHA-256 or longer bytes, lower-case hex of at most this many bytes.
    Hex(u32),
    /// Named parts, stored together as one canonical CBOR scalar: they change as one.
    Compound(&'static [Field]),
    /// Several of one type, stored as one canonical CBOR scalar, at most this many.
    List(&'static Type, u32),
}

/// The header every document carries, whatever its kind (DOMAIN section 3).
pub static COMMON: &[Field] = &[
    Field::new("schema_version", Rule::Imm, Type::Int),
    Field::new("created_at", Rule::Imm, Type::Instant),
    Field::new("created_by", Rule::Imm, Type::Id),
    Field::new("created_on", Rule::Imm, Type::Id),
    Field::new(
        "sensitivity",
        Rule::Max(SENSITIVITY),
        Type::Code("sensitivity"),
    ),
    Field::new("legal_hold", Rule::FlagPlus, Type::Bool),
    Field::new("tags", Rule::Aws, Type::Str(60)),
    Field::new("comments", Rule::Log, Type::Compound(COMMENT)),
];

/// Lowest first; the greatest wins, so that a careless device cannot lower it.
pub const SENSITIVITY: &[&str] = &["public", "internal", "confidential", "client"];

const COMMENT: &[Field] = &[
    Field::new("text", Rule::Lww, Type::Str(2_000)),
    Field::new("by", Rule::Lww, Type::Id),
    Field::new("at", Rule::Lww, Type::Instant),
];

/// The genesis containers every kind starts with; each kind's list repeats them first.
pub const COMMON_GENESIS: [(&str, Container); 2] =
    [("tags", Container::Map), ("comments", Container::Map)];

/// A kind as Rust code sees it. Reading fills what it can and never fails on content.
pub trait Document: Serialize + DeserializeOwned + Default + Clone + PartialEq {
    /// Which kind.
    const KIND: Kind;

    /// What is wrong with it as it stands, for the transition in question. Never blocks a save.
    fn validate(&self, ctx: &Validation<'_>) -> Vec<Problem>;

    /// The line lists and search show.
    fn summary(&self) -> Summary;

    /// From the JSON form. Total for what the reader produced: its types are already right.
    fn from_value(value: &Value) -> Self {
        serde_json::from_value(value.clone()).unwrap_or_default()
    }

    /// The JSON form; absent and empty are not written.
    fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }
}

/// Why something is validated, and what "today" means.
pub struct Validation<'a> {
    /// The transition wanted: a status code such as `"locked"` or `"published"`, or `"save"` for
    /// hints while writing.
    pub towards: &'a str,
    /// Today, Europe/Helsinki; effective-dated code lists are judged by it.
    pub today: jiff::civil::Date,
}

/// One thing wrong: which field, and a code the app has words for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Field path, `"parties.0190….snapshot.business_id"`.
    pub path: String,
    /// What is wrong, for example `"required"`, `"too_long"`, `"unknown_code"`.
    pub code: &'static str,
    /// Whether it blocks the transition asked about, or only warns.
    pub blocks: bool,
}

/// What lists show of a document without opening it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// One line, never empty in a list: falls back to the kind.
    pub title: String,
    /// Farm, client or provider id, for filtering.
    pub subject: Option<String>,
    /// The current status code.
    pub status: Option<String>,
    /// The date it sorts by, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// Everything worth finding by full-text search, one blank line between fields.
    pub text: String,
}

/// The JSON form of any kind from its typed struct and back, validated and summarised, by kind.
/// The one place that lists the kinds' types.
macro_rules! for_kind {
    ($kind:expr, $doc:ident => $body:expr) => {
        match $kind {
            $crate::documents::Kind::Contract => {
                type $doc = $crate::documents::contract::Contract;
                $body
            }
            $crate::documents::Kind::VisitNote => {
                type $doc = $crate::documents::visit_note::VisitNote;
                $body
            }
            $crate::documents::Kind::ServiceListing => {
                type $doc = $crate::documents::service_listing::ServiceListing;
                $body
            }
        }
    };
}

/// The summary of a document's JSON form.
pub fn summarise(kind: Kind, value: &Value) -> Summary {
    for_kind!(kind, Doc => Doc::from_value(value).summary())
}

/// The problems of a document's JSON form.
pub fn validate(kind: Kind, value: &Value, ctx: &Validation<'_>) -> Vec<Problem> {
    for_kind!(kind, Doc => Doc::from_value(value).validate(ctx))
}
