//! How far one's own work has come.

use sopu_core::store::outbox;

/// The four states people see: the least that is true of all one's own work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Stage {
    /// On this phone.
    Here,
    /// On the server.
    Server,
    /// In the record.
    Record,
    /// Seen by the office.
    Seen,
}

/// How far one's own work in a document, or in all, has come.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Progress {
    /// The stage; `None` if nothing is one's own.
    pub stage: Option<Stage>,
    /// Changes and envelopes on this phone only.
    pub here: u32,
    /// Envelopes on the server, not in the record yet.
    pub server: u32,
    /// Of these, ones that wait for something or someone.
    pub held: u32,
    /// Envelopes refused, to be replayed by the next sync.
    pub refused: u32,
    /// Envelopes in the record.
    pub record: u32,
    /// Of these, seen by the office.
    pub seen: u32,
}

impl From<outbox::Stage> for Stage {
    fn from(stage: outbox::Stage) -> Self {
        match stage {
            outbox::Stage::Here => Self::Here,
            outbox::Stage::Server => Self::Server,
            outbox::Stage::Record => Self::Record,
            outbox::Stage::Seen => Self::Seen,
        }
    }
}

impl From<outbox::Progress> for Progress {
    fn from(progress: outbox::Progress) -> Self {
        Self {
            stage: progress.stage().map(Stage::from),
            here: progress.unsealed + progress.sealed,
            server: progress.acknowledged + progress.held,
            held: progress.held,
            refused: progress.refused,
            record: progress.fed,
            seen: progress.seen,
        }
    }
}
