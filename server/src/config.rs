//! Settings of `sopu serve`: a flag wins over the environment, that over the settings file, that
//! over the default. The defaults just work on one machine.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::access::oidc::Provider;
use crate::data::{self, Data};

/// What the server runs with, once every source has been heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The folder that holds everything: databases, ledger, keys; and the key of the databases.
    pub data: Data,
    /// Where to listen. Loopback unless told otherwise: in front of the world belongs a proxy that
    /// speaks TLS.
    pub listen: SocketAddr,
    /// How people reach the office, `https://…`. Decides whether cookies are `Secure`.
    pub public_url: Option<String>,
    /// Certificate chain and key (PEM), if this program speaks TLS itself.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Connections come from a proxy of ours, whose word on the address is believed.
    pub behind_proxy: bool,
    /// Who bears this reads `/metrics` from elsewhere than this machine.
    pub metrics_token: Option<String>,
    /// Which log lines to write, in the syntax of `tracing_subscriber::EnvFilter`.
    pub log: String,
    /// Log as JSON lines rather than for the eye.
    pub log_json: bool,
    /// Identity providers people may sign in with.
    pub providers: Vec<Provider>,
}

/// The data directory when nobody names one.
pub const DEFAULT_DATA: &str = "./sopu-data";
/// The address when nobody names one.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8787";

/// Makes the data folder if there is none: for its owner alone, for it holds what is said of people.
/// A folder that is there keeps the rights it was given.
///
/// # Errors
/// The operating system's.
pub fn make_data_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// One source of settings; every part may be missing. Flags and environment arrive in this form
/// from the command line, the settings file is read into it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// See [`Config::data`].
    pub data: Option<PathBuf>,
    /// The file with the key of the databases. See [`Config::data`].
    pub database_key: Option<PathBuf>,
    /// See [`Config::listen`].
    pub listen: Option<String>,
    /// See [`Config::public_url`].
    pub public_url: Option<String>,
    /// See [`Config::tls`].
    pub tls_cert: Option<PathBuf>,
    /// See [`Config::tls`].
    pub tls_key: Option<PathBuf>,
    /// See [`Config::behind_proxy`].
    pub behind_proxy: Option<bool>,
    /// A file whose first line is [`Config::metrics_token`].
    pub metrics_token_file: Option<PathBuf>,
    /// See [`Config::log`].
    pub log: Option<String>,
    /// See [`Config::log_json`].
    pub log_json: Option<bool>,
    /// See [`Config::providers`]. In the file only.
    #[serde(default)]
    pub oidc: Vec<Oidc>,
}

/// An identity provider in the settings file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// Its part of the address people come back to: small letters, digits and hyphens.
    pub id: String,
    /// What stands on its button.
    pub name: String,
    /// The organisation it speaks for: name or id.
    pub org: String,
    /// Its address, under which it describes itself.
    pub issuer: String,
    /// What it calls this server.
    pub client_id: String,
    /// A file whose first line this server proves itself with; relative to the settings file.
    pub client_secret_file: Option<PathBuf>,
    /// That line, once it was read.
    #[serde(skip)]
    pub client_secret: Option<String>,
}

/// Why the settings do not hold. The words are for the person who wrote them.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The key of the databases cannot be had.
    #[error(transparent)]
    DatabaseKey(#[from] data::KeyError),
    /// The settings file cannot be read.
    #[error("cannot read the settings file {path}: {why}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the operating system says.
        why: String,
    },
    /// The settings file is not what it should be.
    #[error("the settings file {path} is not right: {why}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Line and reason.
        why: String,
    },
    /// The address is not one.
    #[error("`{0}` is not an address to listen on; write it like 127.0.0.1:8787 or [::1]:8787")]
    Listen(String),
    /// The public address is not one.
    #[error("`{0}` is not a web address; write it like https://sopu.example.fi")]
    PublicUrl(String),
    /// An identity provider's id is not one, or there twice.
    #[error(
        "`{0}` cannot be an identity provider's id: small letters, digits and hyphens, each once"
    )]
    ProviderId(String),
    /// A certificate without its key, or a key without a certificate.
    #[error("TLS needs both a certificate (tls_cert) and its key (tls_key)")]
    HalfTls,
    /// A token anybody could guess.
    #[error("the first line of {0} must be a token of at least 20 letters")]
    ShortToken(PathBuf),
    /// An identity provider needs an address to send people back to.
    #[error(
        "signing in with an identity provider needs public_url, the address people come back to"
    )]
    NoPublicUrl,
}

