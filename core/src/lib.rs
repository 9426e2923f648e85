//! Everything a Sopu device does: documents people write offline, the store that keeps them, and
//! the sync that carries them. No clock, no socket and no thread of its own; the relay is built of
//! the same parts.
//!
//! The way of a note through this crate:
//!
//! 1. [`documents`] says what a visit note, a contract, a service listing is: a serde struct and a
//!    *field table* with a merge rule for each field. [`codes`] are the dated lists behind the
//!    codes, [`canonical`] the one sequence of bytes of a value.
//! 2. [`genesis`] is the fixed first change of each kind. [`read`] turns a document into a value,
//!    totally; [`edit`] finds what a user changed, and [`save`] writes that and nothing else, on the
//!    form's own branch. [`history`] and [`trace`] tell what each change did.
//! 3. [`guard`] stands before everything that comes from outside, and before own saves too:
//!    [`chunk`] takes a change apart without believing it, `guard::trial` tries it on a copy.
//! 4. [`store`] is the only door to SQLite: changes, snapshots, views, search, outbox, cursors.
//! 5. [`run`] seals changes into an [`envelope`] that proves its author; [`encoding`] is its compact
//!    form on the wire, [`wire`] the request and response around it.
//! 6. [`sync`] decides when to sync, makes the next request and applies the answer; replays what was
//!    refused. [`transport`] is the one thing it needs from the network.
//! 7. [`device`] joins all this for an app. [`findings`] are what a person should look at;
//!    [`signing`] locks and signs contracts without a network.

pub mod business_id;
pub mod canonical;
pub mod chunk;
pub mod codes;
pub mod compress;
pub mod device;
#[macro_use]
pub mod documents;
pub mod edit;
pub mod encoding;
pub mod envelope;
pub mod findings;
pub mod frame;
pub mod genesis;
pub mod guard;
pub mod history;
pub mod id;
pub mod invitation;
pub mod provenance;
pub mod read;
mod rebase;
pub mod run;
pub mod save;
pub mod scalar;
pub mod signing;
pub mod store;
pub mod sync;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;
pub mod trace;
pub mod transport;
pub mod wire;
