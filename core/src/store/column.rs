//! How ids and kinds become columns, and back.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::documents::Kind;
use crate::id::{DeviceId, DocId, EnvelopeId, Hash, MemberId, OrgId, SpaceId, Version};

macro_rules! bytes_column {
    ($($name:ident),*) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.as_bytes())))
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                $name::from_slice(value.as_blob()?).ok_or(FromSqlError::InvalidType)
            }
        }
    )*};
}

bytes_column!(DeviceId, DocId, EnvelopeId, Hash, MemberId, OrgId, SpaceId);

impl ToSql for Version {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.to_bytes().into())
    }
}

impl FromSql for Version {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Version::from_bytes(value.as_blob()?).ok_or(FromSqlError::InvalidType)
    }
}

impl ToSql for Kind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::from(self.number()).into())
    }
}
