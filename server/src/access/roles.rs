//! What each role may do: the one table.

/// What a member is in a space.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// A relative of the client: sees on the office pages the visit notes that are shared, and does not
    /// sync.
    Relative,
    /// Whoever ordered the service (*tilaaja*): sees on the office pages the services and hours of the
    /// contracts they are a party of, and does not sync.
    Commissioner,
    /// Reads what is shared, on the office pages or a device; writes nothing.
    Reader,
    /// Writes in the field.
    Field,
    /// Writes from the office, decides and exports.
    Office,
    /// As the office, and says who belongs to the space.
    Owner,
}

/// Something a role may allow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// See on the office pages what is shared with one's role.
    Shared,
    /// Read the space's documents, by sync or on the office pages.
    Read,
    /// Write documents, by sync or on the office pages; settling a conflict is writing.
    Write,
    /// See work that waits for review, and release or drop it.
    Review,
    /// Take documents out as files.
    Export,
    /// Add and remove members, teams and invites.
    Manage,
    /// Read who has read what.
    AccessLog,
    /// Say that a document must be kept, or need not be any more.
    Hold,
    /// Move a document from the wrong client: it is written where it belongs and taken out where it was.
    Move,
    /// Erase documents for good.
    Erase,
}

impl Action {
    /// Every action.
    pub const ALL: [Action; 10] = [
        Action::Shared,
        Action::Read,
        Action::Write,
        Action::Review,
        Action::Export,
        Action::Manage,
        Action::AccessLog,
        Action::Hold,
        Action::Move,
        Action::Erase,
    ];
}

impl Role {
    /// Every role, weakest first.
    pub const ALL: [Role; 6] = [
        Role::Relative,
        Role::Commissioner,
        Role::Reader,
        Role::Field,
        Role::Office,
        Role::Owner,
    ];

    /// The code in the database, on the command line and in rosters.
    pub fn code(self) -> &'static str {
        match self {
            Role::Relative => "relative",
            Role::Commissioner => "commissioner",
            Role::Reader => "reader",
            Role::Field => "field",
            Role::Office => "office",
            Role::Owner => "owner",
        }
    }

    /// The role of this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.code() == code)
    }

    /// Whether this role allows the action.
    pub fn may(self, action: Action) -> bool {
        use Action::{AccessLog, Erase, Export, Hold, Manage, Move, Read, Review, Shared, Write};
        let allowed: &[Action] = match self {
            Role::Relative | Role::Commissioner => &[Shared],
            Role::Reader => &[Shared, Read],
            Role::Field => &[Shared, Read, Write],
            Role::Office => &[Shared, Read, Write, Review, Export, Hold, Move],
            Role::Owner => &[
                Shared, Read, Write, Review, Export, Manage, AccessLog, Hold, Move, Erase,
            ],
        };
        allowed.contains(&action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_reads_and_does_nothing_else() {
        assert!(Role::Reader.may(Action::Read));
        for action in Action::ALL.into_iter().skip(2) {
            assert!(!Role::Reader.may(action), "{action:?}");
        }
    }

    #[test]
    fn relatives_and_commissioners_see_what_is_shared_and_nothing_else() {
        for role in [Role::Relative, Role::Commissioner] {
            assert!(role.may(Action::Shared));
            for action in Action::ALL.into_iter().skip(1) {
                assert!(!role.may(action), "{role:?} {action:?}");
            }
        }
    }

    #[test]
    fn a_stronger_role_may_all_that_a_weaker_one_may() {
        for pair in Role::ALL.windows(2) {
            for action in Action::ALL {
                assert!(
                    !pair[0].may(action) || pair[1].may(action),
                    "{pair:?} {action:?}"
                );
            }
        }
    }

    #[test]
    fn codes_go_there_and_back() {
        for role in Role::ALL {
            assert_eq!(Role::from_code(role.code()), Some(role));
        }
        assert_eq!(Role::from_code("admin"), None);
    }
}
