//! How the typed structs of the kinds read and write the JSON form.
//!
//! [`record!`] declares a struct whose absent parts are not written and whose every field is read
//! by itself: a value of the wrong type costs that field, never the document. [`Items`] is a map
//! or log of them under UUIDs, [`Header`] the part every kind shares.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Declares a struct of the JSON form. `: Header` after the name gives it the common header.
macro_rules! record {
    ($(#[doc = $doc:literal])* pub struct $name:ident : Header {
        $($(#[doc = $fdoc:literal])* $(#[serde(rename = $rename:literal)])?
        pub $field:ident : $ty:ty,)*
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $name {
            /// What every document carries.
            #[serde(flatten)]
            pub header: $crate::documents::record::Header,
            $($(#[doc = $fdoc])*
            #[serde(
                $(rename = $rename,)?
                skip_serializing_if = "crate::documents::record::Absent::is_absent",
                deserialize_with = "crate::documents::record::lenient"
            )]
            pub $field: $ty,)*
        }

        impl $name {
            /// The struct's own fields by name, in order.
            pub const FIELDS: &[&str] = &[$(stringify!($field)),*];
        }

        record!(@shape $name [$crate::documents::record::Header::shape_fields()]
            ($($doc)*) $(($($fdoc)*) ($($rename)?) $field : $ty,)*);
    };
    ($(#[doc = $doc:literal])* pub struct $name:ident {
        $($(#[doc = $fdoc:literal])* $(#[serde(rename = $rename:literal)])?
        pub $field:ident : $ty:ty,)*
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $name {
            $($(#[doc = $fdoc])*
            #[serde(
                $(rename = $rename,)?
                skip_serializing_if = "crate::documents::record::Absent::is_absent",
                deserialize_with = "crate::documents::record::lenient"
            )]
            pub $field: $ty,)*
        }

        impl $crate::documents::record::Absent for $name {
            fn is_absent(&self) -> bool {
                $($crate::documents::record::Absent::is_absent(&self.$field))&&*
            }
        }

        record!(@shape $name [Vec::new()]
            ($($doc)*) $(($($fdoc)*) ($($rename)?) $field : $ty,)*);
    };
    (@shape $name:ident [$first:expr] ($($doc:literal)*)
        $(($($fdoc:literal)*) ($($rename:literal)?) $field:ident : $ty:ty,)*) => {
        impl $name {
            pub(crate) fn shape_fields() -> Vec<$crate::documents::shape::ShapeField> {
                let mut fields: Vec<$crate::documents::shape::ShapeField> = $first;
                fields.extend([$($crate::documents::shape::ShapeField {
                    name: $crate::documents::shape::field_name(stringify!($field)),
                    json: [$($rename,)? $crate::documents::shape::field_name(stringify!($field))][0],
                    doc: concat!($($fdoc, "\n",)*),
                    shape: <$ty as $crate::documents::shape::Shaped>::shape(),
                }),*]);
                fields
            }
        }

        impl $crate::documents::shape::Shaped for $name {
            fn shape() -> $crate::documents::shape::Shape {
                $crate::documents::shape::Shape::Record($crate::documents::shape::RecordShape {
                    name: stringify!($name),
                    module: module_path!(),
                    doc: concat!($($doc, "\n",)*),
                    fields: Self::shape_fields(),
                })
            }
        }
    };
}

/// Values that are left out of the JSON form instead of being written empty.
pub trait Absent {
    /// Nothing is there.
    fn is_absent(&self) -> bool;
}

impl<T> Absent for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl Absent for String {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T> Absent for Vec<T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Absent for BTreeSet<String> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T> Absent for Items<T> {
    fn is_absent(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reads what is there if it is of this type; anything else reads as absent.
pub fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).unwrap_or_default())
}

/// Items of a map or entries of a log, by their version 7 UUID and so roughly by age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Items<T>(pub BTreeMap<Uuid, T>);

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Deref for Items<T> {
    type Target = BTreeMap<Uuid, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T> DerefMut for Items<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<T> FromIterator<(Uuid, T)> for Items<T> {
    fn from_iter<I: IntoIterator<Item = (Uuid, T)>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<'a, T> IntoIterator for &'a Items<T> {
    type Item = (&'a Uuid, &'a T);
    type IntoIter = std::collections::btree_map::Iter<'a, Uuid, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = BTreeMap::<String, Value>::deserialize(deserializer)?;
        let readable = |(key, value): (String, Value)| {
            Some((
                Uuid::parse_str(&key).ok()?,
                serde_json::from_value(value).ok()?,
            ))
        };
        Ok(Self(raw.into_iter().filter_map(readable).collect()))
    }
}

/// One value for each language a document is written in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    default,
    bound(
        serialize = "T: Absent + Serialize",
        deserialize = "T: Default + DeserializeOwned"
    )
)]
pub struct Localized<T> {
    /// Finnish.
    #[serde(
        skip_serializing_if = "Absent::is_absent",
        deserialize_with = "lenient"
    )]
    pub fi: T,
    /// Swedish.
    #[serde(
        skip_serializing_if = "Absent::is_absent",
        deserialize_with = "lenient"
    )]
    pub sv: T,
    /// English.
    #[serde(
        skip_serializing_if = "Absent::is_absent",
        deserialize_with = "lenient"
    )]
    pub en: T,
}

