//! `sopu init`.

use std::io::Write;

use clap::Args;

use super::{CliError, Desk, Settings, members, name};
use crate::access::people::{self, NewMember, What};

#[derive(Debug, Args)]
pub(super) struct Init {
    /// Name of the organisation
    #[arg(long, value_parser = name)]
    org: String,
    /// Its business id (Y-tunnus), like 0996167-6
    #[arg(long)]
    business_id: Option<String>,
    /// Name of its first owner, as others see it
    #[arg(long, value_parser = name)]
    owner: String,
    /// The owner's user name for the office pages; prints a new password unless one is given
    #[arg(long, value_parser = name)]
    login: String,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
    /// Everybody who signs in with a password needs a second step
    #[arg(long)]
    require_second_factor: bool,
}

impl Init {
    pub(super) fn run(&self, settings: &Settings, out: &mut dyn Write) -> Result<(), CliError> {
        let desk = Desk::open(settings, true)?;
        if !people::list(&desk.db, What::Organisation)?.is_empty() {
            return Err(CliError::Usage(
                "this data folder has an organisation already; add people with `sopu member add`"
                    .to_owned(),
            ));
        }
        let password = members::given_password(&desk, self.password_stdin)?;
        let (db, env) = (&desk.db, &desk.env);
        let tx = db.unchecked_transaction()?;
        let org = people::add_org(db, env, &self.org, self.business_id.as_deref())?;
        people::require_second_factor(db, org, self.require_second_factor)?;
        let owner = NewMember {
            org,
            name: &self.owner,
            login: Some(&self.login),
            password: Some(&password),
            admin: true,
        };
        people::add_member(db, env, &owner)?;
        desk.log("init")?;
        tx.commit()?;
        writeln!(
            out,
            "{} begins here, with {} as its owner.\nUser name: {}",
            self.org, self.owner, self.login
        )?;
        if !self.password_stdin {
            writeln!(
                out,
                "Password:  {password}\nThe password is shown only now."
            )?;
        }
        writeln!(
            out,
            "Next: sopu space add NAME, sopu space grant NAME --member {} --role owner, sopu serve",
            self.login
        )?;
        Ok(())
    }
}
