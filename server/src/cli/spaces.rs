//! `sopu space`.

use std::io::Write;

use clap::{Args, Subcommand, ValueEnum};
use sopu_core::id::{MemberId, SpaceId};

use super::window::WindowArgs;
use super::{CliError, Desk, name, write_list};
use crate::access::people::{self, Party, What};
use crate::access::{Role, standing};

#[derive(Debug, Subcommand)]
pub(super) enum Space {
    /// Add a space
    Add {
        /// Its name
        #[arg(value_parser = name)]
        name: String,
        /// Its organisation; needed when there are several
        #[arg(long)]
        org: Option<String>,
    },
    /// List spaces
    List,
    /// Give a space another name
    Rename {
        /// Name or id
        space: String,
        /// The new name
        #[arg(value_parser = name)]
        name: String,
    },
    /// Let a person or team in, for good or for a time
    Grant {
        /// Name or id of the space
        space: String,
        #[command(flatten)]
        party: PartyArgs,
        /// As what
        #[arg(long)]
        role: RoleArg,
        #[command(flatten)]
        window: WindowArgs,
    },
    /// Take a person or team out
    Revoke {
        /// Name or id of the space
        space: String,
        #[command(flatten)]
        party: PartyArgs,
    },
    /// List who is in a space now
    Members {
        /// Name or id of the space
        space: String,
    },
}

/// One person or one team.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct PartyArgs {
    /// Name, user name or id of a person
    #[arg(long)]
    member: Option<String>,
    /// Name or id of a team
    #[arg(long)]
    team: Option<String>,
}

impl PartyArgs {
    fn find(&self, desk: &Desk) -> Result<(Party, &str), CliError> {
        match (&self.member, &self.team) {
            (Some(member), _) => Ok((
                Party::Member(MemberId(people::find(&desk.db, What::Member, member)?)),
                member,
            )),
            (None, Some(team)) => {
                Ok((Party::Team(people::find(&desk.db, What::Team, team)?), team))
            }
            (None, None) => Err(CliError::Usage("name a --member or a --team".to_owned())),
        }
    }
}

/// The roles, as typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum RoleArg {
    /// Reads, writes, decides, and says who belongs
    Owner,
    /// Reads, writes, decides, exports
    Office,
    /// Reads and writes
    Field,
    /// Reads
    Reader,
    /// Sees the visit notes that are shared with relatives; does not sync
    Relative,
    /// Sees services and hours of the contracts they are a party of; does not sync
    Commissioner,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Owner => Role::Owner,
            RoleArg::Office => Role::Office,
            RoleArg::Field => Role::Field,
            RoleArg::Reader => Role::Reader,
            RoleArg::Relative => Role::Relative,
            RoleArg::Commissioner => Role::Commissioner,
        }
    }
}

impl Space {
    pub(super) fn run(&self, desk: &mut Desk, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Space::Add { name, org } => {
                let org = people::find_org(&desk.db, org.as_deref())?;
                let id = people::add_space(&desk.db, &desk.env, org, name)?;
                desk.log("space add")?;
                writeln!(out, "Added space {name} ({id}).")?;
            }
            Space::List => {
                let lines = people::list(&desk.db, What::Space)?;
                write_list(out, &lines, "No spaces yet. Add one: sopu space add NAME")?;
            }
            Space::Rename { space, name } => {
                let id = SpaceId(people::find(&desk.db, What::Space, space)?);
                people::rename_space(&desk.db, id, name)?;
                desk.log("space rename")?;
                writeln!(out, "{space} is now called {name}.")?;
            }
            Space::Grant {
                space,
                party,
                role,
                window,
            } => {
                let id = SpaceId(people::find(&desk.db, What::Space, space)?);
                let (to, name) = party.find(desk)?;
                let (role, now) = (Role::from(*role), desk.now());
                people::grant(&mut desk.db, id, to, role, window.window(now)?, now)?;
                desk.log("space grant")?;
                writeln!(out, "{name} is in {space} as {}.", role.code())?;
            }
            Space::Revoke { space, party } => {
                let id = SpaceId(people::find(&desk.db, What::Space, space)?);
                let (from, name) = party.find(desk)?;
                let was = people::revoke(&desk.db, id, from, desk.now())?;
                desk.log("space revoke")?;
                writeln!(
                    out,
                    "{name} {} {space}.",
                    if was { "is out of" } else { "was not in" }
                )?;
            }
            Space::Members { space } => {
                let id = SpaceId(people::find(&desk.db, What::Space, space)?);
                let mut lines = Vec::new();
                for (member, name, _) in people::list(&desk.db, What::Member)? {
                    if let Some(role) = standing(&desk.db, MemberId(member), id, desk.now())?.role()
                    {
                        lines.push((member, name, role.code().to_owned()));
                    }
                }
                write_list(out, &lines, "Nobody is in this space now.")?;
            }
        }
        Ok(())
    }
}
