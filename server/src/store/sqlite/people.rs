//! Devices, people and spaces in SQLite, as far as the relay reads them; the office writes them.

use rusqlite::types::ValueRef;
use rusqlite::{Row, ToSql};
use serde_json::{Map, Value};
use sopu_core::envelope::Epoch;
use sopu_core::id::{DeviceId, MemberId, OrgId, SpaceId};
use sopu_core::wire::{About, RosterRow};

use super::{SqliteStore, fixed, fixed_or_null, id_at, limit};
use crate::access::standing::Grant;
use crate::access::{self, Action, Role};
use crate::store::remembered::{self, Remembered};
use crate::store::{DeviceRow, InviteRow, NewDevice, People, Result, SpaceRow, StoreError};

const DEVICE: &str = "SELECT d.id, d.member, d.key, d.instance, d.office, d.last_seen_ms, d.revoked_ms, \
     d.cloned_ms, m.disabled_ms, o.lease_days FROM device d JOIN member m ON m.id = d.member \
     JOIN organisation o ON o.id = m.org";

fn device_row(row: &Row<'_>) -> Result<DeviceRow> {
    Ok(DeviceRow {
        id: id_at!(DeviceId, row, 0),
        member: id_at!(MemberId, row, 1),
        key: fixed(row, 2)?,
        instance: fixed_or_null(row, 3)?,
        office: row.get(4)?,
        last_seen_ms: row.get(5)?,
        revoked_ms: row.get(6)?,
        cloned_ms: row.get(7)?,
        member_disabled_ms: row.get(8)?,
        lease_days: row.get(9)?,
    })
}

/// A column's value as the ledger would tell it.
fn told(row: &Row<'_>, column: usize) -> Result<Value> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Blob(bytes) => data_encoding::HEXUPPER.encode(bytes).into(),
    })
}

impl People for SqliteStore {
    fn device_by_token(&mut self, token_hash: &[u8; 32]) -> Result<Option<DeviceRow>> {
        self.one(
            &format!("{DEVICE} WHERE d.token_hash = ?"),
            &[token_hash],
            device_row,
        )
    }

    fn device(&mut self, id: DeviceId) -> Result<Option<DeviceRow>> {
        self.one(
            &format!("{DEVICE} WHERE d.id = ?"),
            &[id.as_bytes()],
            device_row,
        )
    }

    fn is_key_of_another(&mut self, key: &[u8; 32], member: MemberId) -> Result<bool> {
        let count = self.count(
            "SELECT count(*) FROM device WHERE key = ? AND member <> ?",
            &[key, member.as_bytes()],
        )?;
        Ok(count > 0)
    }

