//! `sopu org`, `sopu member`, `sopu team`.

use std::io::{BufRead, Write};

use clap::Subcommand;
use sopu_core::id::MemberId;

use super::window::WindowArgs;
use super::{CliError, Desk, name, write_list};
use crate::access::people::{self, NewMember, What};
use crate::access::{oidc, password, second_factor, sessions};

#[derive(Debug, Subcommand)]
pub(super) enum Org {
    /// Add an organisation
    Add {
        /// Its name
        #[arg(value_parser = name)]
        name: String,
        /// Its business id (Y-tunnus), like 0996167-6
        #[arg(long)]
        business_id: Option<String>,
    },
    /// List organisations
    List,
    /// Say for how many days a device may be without contact before it shows nothing until it has been
    /// online; 30 unless told otherwise
    Lease {
        /// 1 to 365
        #[arg(value_parser = clap::value_parser!(u16).range(i64::from(*people::LEASE.start())..=i64::from(*people::LEASE.end())))]
        days: u16,
        /// The organisation; needed when there are several
        #[arg(long)]
        org: Option<String>,
    },
    /// Say whether everybody who signs in with a password needs a second step
    SecondFactor {
        /// required or optional
        #[arg(value_parser = ["required", "optional"])]
        rule: String,
        /// The organisation; needed when there are several
        #[arg(long)]
        org: Option<String>,
    },
}

impl Org {
    /// Whether a data folder may be made for it: the first thing there is to add.
    pub(super) fn creates(&self) -> bool {
        matches!(self, Org::Add { .. })
    }

    pub(super) fn run(&self, desk: &mut Desk, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Org::Add { name, business_id } => {
                let id = people::add_org(&desk.db, &desk.env, name, business_id.as_deref())?;
                desk.log("org add")?;
                writeln!(out, "Added organisation {name} ({id}).")?;
            }
            Org::List => {
                let lines = people::list(&desk.db, What::Organisation)?;
                write_list(
                    out,
                    &lines,
                    "No organisations yet. Add one: sopu org add NAME",
                )?;
            }
            Org::Lease { days, org } => {
                let org = people::find_org(&desk.db, org.as_deref())?;
                people::set_lease(&desk.db, org, *days)?;
                desk.log(&format!("org lease {days}"))?;
                writeln!(
                    out,
                    "Devices may be without contact for {days} days; each hears of it when it next syncs."
                )?;
            }
            Org::SecondFactor { rule, org } => {
                let org = people::find_org(&desk.db, org.as_deref())?;
                people::require_second_factor(&desk.db, org, rule == "required")?;
                desk.log("org second-factor")?;
                writeln!(out, "A second step when signing in is {rule} now.")?;
            }
        }
        Ok(())
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Member {
    /// Add a person
    Add {
        /// Their name, as others see it
        #[arg(value_parser = name)]
        name: String,
        /// Their organisation; needed when there are several
        #[arg(long)]
        org: Option<String>,
        /// User name for the office pages; prints a new password unless one is given
        #[arg(long, value_parser = name)]
        login: Option<String>,
        /// Read the password from standard input
        #[arg(long, requires = "login")]
        password_stdin: bool,
        /// May administer the organisation
        #[arg(long)]
        admin: bool,
    },
    /// List people
    List,
    /// Give a person a new password for the office pages and end their sessions
    Password {
        /// Name, user name or id
        member: String,
        /// Read it from standard input rather than make one
        #[arg(long)]
        password_stdin: bool,
    },
    /// Join a person with their organisation's identity provider, for the first time they sign in
    Link {
        /// Name, user name or id
        member: String,
        /// The provider's address, as the settings file has it
        #[arg(long)]
        issuer: String,
        /// The provider's own name for the person (`sub`)
        #[arg(long)]
        subject: String,
    },
    /// Take away a person's second step when signing in: a new phone, and no recovery code left
    ResetSecondFactor {
        /// Name, user name or id
        member: String,
    },
    /// End a person's account; what they wrote stays
    Remove {
        /// Name, user name or id
        member: String,
    },
}

impl Member {
    /// The password this is about, if it is about one. Read before anything is done: nobody else's work
    /// waits for somebody who types.
    pub(super) fn password(&self, desk: &Desk) -> Result<Option<String>, CliError> {
        match self {
            Member::Add {
                login: Some(_),
                password_stdin,
                ..
            }
            | Member::Password { password_stdin, .. } => {
                given_password(desk, *password_stdin).map(Some)
            }
            Member::Add { login: None, .. }
            | Member::List
            | Member::Link { .. }
            | Member::ResetSecondFactor { .. }
            | Member::Remove { .. } => Ok(None),
        }
    }