/// Letters a token has at least: fewer are guessed.
const TOKEN: usize = 20;

/// The first line of a file that holds a token.
fn token_in(path: &Path) -> Result<String, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|e| ConfigError::Unreadable {
        path: path.to_owned(),
        why: e.to_string(),
    })?;
    let token = text.lines().next().unwrap_or_default().trim();
    if token.len() < TOKEN {
        return Err(ConfigError::ShortToken(path.to_owned()));
    }
    Ok(token.to_owned())
}

impl Source {
    /// Reads a settings file. Paths in it are relative to the file's own folder.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|e| ConfigError::Unreadable {
            path: path.to_owned(),
            why: e.to_string(),
        })?;
        let mut source: Source = toml::from_str(&text).map_err(|e| ConfigError::Malformed {
            path: path.to_owned(),
            why: e.to_string().trim_end().to_owned(),
        })?;
        if let (Some(data), Some(folder)) = (&source.data, path.parent()) {
            source.data = Some(folder.join(data));
        }
        for file in [
            &mut source.tls_cert,
            &mut source.tls_key,
            &mut source.database_key,
            &mut source.metrics_token_file,
        ] {
            if let (Some(named), Some(folder)) = (&file, path.parent()) {
                *file = Some(folder.join(named));
            }
        }
        for provider in &mut source.oidc {
            let Some(file) = &provider.client_secret_file else {
                continue;
            };
            let file = path
                .parent()
                .map_or(file.clone(), |folder| folder.join(file));
            let text = std::fs::read_to_string(&file).map_err(|e| ConfigError::Unreadable {
                path: file,
                why: e.to_string(),
            })?;
            provider.client_secret = text.lines().next().map(|line| line.trim().to_owned());
        }
        Ok(source)
    }

    /// This source, with what it leaves open filled from `weaker`.
    #[must_use]
    pub fn or(self, weaker: Self) -> Self {
        Self {
            data: self.data.or(weaker.data),
            database_key: self.database_key.or(weaker.database_key),
            listen: self.listen.or(weaker.listen),
            public_url: self.public_url.or(weaker.public_url),
            tls_cert: self.tls_cert.or(weaker.tls_cert),
            tls_key: self.tls_key.or(weaker.tls_key),
            behind_proxy: self.behind_proxy.or(weaker.behind_proxy),
            metrics_token_file: self.metrics_token_file.or(weaker.metrics_token_file),
            log: self.log.or(weaker.log),
            log_json: self.log_json.or(weaker.log_json),
            oidc: match self.oidc.is_empty() {
                true => weaker.oidc,
                false => self.oidc,
            },
        }
    }

    /// Fills the rest with defaults and checks every part.
    pub fn into_config(self) -> Result<Config, ConfigError> {
        let listen = self.listen.unwrap_or_else(|| DEFAULT_LISTEN.to_owned());
        let listen = listen.parse().map_err(|_| ConfigError::Listen(listen))?;
        let public_url = match self.public_url {
            Some(url) if url.starts_with("https://") || url.starts_with("http://") => {
                Some(url.trim_end_matches('/').to_owned())
            }
            Some(url) => return Err(ConfigError::PublicUrl(url)),
            None => None,
        };
        if public_url.is_none() && !self.oidc.is_empty() {
            return Err(ConfigError::NoPublicUrl);
        }
        let data = self.data.unwrap_or_else(|| PathBuf::from(DEFAULT_DATA));
        let key = self.database_key.as_deref().map(data::read_key);
        let key = key.transpose()?;
        let metrics_token = self.metrics_token_file.as_deref().map(token_in);
        let metrics_token = metrics_token.transpose()?;
        let tls = match (self.tls_cert, self.tls_key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(ConfigError::HalfTls),
        };
        let mut ids = std::collections::BTreeSet::new();
        for oidc in &self.oidc {
            let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let sound = !oidc.id.is_empty() && oidc.id.len() <= 40 && oidc.id.chars().all(letter);
            if !sound || !ids.insert(&oidc.id) {
                return Err(ConfigError::ProviderId(oidc.id.clone()));
            }
        }
        let providers = self.oidc.into_iter().map(|oidc| Provider {
            id: oidc.id,
            name: oidc.name,
            org: oidc.org,
            issuer: oidc.issuer,
            client_id: oidc.client_id,
            client_secret: oidc.client_secret,
        });
        Ok(Config {
            providers: providers.collect(),
            tls,
            behind_proxy: self.behind_proxy.unwrap_or(false),
            metrics_token,
            data: Data::new(data, key),
            listen,
            public_url,
            log: self.log.unwrap_or_else(|| "info".to_owned()),
            log_json: self.log_json.unwrap_or(false),
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails should say where")]
    use super::*;

    #[test]
    fn the_defaults_just_work() {
        let config = Source::default().into_config().unwrap();
        assert_eq!(*config.data, *Path::new("./sopu-data"));
        assert_eq!(config.listen.to_string(), "127.0.0.1:8787");
    }

    #[cfg(unix)]
    #[test]
    fn a_new_data_folder_is_its_owner_s_alone_and_an_old_one_keeps_its_rights() {
        use std::fs::{Permissions, metadata, set_permissions};
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("sopu-data");
        make_data_folder(&data).unwrap();
        let mode = || metadata(&data).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o700);
        set_permissions(&data, Permissions::from_mode(0o750)).unwrap();
        make_data_folder(&data).unwrap();
        assert_eq!(mode(), 0o750);
    }

    #[test]
    fn a_stronger_source_wins_and_a_weaker_one_fills_the_gaps() {
        let flags = Source {
            listen: Some("127.0.0.1:1".into()),
            ..Source::default()
        };
        let file = Source {
            listen: Some("127.0.0.1:2".into()),
            data: Some("/srv/sopu".into()),
            ..Source::default()
        };
        let config = flags.or(file).into_config().unwrap();
        assert_eq!(config.listen.port(), 1);
        assert_eq!(*config.data, *Path::new("/srv/sopu"));
    }

    #[test]
    fn a_settings_file_names_its_own_mistakes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sopu.toml");
        std::fs::write(&path, "lisen = \"127.0.0.1:1\"").unwrap();
        let error = Source::from_file(&path).unwrap_err().to_string();
        assert!(
            error.contains("lisen") && error.contains("sopu.toml"),
            "{error}"
        );
        let error = Source::from_file(&dir.path().join("none.toml"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("none.toml"), "{error}");
    }

    #[test]
    fn a_path_in_the_settings_file_is_relative_to_that_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sopu.toml");
        std::fs::write(&path, "data = \"store\"").unwrap();
        assert_eq!(
            Source::from_file(&path).unwrap().data,
            Some(dir.path().join("store"))
        );
    }

    #[test]
    fn a_token_stands_in_a_file_of_its_own_and_is_not_short() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("metrics-token");
        let source = || Source {
            metrics_token_file: Some(file.clone()),
            ..Source::default()
        };
        assert!(source().into_config().is_err(), "no such file");
        std::fs::write(&file, "short\n").unwrap();
        let told = source().into_config().unwrap_err().to_string();
        assert!(
            told.contains("20 letters") && !told.contains("short"),
            "{told}"
        );
        std::fs::write(&file, " 0123456789abcdefghij \nmore").unwrap();
        let config = source().into_config().unwrap();
        assert_eq!(
            config.metrics_token.as_deref(),
            Some("0123456789abcdefghij")
        );
    }

    #[test]
    fn wrong_addresses_are_refused_with_an_example() {
        let wrong = Source {
            listen: Some("8787".into()),
            ..Source::default()
        };
        assert!(
            wrong
                .into_config()
                .unwrap_err()
                .to_string()
                .contains("127.0.0.1:8787")
        );
        let wrong = Source {
            public_url: Some("sopu.example.fi".into()),
            ..Source::default()
        };
        assert!(
            wrong
                .into_config()
                .unwrap_err()
                .to_string()
                .contains("https://")
        );
    }
}