    fn insert_device(&mut self, device: &NewDevice) -> Result<()> {
        self.run(
            "INSERT INTO device(id, member, key, token_hash, name, instance, office, enrolled_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                device.id.as_bytes(),
                device.member.as_bytes(),
                &device.key,
                &device.token_hash,
                &device.name,
                &device.instance,
                &device.office,
                &device.enrolled_ms,
            ],
        )?;
        Ok(())
    }

    fn touch_device(&mut self, id: DeviceId, now_ms: i64, offset_ms: i64) -> Result<()> {
        self.run(
            "UPDATE device SET last_seen_ms = ?, offset_ms = ? WHERE id = ?",
            &[&now_ms, &offset_ms, id.as_bytes()],
        )?;
        Ok(())
    }

    fn set_instance(&mut self, id: DeviceId, instance: &[u8; 16], now_ms: i64) -> Result<()> {
        self.run(
            "INSERT OR IGNORE INTO device_instance(device, instance, retired_ms)
             SELECT id, instance, ? FROM device WHERE id = ? AND instance IS NOT NULL",
            &[&now_ms, id.as_bytes()],
        )?;
        self.run(
            "UPDATE device SET instance = ? WHERE id = ?",
            &[instance, id.as_bytes()],
        )?;
        Ok(())
    }

    fn was_instance(&mut self, id: DeviceId, instance: &[u8; 16]) -> Result<bool> {
        let count = self.count(
            "SELECT count(*) FROM device_instance WHERE device = ? AND instance = ?",
            &[id.as_bytes(), instance],
        )?;
        Ok(count > 0)
    }

    fn other_self_waits(&mut self, id: DeviceId, instance: &[u8; 16]) -> Result<bool> {
        let count = self.count(
            "SELECT EXISTS (SELECT 1 FROM device me JOIN device self ON self.key = me.key
             JOIN envelope e ON e.device = self.id AND e.state = 'waiting'
             WHERE me.id = ?1 AND (self.id <> me.id OR e.instance IS NOT ?2)
               AND ((SELECT count(*) FROM device WHERE key = me.key) > 1
                 OR EXISTS (SELECT 1 FROM device_instance WHERE device = me.id)))",
            &[id.as_bytes(), instance],
        )?;
        Ok(count > 0)
    }

    fn set_cloned(&mut self, id: DeviceId, now_ms: i64) -> Result<()> {
        self.run(
            "UPDATE device SET cloned_ms = ? WHERE id = ? AND cloned_ms IS NULL",
            &[&now_ms, id.as_bytes()],
        )?;
        Ok(())
    }

    fn set_revoked(&mut self, id: DeviceId, now_ms: i64) -> Result<()> {
        self.run(
            "UPDATE device SET revoked_ms = ? WHERE id = ? AND revoked_ms IS NULL",
            &[&now_ms, id.as_bytes()],
        )?;
        Ok(())
    }

    fn set_wiped(&mut self, id: DeviceId, now_ms: i64) -> Result<()> {
        self.run(
            "UPDATE device SET wiped_ms = ? WHERE id = ?",
            &[&now_ms, id.as_bytes()],
        )?;
        Ok(())
    }

    fn grants(&mut self, member: MemberId, space: SpaceId) -> Result<Vec<Grant>> {
        self.ran();
        Ok(access::grants(&self.connection, member, space)?)
    }

    fn set_about(&mut self, id: DeviceId, about: &About, now_ms: i64) -> Result<()> {
        // It comes from outside, and people read it.
        let app = about.app.chars().filter(|c| !c.is_control()).take(80);
        let app: String = app.collect();
        self.run(
            "UPDATE device SET app = ?, unsent = ?, held = ?, stuck = ?, told_ms = ? WHERE id = ?",
            &[
                &app,
                &about.unsent,
                &about.held,
                &about.stuck,
                &now_ms,
                id.as_bytes(),
            ],
        )?;
        Ok(())
    }

    fn spaces_of(&mut self, member: MemberId, at_ms: i64) -> Result<Vec<(SpaceId, Role)>> {
        self.ran();
        let mut spaces = access::spaces_of(&self.connection, member, at_ms)?;
        spaces.retain(|(_, role)| role.may(Action::Read));
        Ok(spaces)
    }

    fn space(&mut self, space: SpaceId, now_ms: i64) -> Result<Option<SpaceRow>> {
        let named = self.one(
            "SELECT org, name FROM space WHERE id = ?",
            &[space.as_bytes()],
            |row| Ok((id_at!(OrgId, row, 0), row.get(1)?)),
        )?;
        let Some((org, name)) = named else {
            return Ok(None);
        };
        self.ran();
        let roster = access::roster_number(&self.connection, space, now_ms)?;
        Ok(Some(SpaceRow { org, name, roster }))
    }

    fn roster(&mut self, space: SpaceId, at_ms: i64) -> Result<Vec<RosterRow>> {
        Ok(access::roster(&self.connection, space, at_ms)?)
    }

    fn invite(&mut self, code_hash: &[u8; 32]) -> Result<Option<InviteRow>> {
        self.one(
            "SELECT i.member, m.name, o.id, o.name, i.expires_ms, i.used_ms, i.used_device
             FROM invite i JOIN member m ON m.id = i.member JOIN organisation o ON o.id = m.org
             WHERE i.code_hash = ? AND m.disabled_ms IS NULL",
            &[code_hash],
            |row| {
                Ok(InviteRow {
                    member: id_at!(MemberId, row, 0),
                    member_name: row.get(1)?,
                    org: id_at!(OrgId, row, 2),
                    org_name: row.get(3)?,
                    expires_ms: row.get(4)?,
                    used_ms: row.get(5)?,
                    used_by: row
                        .get::<_, Option<[u8; 16]>>(6)?
                        .map(|id| DeviceId(uuid::Uuid::from_bytes(id))),
                })
            },
        )
    }

    fn use_invite(&mut self, code_hash: &[u8; 32], device: DeviceId, now_ms: i64) -> Result<()> {
        self.run(
            "UPDATE invite SET used_ms = ?, used_device = ? WHERE code_hash = ?",
            &[&now_ms, device.as_bytes(), code_hash],
        )?;
        Ok(())
    }

    fn office_identity(&mut self, member: MemberId) -> Result<Option<(DeviceId, Epoch)>> {
        self.one(
            "SELECT device, epoch FROM office_identity WHERE member = ?",
            &[member.as_bytes()],
            |row| Ok((id_at!(DeviceId, row, 0), fixed(row, 1)?)),
        )
    }

    fn put_office_identity(
        &mut self,
        member: MemberId,
        device: DeviceId,
        epoch: &Epoch,
    ) -> Result<()> {
        self.run(
            "INSERT OR REPLACE INTO office_identity(member, device, epoch) VALUES (?, ?, ?)",
            &[member.as_bytes(), device.as_bytes(), epoch],
        )?;
        Ok(())
    }

    fn members(&mut self) -> Result<Vec<MemberId>> {
        self.all("SELECT id FROM member", &[], |row| {
            Ok(id_at!(MemberId, row, 0))
        })
    }

    fn office_identities(&mut self) -> Result<Vec<(MemberId, DeviceId)>> {
        self.all("SELECT member, device FROM office_identity", &[], |row| {
            Ok((id_at!(MemberId, row, 0), id_at!(DeviceId, row, 1)))
        })
    }

    fn ledger_news(&mut self, most: usize) -> Result<Vec<(i64, String)>> {
        self.all(
            "SELECT number, body FROM ledger_news ORDER BY number LIMIT ?",
            &[&limit(most)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    fn add_ledger_news(&mut self, body: &str) -> Result<()> {
        self.run("INSERT INTO ledger_news(body) VALUES (?)", &[&body])?;
        Ok(())
    }

    fn retell(&mut self) -> Result<()> {
        // Rows that are written again, be it as they are, would be news to devices, too: all of them would
        // fetch the people of all their spaces.
        for table in &remembered::ALL {
            for mut row in self.remembered(table)? {
                row.insert("table".to_owned(), table.table.into());
                self.add_ledger_news(&Value::Object(row).to_string())?;
            }
        }
        Ok(())
    }

    fn remembered(&mut self, table: &Remembered) -> Result<Vec<Map<String, Value>>> {
        let sql = format!("SELECT {} FROM {}", table.columns.join(", "), table.table);
        self.all(&sql, &[], |row| {
            let columns = table.columns.iter().enumerate();
            let value = |(at, column): (usize, &&str)| Ok(((*column).to_owned(), told(row, at)?));
            columns.map(value).collect()
        })
    }

    fn drop_ledger_news(&mut self, up_to: i64) -> Result<()> {
        self.run("DELETE FROM ledger_news WHERE number <= ?", &[&up_to])?;
        Ok(())
    }

    fn recall(&mut self, news: &Value) -> Result<()> {
        let table = news
            .get("table")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let Some(Remembered {
            columns,
            keys,
            blobs,
            ..
        }) = Remembered::of(table)
        else {
            return Err(StoreError::Corrupt("a ledger line about an unknown table"));
        };
        // An older line says less, and nothing about what it does not say.
        let columns: Vec<&str> = columns
            .iter()
            .copied()
            .filter(|column| news.get(*column).is_some())
            .collect();
        let mut values: Vec<Box<dyn ToSql>> = Vec::new();
        for column in &columns {
            let value = news.get(*column).unwrap_or(&Value::Null);
            values.push(match value {
                Value::String(text) if blobs.contains(column) => Box::new(
                    data_encoding::HEXUPPER
                        .decode(text.as_bytes())
                        .map_err(|_| StoreError::Corrupt("a ledger line's bytes"))?,
                ),
                Value::String(text) => Box::new(text.clone()),
                Value::Number(number) => Box::new(number.as_i64()),
                Value::Bool(flag) => Box::new(*flag),
                Value::Null | Value::Array(_) | Value::Object(_) => Box::new(rusqlite::types::Null),
            });
        }
        let updates: Vec<String> = columns
            .iter()
            .filter(|column| !keys.contains(column))
            .map(|column| format!("{column} = excluded.{column}"))
            .collect();
        // `created_ms` exists where the ledger does not carry it; when is then not known.
        let extra = matches!(table, "organisation" | "member" | "space");
        let sql = format!(
            "INSERT INTO {table}({}{}) VALUES ({}{}) ON CONFLICT({}) DO UPDATE SET {}",
            columns.join(", "),
            if extra { ", created_ms" } else { "" },
            vec!["?"; columns.len()].join(", "),
            if extra { ", 0" } else { "" },
            keys.join(", "),
            updates.join(", "),
        );
        let params: Vec<&dyn ToSql> = values.iter().map(|v| &**v).collect();
        self.run(&sql, &params)?;
        Ok(())
    }
}
