//! The environment, read once into a [`Config`]. A wrong value stops the start with a sentence that names the variable.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use rand::TryRng;
use tracing::level_filters::LevelFilter;

use crate::adapters::spreadsheet::Limits;
use crate::db::DatabaseUrl;

mod gateways;

pub use gateways::{SmsUrl, SmtpServer, SmtpTls, SmtpUrl};

/// What is wrong with the environment: one sentence, with the variable's name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{variable}: {problem}")]
pub struct ConfigError {
    pub variable: &'static str,
    pub problem: String,
}

fn wrong<T>(variable: &'static str, problem: impl Into<String>) -> Result<T, ConfigError> {
    Err(ConfigError { variable, problem: problem.into() })
}

/// A text that never shows in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(pub T);

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[derive(Clone, Debug)]
pub struct Config {
    pub database: DatabaseUrl,
    pub listen: SocketAddr,
    pub data_dir: PathBuf,
    /// 64 bytes or more; the cookies are signed with it.
    pub secret_key: Secret<Vec<u8>>,
    pub sms: Option<SmsUrl>,
    /// Where text messages go that the other gateway does not take.
    pub sms_backup: Option<SmsUrl>,
    pub smtp: Option<SmtpUrl>,
    /// Who signs the certificates of these gateways, as PEM; None: those whom browsers believe.
    pub authorities: Option<Vec<u8>>,
    /// How browsers reach the server: scheme and host, no path. Decides the Origin check and `Secure` cookies.
    pub base_url: String,
    /// How gateways reach it, when that is another way.
    pub receipts_url: String,
    pub session_idle: TimeDelta,
    pub session_max: TimeDelta,
    pub pool_size: u32,
    /// What a list that is imported may hold.
    pub import_limits: Limits,
    pub log: LevelFilter,
    /// The program that reads files of others in a process of its own: this one.
    pub program: PathBuf,
    /// For how long the files of imports are kept.
    pub import_keep: TimeDelta,
    /// After so many months a citizen's password expires; 0 is never.
    pub password_months: u32,
    /// For how long the personal data of a declaration that was removed is kept.
    pub retention: TimeDelta,
    /// What one part of a text message costs, in đồng, when it is known.
    pub sms_price: Option<u32>,
    /// How many calls a minute one key of the interface has.
    pub api_per_minute: NonZeroU32,
}