impl<T> Localized<T> {
    /// Each language's code and value, in the order readers expect.
    pub fn each(&self) -> [(&'static str, &T); 3] {
        [("fi", &self.fi), ("sv", &self.sv), ("en", &self.en)]
    }
}

impl<T: Absent> Absent for Localized<T> {
    fn is_absent(&self) -> bool {
        self.each().iter().all(|(_, value)| value.is_absent())
    }
}

record! {
    /// What every document carries, whatever its kind; the fields of [`super::COMMON`].
    pub struct Header {
        /// Version of the kind's field table the document was made under.
        pub schema_version: Option<i64>,
        /// When it was made, device clock, milliseconds since 1970 UTC.
        pub created_at: Option<i64>,
        /// The member who made it.
        pub created_by: Option<Uuid>,
        /// The device it was made on.
        pub created_on: Option<Uuid>,
        /// `public` < `internal` < `confidential` < `client`.
        pub sensitivity: Option<String>,
        /// Must not be erased while true.
        pub legal_hold: Option<bool>,
        /// Free words.
        pub tags: BTreeSet<String>,
        /// Remarks about the document, never part of it.
        pub comments: Items<Comment>,
    }
}

record! {
    /// One remark.
    pub struct Comment {
        /// What was said.
        pub text: Option<String>,
        /// Who said it.
        pub by: Option<Uuid>,
        /// When, milliseconds since 1970 UTC.
        pub at: Option<i64>,
    }
}

/// For tests of the kinds: a value in which every field of a table is filled.
#[cfg(test)]
pub(crate) mod sample {
    use serde_json::Value;

    use crate::documents::{Field, Rule, Spec};
    pub(crate) use crate::testing::filled::full;

    /// The changes a first save of this value makes, each through the relay's static guard, and
    /// what the document then reads as.
    pub(crate) fn saved(spec: &Spec, value: &Value) -> Value {
        use crate::guard::{Limits, check_change};
        use crate::save::{SaveContext, create};

        let ctx = SaveContext {
            actor: [7; 16],
            by: crate::id::MemberId(uuid::Uuid::nil()),
            at_ms: 1,
            env: &crate::time::SystemEnv,
        };
        let (doc, saved) = create(spec.kind, value, &ctx).expect("fits the table");
        assert!(saved.ignored.is_empty(), "{:?}", saved.ignored);
        for change in doc.get_changes(&[]) {
            if saved.changes.contains(&change.hash().into()) {
                let bytes = change.raw_bytes();
                check_change(bytes, spec.kind, &Limits::RELAY).expect("passes the guard");
            }
        }
        crate::read::read(&doc, spec.kind).value
    }

    /// The first part of each of the kind's own paths, once.
    pub(crate) fn own_roots(spec: &Spec) -> std::collections::BTreeSet<&'static str> {
        spec.own_fields
            .iter()
            .map(|f| f.path.split('.').next().unwrap_or(f.path))
            .collect()
    }

    /// The containers a table needs, in its order, as a frozen genesis list must have them.
    pub(crate) fn containers(spec: &Spec) -> Vec<(&'static str, super::super::Container)> {
        use crate::documents::Container;
        let container = |f: &'static Field| match f.rule {
            Rule::Txt => Some((f.key(), Container::Text)),
            Rule::Map(_) | Rule::Log | Rule::Aws | Rule::Rws | Rule::Mst(_) => {
                Some((f.key(), Container::Map))
            }
            Rule::Imm | Rule::Lww | Rule::Mvr | Rule::Yield(_) | Rule::FlagPlus | Rule::Max(_) => {
                None
            }
        };
        spec.fields().filter_map(container).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrong_type_costs_one_field_and_a_bad_key_one_item() {
        let header: Header = serde_json::from_value(json!({
            "schema_version": "one",
            "created_at": 5,
            "tags": ["a", "b"],
            "comments": {
                "no uuid": {"text": "x"},
                "0190b5a0-0000-7000-8000-000000000001": {"text": "kept", "at": "not a number"},
            },
        }))
        .expect("reading is total");
        assert_eq!((header.schema_version, header.created_at), (None, Some(5)));
        assert_eq!(header.tags.len(), 2);
        let comments: Vec<_> = header.comments.values().collect();
        assert_eq!(comments.len(), 1);
        assert_eq!(
            (comments[0].text.as_deref(), comments[0].at),
            (Some("kept"), None)
        );
    }
}
