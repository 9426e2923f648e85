//! Organisations, people, teams and spaces of the demo on the relay. What an earlier run set up is
//! found by its name and left alone.

use std::collections::BTreeMap;

use rusqlite::Connection;
use sopu_core::id::{MemberId, OrgId, SpaceId};
use sopu_core::time::{Env, SystemEnv};
use uuid::Uuid;

use super::cast::{CARERS, Client, FARM_SPACES, FIRMS, Firm, NETWORK, PAPERS, PEOPLE, TEAM};
use super::error::Result;
use super::memory::Memory;
use super::phone_clock::moment;
use crate::access::people::{self, NewMember, Party, What, Window};
use crate::access::{AccessError, Role, invites};
use crate::credentials::mint_token;
use crate::data::Data;
use crate::store::schema;

/// User name of the account for the office pages.
pub const LOGIN: &str = "toimisto";

/// Always.
const FROM_THE_BEGINNING: Window = Window {
    from_ms: 0,
    until_ms: None,
};

/// How long a substitute sees the clients of the day: a day.
const SUBSTITUTION_MS: i64 = 24 * 60 * 60 * 1_000;

/// Who and what there is on the relay, by the names of the demo.
#[derive(Debug)]
pub struct Company {
    data: Data,
    /// Spaces by name.
    pub spaces: BTreeMap<String, SpaceId>,
    /// Members by first name.
    pub members: BTreeMap<&'static str, MemberId>,
    /// Every member's name, for the report.
    pub names: BTreeMap<MemberId, String>,
}

fn open(data: &Data) -> rusqlite::Result<Connection> {
    schema::open_with(&data.database(), data.key())
}

impl Company {
    /// Sets up whatever is missing.
    pub fn set_up(data: &Data, memory: &Memory, clients: &[Client]) -> Result<Self> {
        let mut desk = Desk {
            db: open(data)?,
            company: Self {
                data: data.clone(),
                spaces: BTreeMap::new(),
                members: BTreeMap::new(),
                names: BTreeMap::new(),
            },
        };
        desk.set_up(memory, clients)?;
        Ok(desk.company)
    }

    /// An invite for this person's device.
    pub fn invite(&self, first: &str) -> Result<String> {
        let db = open(&self.data)?;
        let member = self.members[first];
        Ok(invites::create(
            &db,
            &SystemEnv,
            member,
            None,
            invites::LIFE_MS,
        )?)
    }

    /// A new passphrase for the office account: random, told once, kept nowhere.
    pub fn new_passphrase(&self) -> Result<String> {
        let db = open(&self.data)?;
        let random: String = mint_token(&SystemEnv)
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .take(24)
            .collect();
        let parts: Vec<&str> = [0, 6, 12, 18]
            .into_iter()
            .filter_map(|at| random.get(at..(at + 6).min(random.len())))
            .collect();
        let passphrase = parts.join("-");
        let office = people::find(&db, What::Member, LOGIN)?;
        people::set_password(&db, MemberId(office), &passphrase)?;
        Ok(passphrase)
    }
}

/// The company while it is set up.
struct Desk {
    db: Connection,
    company: Company,
}

