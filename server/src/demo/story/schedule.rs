//! Whose visit is when: every carer goes from client to client, one at a time.

use jiff::civil::Date;

use crate::demo::cast::{CARERS, Client};
use crate::demo::phone_clock::moment;

/// How long a visit lasts, minutes.
pub const MINUTES: i64 = 35;

/// When the carer of this client comes on this day, true time in milliseconds.
pub fn start_ms(day: Date, client: &Client) -> i64 {
    let turn = i64::try_from(client.number / CARERS.len()).unwrap_or(0);
    moment(day, 7, 5) + turn * 50 * 60_000
}

/// How many of the day's visits each carer has made when the story stops; the others are still
/// to come.
pub fn made(carer: &str) -> usize {
    // Petri goes home at noon.
    if carer == "Petri" { 3 } else { 6 }
}