impl Config {
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()))
    }

    /// As [`Config::from_env`], from any source of variables.
    pub fn from_lookup(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let data_dir = PathBuf::from(get("TNHS_DATA_DIR").unwrap_or_else(|| "var".into()));
        let database = match get("DATABASE_URL") {
            None => DatabaseUrl::Sqlite(data_dir.join("tnhs.db").to_string_lossy().into_owned()),
            Some(url) => DatabaseUrl::parse(&url).or_else(|problem| wrong("DATABASE_URL", problem))?,
        };
        let listen = get("TNHS_LISTEN").unwrap_or_else(|| "127.0.0.1:8080".into());
        let Ok(listen) = listen.parse::<SocketAddr>() else {
            return wrong("TNHS_LISTEN", format!("«{listen}» is not an address with a port, such as 127.0.0.1:8080"));
        };
        let base_url = get("TNHS_BASE_URL").unwrap_or_else(|| format!("http://{listen}"));
        let base_url = parse_base_url("TNHS_BASE_URL", &base_url)?;
        let receipts_url = match get("TNHS_RECEIPTS_URL") {
            Some(url) => parse_base_url("TNHS_RECEIPTS_URL", &url)?,
            None => base_url.clone(),
        };
        Ok(Self {
            secret_key: secret_key(get("TNHS_SECRET_KEY"), &data_dir)?,
            sms: gateways::sms("TNHS_SMS_URL", &get)?,
            sms_backup: gateways::sms("TNHS_SMS_BACKUP_URL", &get)?,
            smtp: gateways::smtp(&get)?,
            authorities: gateways::authorities(&get)?,
            session_idle: TimeDelta::minutes(number("TNHS_SESSION_IDLE_MINUTES", &get, 15, 1..=24 * 60)?),
            session_max: TimeDelta::hours(number("TNHS_SESSION_MAX_HOURS", &get, 8, 1..=24)?),
            log: get("TNHS_LOG").map_or(Ok(LevelFilter::INFO), |level| parse_log_level(&level))?,
            import_keep: TimeDelta::days(number("TNHS_IMPORT_KEEP_DAYS", &get, 30, 1..=3650)?),
            retention: TimeDelta::days(number("TNHS_RETENTION_DAYS", &get, 30, 0..=3650)?),
            program: match get("TNHS_PROGRAM") {
                Some(path) => path.into(),
                None => std::env::current_exe().unwrap_or_else(|_| "tnhs".into()),
            },
            pool_size: u32::try_from(number("TNHS_POOL_SIZE", &get, 8, 2..=200)?).unwrap_or(8),
            import_limits: import_limits(&get)?,
            password_months: u32::try_from(number("TNHS_PASSWORD_MONTHS", &get, 6, 0..=60)?).unwrap_or(6),
            sms_price: match number("TNHS_SMS_PRICE", &get, 0, 0..=100_000)? {
                0 => None,
                price => u32::try_from(price).ok(),
            },
            api_per_minute: u32::try_from(number("TNHS_API_PER_MINUTE", &get, 600, 1..=1_000_000)?)
                .ok()
                .and_then(NonZeroU32::new)
                .unwrap_or(NonZeroU32::MIN),
            database,
            listen,
            data_dir,
            base_url,
            receipts_url,
        })
    }

    /// # Errors
    /// When messages would have nowhere to go.
    pub fn require_gateways(&self) -> Result<(), ConfigError> {
        let problem = "not set; the outbox needs to know where messages go (file:DIR writes them into a folder)";
        if self.sms.is_none() {
            return wrong("TNHS_SMS_URL", problem);
        }
        if self.smtp.is_none() {
            return wrong("TNHS_SMTP_URL", problem);
        }
        Ok(())
    }

    /// Whether a message could reach anybody: not when all of them become files.
    pub fn reaches_people(&self) -> bool {
        let by_sms = [&self.sms, &self.sms_backup].into_iter().any(|url| matches!(url, Some(SmsUrl::Http(_))));
        by_sms || matches!(self.smtp, Some(SmtpUrl::Smtp(_)))
    }

    pub fn is_https(&self) -> bool {
        self.base_url.starts_with("https://")
    }
}

fn number(
    variable: &'static str,
    get: &impl Fn(&str) -> Option<String>,
    default: i64,
    range: std::ops::RangeInclusive<i64>,
) -> Result<i64, ConfigError> {
    match get(variable).map(|text| text.trim().parse::<i64>().ok().filter(|n| range.contains(n)).ok_or(text)) {
        None => Ok(default),
        Some(Ok(number)) => Ok(number),
        Some(Err(text)) => {
            wrong(variable, format!("«{text}» is not a number from {} to {}", range.start(), range.end()))
        }
    }
}

/// A file's size and rows; the rest follows from them as it does in lists.
fn import_limits(get: &impl Fn(&str) -> Option<String>) -> Result<Limits, ConfigError> {
    let default = Limits::default();
    let megabytes = number("TNHS_IMPORT_MAX_MB", get, 300, 1..=4_000)?.unsigned_abs();
    let rows = number("TNHS_IMPORT_MAX_ROWS", get, default.rows.into(), 1_000..=100_000_000)?;
    let file_bytes = megabytes << 20;
    let rows = u32::try_from(rows).unwrap_or(default.rows);
    Ok(Limits { file_bytes, unpacked_bytes: file_bytes * 20, rows, cells: u64::from(rows) * 50, ..default })
}

fn parse_log_level(level: &str) -> Result<LevelFilter, ConfigError> {
    match level.trim() {
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        _ => wrong("TNHS_LOG", format!("«{level}» is not error, warn, info or debug")),
    }
}