    pub(super) fn run(
        &self,
        desk: &mut Desk,
        password: Option<String>,
        out: &mut dyn Write,
    ) -> Result<(), CliError> {
        match self {
            Member::Add {
                name,
                org,
                login,
                password_stdin,
                admin,
            } => {
                let org = people::find_org(&desk.db, org.as_deref())?;
                let new = NewMember {
                    org,
                    name,
                    login: login.as_deref(),
                    password: password.as_deref(),
                    admin: *admin,
                };
                let id = people::add_member(&desk.db, &desk.env, &new)?;
                desk.log("member add")?;
                writeln!(out, "Added {name} ({id}).")?;
                if let (Some(login), Some(password), false) = (login, password, password_stdin) {
                    writeln!(out, "User name: {login}\nPassword:  {password}")?;
                    writeln!(out, "The password is shown only now.")?;
                }
            }
            Member::List => {
                let lines = people::list(&desk.db, What::Member)?;
                write_list(out, &lines, "Nobody yet. Add someone: sopu member add NAME")?;
            }
            Member::Password {
                member,
                password_stdin,
            } => {
                let id = MemberId(people::find(&desk.db, What::Member, member)?);
                let password = password.unwrap_or_default();
                people::set_password(&desk.db, id, &password)?;
                desk.log("member password")?;
                if *password_stdin {
                    writeln!(out, "The password was changed.")?;
                } else {
                    writeln!(out, "New password: {password}\nIt is shown only now.")?;
                }
            }
            Member::Link {
                member,
                issuer,
                subject,
            } => {
                let id = MemberId(people::find(&desk.db, What::Member, member)?);
                let org = people::org_of(&desk.db, id)?;
                oidc::link(&desk.db, org, id, issuer, subject, true)?;
                sessions::sign_out_everywhere(&desk.db, id)?;
                desk.log("member link")?;
                writeln!(out, "{member} signs in with {issuer} from now on.")?;
            }
            Member::ResetSecondFactor { member } => {
                let id = MemberId(people::find(&desk.db, What::Member, member)?);
                second_factor::remove(&desk.db, id)?;
                sessions::sign_out_everywhere(&desk.db, id)?;
                desk.log("member reset-second-factor")?;
                writeln!(out, "{member} signs in with the password alone now.")?;
            }
            Member::Remove { member } => {
                let id = MemberId(people::find(&desk.db, What::Member, member)?);
                people::disable_member(&desk.db, id, desk.now())?;
                desk.log("member remove")?;
                writeln!(
                    out,
                    "Ended the account of {member}. Devices are cut off at their next sync."
                )?;
            }
        }
        Ok(())
    }
}

/// A password from standard input, or a fresh one.
pub(super) fn given_password(desk: &Desk, from_stdin: bool) -> Result<String, CliError> {
    if from_stdin {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    Ok(password::mint(&desk.env))
}

#[derive(Debug, Subcommand)]
pub(super) enum Team {
    /// Add a team
    Add {
        /// Its name
        #[arg(value_parser = name)]
        name: String,
        /// Its organisation; needed when there are several
        #[arg(long)]
        org: Option<String>,
    },
    /// List teams
    List,
    /// Put a person into a team
    Join {
        /// Name or id of the team
        team: String,
        /// Name, user name or id of the person
        member: String,
        #[command(flatten)]
        window: WindowArgs,
    },
    /// Take a person out of a team
    Leave {
        /// Name or id of the team
        team: String,
        /// Name, user name or id of the person
        member: String,
    },
}

impl Team {
    pub(super) fn run(&self, desk: &mut Desk, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Team::Add { name, org } => {
                let org = people::find_org(&desk.db, org.as_deref())?;
                let id = people::add_team(&desk.db, &desk.env, org, name)?;
                desk.log("team add")?;
                writeln!(out, "Added team {name} ({id}).")?;
            }
            Team::List => {
                let lines = people::list(&desk.db, What::Team)?;
                write_list(out, &lines, "No teams yet. Add one: sopu team add NAME")?;
            }
            Team::Join {
                team,
                member,
                window,
            } => {
                let team_id = people::find(&desk.db, What::Team, team)?;
                let id = MemberId(people::find(&desk.db, What::Member, member)?);
                people::join_team(&desk.db, team_id, id, window.window(desk.now())?)?;
                desk.log("team join")?;
                writeln!(out, "{member} is in {team}.")?;
            }
            Team::Leave { team, member } => {
                let team_id = people::find(&desk.db, What::Team, team)?;
                let id = MemberId(people::find(&desk.db, What::Member, member)?);
                let was = people::leave_team(&desk.db, team_id, id, desk.now())?;
                desk.log("team leave")?;
                writeln!(
                    out,
                    "{member} {} {team}.",
                    if was { "left" } else { "was not in" }
                )?;
            }
        }
        Ok(())
    }
}
