//! The connection of a store. In an encrypted one, a page that does not authenticate spoils the connection
//! that met it: SQLCipher answers everything else on it with the same error, or with pages it still has.
//! What comes after goes on over a new connection, so that the page costs no more than what is on it.

use std::cell::OnceCell;

use rusqlite::Connection;

use super::Result;

/// Opens a database once more.
type Open = dyn Fn() -> Result<Connection> + Send;

/// Connections one after another over a shared borrow; whoever has the store for itself lets go of all but
/// the last.
const MOST: usize = 16;

/// A connection, and those that followed it.
pub(super) struct Sound {
    first: Link,
    again: Option<Box<Open>>,
}

struct Link {
    conn: Connection,
    next: OnceCell<Box<Link>>,
}

impl Link {
    fn new(conn: Connection) -> Self {
        Self {
            conn,
            next: OnceCell::new(),
        }
    }
}

impl Sound {
    /// A connection that nothing spoils.
    pub(super) fn plain(conn: Connection) -> Self {
        Self {
            first: Link::new(conn),
            again: None,
        }
    }

    /// A connection to an encrypted database, which `again` opens once more.
    pub(super) fn encrypted(conn: Connection, again: Box<Open>) -> Self {
        Self {
            first: Link::new(conn),
            again: Some(again),
        }
    }

    /// One that is not spoiled, unless no other can be had.
    pub(super) fn get(&self) -> &Connection {
        let mut link = &self.first;
        let Some(again) = &self.again else {
            return &link.conn;
        };
        for _ in 0..MOST {
            while let Some(next) = link.next.get() {
                link = next;
            }
            if !is_spoiled(&link.conn) {
                break;
            }
            let Ok(fresh) = again() else { break };
            let _ = link.next.set(Box::new(Link::new(fresh)));
        }
        &link.conn
    }

    /// The same for one's own.
    pub(super) fn get_mut(&mut self) -> &mut Connection {
        self.get();
        while let Some(next) = self.first.next.take() {
            // The old one is closed after the new one was opened: never the last, which would write the log.
            self.first = *next;
        }
        &mut self.first.conn
    }
}

/// Whether SQLCipher has met a page it could not authenticate; where it cannot say, no.
fn is_spoiled(conn: &Connection) -> bool {
    let status = conn.query_row("PRAGMA cipher_status", [], |row| row.get::<_, String>(0));
    status.is_ok_and(|status| status == "0")
}
