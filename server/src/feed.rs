//! The relay's heart: taking envelopes in durably ([`accept`]), giving them their place
//! ([`append`]), and telling each device what it does not have ([`page`]). Nothing here loads a
//! document.

pub mod accept;
pub mod append;
pub mod cursor;
pub mod first_sync;
pub mod known;
pub mod page;
pub mod rights;
pub mod row;
