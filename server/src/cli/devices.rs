//! `sopu invite` and `sopu device`.

use std::io::Write;

use clap::Subcommand;
use fast_qr::qr::QRBuilder;
use sopu_core::id::{DeviceId, MemberId};
use sopu_core::invitation::Invitation;

use super::{CliError, Desk};
use crate::access::people::{self, What};
use crate::access::{devices, invites};
use crate::words::{Lang, Words};

#[derive(Debug, Subcommand)]
pub(super) enum Invite {
    /// Make a code that enrols one device of this person
    Add {
        /// Name, user name or id
        member: String,
        /// How many hours it holds
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=720))]
        hours: u16,
    },
    /// List codes that can still be used, by their marks
    List,
    /// Take a code back
    Remove {
        /// Its mark, from the list
        mark: String,
    },
}

impl Invite {
    /// `relay` is how people reach the server, if the settings say.
    pub(super) fn run(
        &self,
        desk: &mut Desk,
        relay: Option<String>,
        out: &mut dyn Write,
    ) -> Result<(), CliError> {
        match self {
            Invite::Add { member, hours } => {
                let id = MemberId(people::find(&desk.db, What::Member, member)?);
                let life_ms = i64::from(*hours) * 60 * 60 * 1_000;
                let code = invites::create(&desk.db, &desk.env, id, None, life_ms)?;
                desk.log("invite add")?;
                writeln!(out, "{code}")?;
                if let Some(relay) = relay {
                    let invitation = Invitation { relay, code }.to_string();
                    let drawn = QRBuilder::new(invitation.clone()).build();
                    let drawn = drawn.map(|code| code.to_str()).unwrap_or_default();
                    writeln!(out, "{invitation}\n{drawn}")?;
                }
                writeln!(
                    out,
                    "Enrols one device of {member}, once, within {hours} hours. Shown only now."
                )?;
            }
            Invite::List => {
                let open = invites::open(&desk.db, desk.now())?;
                if open.is_empty() {
                    writeln!(out, "No open invites. Make one: sopu invite add MEMBER")?;
                }
                for invite in open {
                    writeln!(
                        out,
                        "{}  {}  until {}",
                        invite.mark,
                        invite.name,
                        time(invite.expires_ms)
                    )?;
                }
            }
            Invite::Remove { mark } => {
                invites::revoke(&desk.db, mark, desk.now())?;
                desk.log("invite remove")?;
                writeln!(out, "The code no longer holds.")?;
            }
        }
        Ok(())
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Device {
    /// List devices
    List,
    /// Cut a lost device off; at its next contact it hands in unsent work and is wiped
    #[command(visible_alias = "remove")]
    Revoke {
        /// Its id, from the list
        device: DeviceId,
    },
}

impl Device {
    pub(super) fn run(&self, desk: &mut Desk, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Device::List => {
                let list = devices::list(&desk.db)?;
                if list.is_empty() {
                    writeln!(out, "No devices yet. Invite one: sopu invite add MEMBER")?;
                }
                for row in list {
                    let state = match (row.wiped_ms, row.revoked_ms, row.last_seen_ms) {
                        (Some(ms), _, _) => format!("wiped {}", time(ms)),
                        (None, Some(ms), _) => format!("cut off {}, not wiped yet", time(ms)),
                        (None, None, Some(ms)) => format!("last seen {}", time(ms)),
                        (None, None, None) => "never synced".to_owned(),
                    };
                    writeln!(out, "{}  {}, {}  ({state})", row.id, row.member, row.name)?;
                }
            }
            Device::Revoke { device } => {
                devices::revoke(&desk.db, *device, desk.now())?;
                desk.log("device revoke")?;
                writeln!(
                    out,
                    "The device is cut off. It will hand in unsent work and be wiped."
                )?;
            }
        }
        Ok(())
    }
}

fn time(ms: i64) -> String {
    Words::of(Lang::En).instant(ms)
}