fn parse_base_url(variable: &'static str, url: &str) -> Result<String, ConfigError> {
    let bare = url.trim_end_matches('/');
    let host = bare.strip_prefix("http://").or_else(|| bare.strip_prefix("https://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']) => Ok(bare.to_owned()),
        _ => wrong(variable, format!("«{url}» is not like https://tnhs.example.vn (scheme and host, no path)")),
    }
}

/// The key for signing, or one that is made at the first start and kept beside the data.
fn secret_key(given: Option<String>, data_dir: &Path) -> Result<Secret<Vec<u8>>, ConfigError> {
    const VARIABLE: &str = "TNHS_SECRET_KEY";
    if let Some(key) = given {
        return if key.len() < 64 {
            wrong(VARIABLE, "it must have at least 64 characters; make one with: openssl rand -hex 64")
        } else {
            Ok(Secret(key.into_bytes()))
        };
    }
    let path = data_dir.join("secret.key");
    let failed = |error: std::io::Error| ConfigError {
        variable: VARIABLE,
        problem: format!("not set, and {} cannot be used instead: {error}", path.display()),
    };
    match std::fs::read(&path) {
        Ok(key) if key.len() >= 64 => return Ok(Secret(key)),
        Ok(_) => return wrong(VARIABLE, format!("not set, and {} is damaged (shorter than 64 bytes)", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let mut key = vec![0u8; 64];
    rand::rngs::SysRng.try_fill_bytes(&mut key).map_err(|error| failed(std::io::Error::other(error)))?;
    private_folder(data_dir).map_err(failed)?;
    match new_private(&path, &key) {
        Ok(()) => Ok(Secret(key)),
        // Another first start was quicker.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            std::fs::read(&path).map(Secret).map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Creates a folder that only its owner can look into; one that exists stays as it is.
pub fn private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn new_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(content)
}

/// Writes a file that only its owner can read, anew when it exists.
pub fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let key = "k".repeat(64);
        Config::from_lookup(|name| {
            if name == "TNHS_SECRET_KEY" && !pairs.iter().any(|(n, _)| *n == name) {
                return Some(key.clone());
            }
            pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_any_variable_it_is_sqlite_on_the_loopback() {
        let config = with(&[]).unwrap();
        assert_eq!(config.database, DatabaseUrl::Sqlite("var/tnhs.db".into()));
        assert_eq!(config.base_url, "http://127.0.0.1:8080");
        assert_eq!(config.session_idle, TimeDelta::minutes(15));
        assert_eq!(config.import_limits, Limits::default());
        assert_eq!((config.password_months, config.api_per_minute.get()), (6, 600));
    }

    #[test]
    fn a_wrong_value_is_refused_with_the_name_of_its_variable() {
        for (name, value) in [
            ("DATABASE_URL", "mysql://localhost/tnhs"),
            ("DATABASE_URL", "sqlite://"),
            ("TNHS_LISTEN", "localhost"),
            ("TNHS_SECRET_KEY", "short"),
            ("TNHS_SMTP_URL", "http://mail"),
            ("TNHS_SMTP_URL", "smtp://mail.example.vn"),
            ("TNHS_SMS_URL", "kannel+http://gateway:13013"),
            ("TNHS_SMS_URL", "file:"),
            ("TNHS_SMS_BACKUP_URL", "kannel+http://gateway:13013"),
            ("TNHS_LOG", "loud"),
            ("TNHS_BASE_URL", "tnhs.example.vn"),
            ("TNHS_BASE_URL", "https://tnhs.example.vn/app"),
            ("TNHS_SESSION_IDLE_MINUTES", "soon"),
            ("TNHS_POOL_SIZE", "0"),
            ("TNHS_IMPORT_MAX_MB", "0"),
            ("TNHS_IMPORT_MAX_ROWS", "all"),
            ("TNHS_PASSWORD_MONTHS", "-1"),
            ("TNHS_RETENTION_DAYS", "3651"),
            ("TNHS_API_PER_MINUTE", "0"),
            ("TNHS_SMS_PRICE", "350đ"),
        ] {
            let error = with(&[(name, value)]).unwrap_err();
            assert_eq!(error.variable, name, "{value}");
        }
    }
}
