//! `sopu substitute`.

use std::io::Write;

use clap::Args;
use sopu_core::id::{MemberId, SpaceId};

use super::window::WindowArgs;
use super::{CliError, Desk, name};
use crate::access::people::{self, What, Window};
use crate::access::substitutes::{self, Substitution};

#[derive(Debug, Args)]
pub(super) struct Substitute {
    /// Name, user name or id of who stands in
    member: String,
    /// Name or id of a space; once for each
    #[arg(long, required = true)]
    space: Vec<String>,
    #[command(flatten)]
    window: WindowArgs,
    /// Why, for the access log
    #[arg(long, value_parser = name)]
    reason: String,
}

impl Substitute {
    pub(super) fn run(&self, desk: &mut Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let member = MemberId(people::find(&desk.db, What::Member, &self.member)?);
        let mut spaces = Vec::new();
        for space in &self.space {
            let id = SpaceId(people::find(&desk.db, What::Space, space)?);
            if !spaces.contains(&id) {
                spaces.push(id);
            }
        }
        let now_ms = desk.now();
        let window = self.window.window(now_ms)?;
        let until_ms = window
            .until_ms
            .or(Some(window.from_ms + substitutes::LENGTH_MS));
        let given = Substitution {
            member,
            spaces: &spaces,
            window: Window { until_ms, ..window },
            by: None,
            reason: &self.reason,
        };
        substitutes::grant(&mut desk.db, &given, now_ms)?;
        let until = until_ms.map(crate::civil::typed).unwrap_or_default();
        let count = spaces.len();
        writeln!(
            out,
            "{} stands in in {count} spaces until {until}.",
            self.member
        )?;
        Ok(())
    }
}
