//! The words of the office pages in Finnish, Swedish and English, from `locales/`, and dates as
//! each language writes them. Times are shown in Finland's own time.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

/// A language the office speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lang {
    /// *Suomi*.
    Fi,
    /// *Svenska*.
    Sv,
    /// English.
    En,
}

impl Lang {
    /// Every language, the first being the one used when nothing is known of the reader.
    pub const ALL: [Lang; 3] = [Lang::Fi, Lang::Sv, Lang::En];

    /// ISO 639-1.
    pub fn code(self) -> &'static str {
        match self {
            Lang::Fi => "fi",
            Lang::Sv => "sv",
            Lang::En => "en",
        }
    }

    /// Its name in itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Lang::Fi => "Suomi",
            Lang::Sv => "Svenska",
            Lang::En => "English",
        }
    }

    /// The language of this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.code() == code)
    }

    /// The first language of an `Accept-Language` header that the office speaks (RFC 9110 12.5.4;
    /// browsers list them in order of preference, so the weights are not read).
    pub fn from_accept(header: &str) -> Option<Self> {
        header.split(',').find_map(|part| {
            let tag = part.split(';').next().unwrap_or_default().trim();
            Self::from_code(tag.get(..2)?.to_ascii_lowercase().as_str())
        })
    }
}

/// One language's files: (file, text).
type Files = &'static [(&'static str, &'static str)];

macro_rules! files {
    ($lang:literal: $($name:literal),*) => {
        &[$(($name, include_str!(concat!("../locales/", $lang, "/", $name)))),*]
    };
}

fn files(lang: Lang) -> Files {
    match lang {
        Lang::Fi => {
            files!("fi": "office.ftl", "access.ftl", "people.ftl", "fields.ftl", "findings.ftl")
        }
        Lang::Sv => {
            files!("sv": "office.ftl", "access.ftl", "people.ftl", "fields.ftl", "findings.ftl")
        }
        Lang::En => {
            files!("en": "office.ftl", "access.ftl", "people.ftl", "fields.ftl", "findings.ftl")
        }
    }
}

/// The words of one language.
pub struct Words {
    /// Which.
    pub lang: Lang,
    bundle: FluentBundle<FluentResource>,
}

static WORDS: LazyLock<[Words; 3]> = LazyLock::new(|| Lang::ALL.map(Words::load));

impl Words {
    /// The words of this language.
    pub fn of(lang: Lang) -> &'static Self {
        match lang {
            Lang::Fi => &WORDS[0],
            Lang::Sv => &WORDS[1],
            Lang::En => &WORDS[2],
        }
    }

    fn load(lang: Lang) -> Self {
        let tags = lang.code().parse().map(|tag| vec![tag]).unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(tags);
        // The isolation marks are for mixed directions of writing; here they only spoil copying.
        bundle.set_use_isolating(false);
        for (_, text) in files(lang) {
            // A resource with errors still holds what could be read; a test finds the errors.
            let resource = match FluentResource::try_new((*text).to_owned()) {
                Ok(resource) | Err((resource, _)) => resource,
            };
            bundle.add_resource_overriding(resource);
        }
        Self { lang, bundle }
    }

    /// The words under this key; the key itself if there are none, so that a gap is seen and named.
    pub fn t(&self, key: &str) -> String {
        self.find(key, None).unwrap_or_else(|| key.to_owned())
    }

    /// As [`Words::t`], with a number in the place `n` (and its plural form).
    pub fn n(&self, key: &str, n: &usize) -> String {
        let mut args = FluentArgs::new();
        args.set("n", FluentValue::from(*n));
        self.find(key, Some(&args))
            .unwrap_or_else(|| key.to_owned())
    }

    /// As [`Words::t`], with words in named places.
    pub fn with(&self, key: &str, parts: &[(&str, &str)]) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in parts {
            args.set(*name, FluentValue::from(*value));
        }
        self.find(key, Some(&args))
            .unwrap_or_else(|| key.to_owned())
    }

    /// The words under this key, if any.
    pub fn find(&self, key: &str, args: Option<&FluentArgs<'_>>) -> Option<String> {
        let pattern = self.bundle.get_message(key)?.value()?;
        let mut errors = Vec::new();
        Some(
            self.bundle
                .format_pattern(pattern, args, &mut errors)
                .into_owned(),
        )
    }

    /// The label of a document's field or of a part inside it, by the whole path with its kind or
    /// else by the path's last word; the path itself for a field of a newer app. A field that there
    /// is one of for each language is followed by the language's code.
    pub fn field(&self, kind: &str, path: &str) -> String {
        let whole = || self.find(&format!("field-{kind}-{}", path.replace('.', "-")), None);
        let last = |path: &str| {
            let word = path.rsplit('.').next().unwrap_or(path);
            self.find(&format!("field-{word}"), None)
        };
        let localized = || {
            let (field, code) = path.rsplit_once('.')?;
            let lang = Lang::from_code(code)?;
            Some(format!("{} ({})", last(field)?, lang.code()))
        };
        whole()
            .or_else(localized)
            .or_else(|| last(path))
            .unwrap_or_else(|| path.to_owned())
    }

    /// A moment (milliseconds since 1970 UTC) as people write it, in Finland's time.
    pub fn instant(&self, ms: i64) -> String {
        let Ok(timestamp) = jiff::Timestamp::from_millisecond(ms) else {
            return ms.to_string();
        };
        let zone = jiff::tz::TimeZone::get("Europe/Helsinki").unwrap_or(jiff::tz::TimeZone::UTC);
        let local = timestamp.to_zoned(zone);
        let date = self.civil(local.date());
        match self.lang {
            Lang::Fi => format!("{date} klo {}.{:02}", local.hour(), local.minute()),
            Lang::Sv => format!("{date} kl. {:02}.{:02}", local.hour(), local.minute()),
            Lang::En => format!("{date}, {:02}:{:02}", local.hour(), local.minute()),
        }
    }

    /// A date `2026-11-22` as people write it; anything else as it stands.
    pub fn date(&self, date: &str) -> String {
        date.parse()
            .map_or_else(|_| date.to_owned(), |d| self.civil(d))
    }

    fn civil(&self, date: jiff::civil::Date) -> String {
        match self.lang {
            Lang::Fi | Lang::Sv => format!("{}.{}.{}", date.day(), date.month(), date.year()),
            Lang::En => format!(
                "{} {} {}",
                date.day(),
                MONTHS[usize::from(date.month().unsigned_abs()) - 1],
                date.year()
            ),
        }
    }

    /// A decimal number `2.5` with the language's own decimal sign.
    pub fn decimal(&self, number: &str) -> String {
        match self.lang {
            Lang::Fi | Lang::Sv => number.replace('.', ","),
            Lang::En => number.to_owned(),
        }
    }
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

#[cfg(test)]
mod tests;
