//! The tables whose rows the ledger remembers as they became: triggers tell it of each (`access_triggers.sql`,
//! `remembered.sql`, `holds_told.sql`).

/// One of them. These names are the only ones that become part of SQL; the ledger's words never do.
#[derive(Clone, Copy, Debug)]
pub struct Remembered {
    /// Its name.
    pub table: &'static str,
    /// What the ledger says of a row.
    pub columns: &'static [&'static str],
    /// Those that say which row.
    pub keys: &'static [&'static str],
    /// Those that are bytes: upper-case hex in the ledger.
    pub blobs: &'static [&'static str],
}

/// All of them, each after those it refers to.
pub const ALL: [Remembered; 10] = [
    Remembered {
        table: "organisation",
        columns: &["id", "name"],
        keys: &["id"],
        blobs: &["id"],
    },
    Remembered {
        table: "member",
        columns: &["id", "org", "name", "disabled_ms", "admin"],
        keys: &["id"],
        blobs: &["id", "org"],
    },
    Remembered {
        table: "team",
        columns: &["id", "org", "name"],
        keys: &["id"],
        blobs: &["id", "org"],
    },
    Remembered {
        table: "space",
        columns: &["id", "org", "name"],
        keys: &["id"],
        blobs: &["id", "org"],
    },
    Remembered {
        table: "team_member",
        columns: &["team", "member", "from_ms", "until_ms", "removed_ms"],
        keys: &["team", "member", "from_ms"],
        blobs: &["team", "member"],
    },
    Remembered {
        table: "space_member",
        columns: &[
            "space",
            "member",
            "role",
            "from_ms",
            "until_ms",
            "removed_ms",
        ],
        keys: &["space", "member", "from_ms"],
        blobs: &["space", "member"],
    },
    Remembered {
        table: "space_team",
        columns: &["space", "team", "role", "from_ms", "until_ms", "removed_ms"],
        keys: &["space", "team", "from_ms"],
        blobs: &["space", "team"],
    },
    Remembered {
        table: "device",
        columns: &[
            "id",
            "member",
            "key",
            "token_hash",
            "name",
            "instance",
            "office",
            "enrolled_ms",
            "revoked_ms",
            "cloned_ms",
        ],
        keys: &["id"],
        blobs: &["id", "member", "key", "token_hash", "instance"],
    },
    Remembered {
        table: "invite",
        columns: &[
            "code_hash",
            "member",
            "created_by",
            "created_ms",
            "expires_ms",
            "used_ms",
            "used_device",
        ],
        keys: &["code_hash"],
        blobs: &["code_hash", "member", "created_by", "used_device"],
    },
    Remembered {
        table: "held_client",
        columns: &["space", "subject", "held"],
        keys: &["space", "subject"],
        blobs: &["space"],
    },
];

impl Remembered {
    /// The table of this name, if the ledger remembers it.
    pub fn of(table: &str) -> Option<&'static Self> {
        ALL.iter().find(|known| known.table == table)
    }
}