impl Desk {
    fn set_up(&mut self, memory: &Memory, clients: &[Client]) -> Result<()> {
        let mut orgs: BTreeMap<&str, OrgId> = BTreeMap::new();
        for firm in &FIRMS {
            orgs.insert(firm.key, self.org(firm)?);
        }
        let org = |key: &str| orgs.get(key).copied().unwrap_or(orgs["network"]);
        for person in &PEOPLE {
            let member = self.member(org(person.firm), person.name, None)?;
            self.company.members.insert(person.first, member);
            self.company.names.insert(member, person.name.to_owned());
        }
        let office = self.member(org("network"), "Verkoston toimisto", Some(LOGIN))?;
        self.company
            .names
            .insert(office, "Verkoston toimisto".to_owned());

        let team = self.team(org("care"))?;
        for carer in CARERS {
            people::join_team(
                &self.db,
                team,
                self.company.members[carer],
                FROM_THE_BEGINNING,
            )?;
        }
        let marjatta = Party::Member(self.company.members["Marjatta"]);
        let office = Party::Member(office);
        for client in clients {
            let space = self.space(org("care"), &client.space())?;
            self.grant(space, Party::Team(team), Role::Field)?;
            self.grant(space, marjatta, Role::Owner)?;
            self.grant(space, office, Role::Office)?;
        }
        self.lend_substitute(memory, clients)?;
        let papers = self.space(org("care"), PAPERS)?;
        self.grant(papers, marjatta, Role::Owner)?;
        self.grant(
            papers,
            Party::Member(self.company.members["Jonna"]),
            Role::Office,
        )?;
        self.grant(papers, office, Role::Office)?;
        for name in FARM_SPACES {
            let space = self.space(org("advice"), name)?;
            self.grant(
                space,
                Party::Member(self.company.members["Hanna"]),
                Role::Owner,
            )?;
            self.grant(
                space,
                Party::Member(self.company.members["Jukka"]),
                Role::Field,
            )?;
            self.grant(space, office, Role::Office)?;
        }
        let farm = self.space(org("advice"), FARM_SPACES[0])?;
        self.grant(
            farm,
            Party::Member(self.company.members["Tuomas"]),
            Role::Field,
        )?;
        let network = self.space(org("network"), NETWORK)?;
        self.grant(network, office, Role::Owner)?;
        for writer in ["Marjatta", "Hanna", "Tuomas"] {
            self.grant(
                network,
                Party::Member(self.company.members[writer]),
                Role::Office,
            )?;
        }
        Ok(())
    }

    /// The substitute from the partner firm, for one day and the clients of that day only.
    fn lend_substitute(&mut self, memory: &Memory, clients: &[Client]) -> Result<()> {
        let mikko = Party::Member(self.company.members["Mikko"]);
        let window = Window {
            from_ms: moment(memory.day(), 5, 50) - SUBSTITUTION_MS,
            until_ms: Some(SystemEnv.now_ms() + SUBSTITUTION_MS),
        };
        for client in clients
            .iter()
            .filter(|client| client.carer() == "Aino")
            .take(4)
        {
            let space = self.company.spaces[&client.space()];
            people::grant(
                &mut self.db,
                space,
                mikko,
                Role::Field,
                window,
                SystemEnv.now_ms(),
            )?;
        }
        Ok(())
    }

    fn found(&self, what: What, name: &str) -> Result<Option<Uuid>> {
        match people::find(&self.db, what, name) {
            Ok(id) => Ok(Some(id)),
            Err(AccessError::Unknown { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn org(&self, firm: &Firm) -> Result<OrgId> {
        match self.found(What::Organisation, firm.name)? {
            Some(id) => Ok(OrgId(id)),
            None => Ok(people::add_org(
                &self.db,
                &SystemEnv,
                firm.name,
                Some(&firm.business_id()),
            )?),
        }
    }

    fn member(&self, org: OrgId, name: &str, login: Option<&str>) -> Result<MemberId> {
        if let Some(id) = self.found(What::Member, name)? {
            return Ok(MemberId(id));
        }
        let new = NewMember {
            org,
            name,
            login,
            password: None,
            admin: login.is_some(),
        };
        Ok(people::add_member(&self.db, &SystemEnv, &new)?)
    }

    fn team(&self, org: OrgId) -> Result<Uuid> {
        match self.found(What::Team, TEAM)? {
            Some(id) => Ok(id),
            None => Ok(people::add_team(&self.db, &SystemEnv, org, TEAM)?),
        }
    }

    fn space(&mut self, org: OrgId, name: &str) -> Result<SpaceId> {
        let id = match self.found(What::Space, name)? {
            Some(id) => SpaceId(id),
            None => people::add_space(&self.db, &SystemEnv, org, name)?,
        };
        self.company.spaces.insert(name.to_owned(), id);
        Ok(id)
    }

    fn grant(&mut self, space: SpaceId, to: Party, role: Role) -> Result<()> {
        let now_ms = SystemEnv.now_ms();
        people::grant(&mut self.db, space, to, role, FROM_THE_BEGINNING, now_ms)?;
        Ok(())
    }
}
