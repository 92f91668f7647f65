//! Where messages go: the addresses of the SMS gateways and of the mail server.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use ureq::http::{HeaderValue, Uri};
use ureq::tls::{PemItem, parse_pem};

use super::{ConfigError, Secret, wrong};
use crate::adapters::sms::http::{PhoneStyle, Provider};
use crate::adapters::sms::json;
use crate::adapters::sms::kannel::{self, Kannel};
use crate::domain::delivery::SEND_DEADLINE;

/// Where text messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmsUrl {
    /// One readable file per message: for trying things out.
    Folder(PathBuf),
    /// `kannel+http://USER:PASSWORD@HOST:PORT[/cgi-bin/sendsms]?from=BRAND`, `kannel+https://…`, or `json:FILE`.
    Http(Box<Provider>),
}

/// Where mail goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmtpUrl {
    Folder(PathBuf),
    Smtp(SmtpServer),
}

/// `smtp://[USER:PASSWORD@]HOST[:PORT]?from=ADDRESS[&tls=required|opportunistic]`, or `smtps://…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpServer {
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    pub credentials: Option<(String, Secret<String>)>,
    pub from: String,
    /// Mails a second.
    pub rate: Option<NonZeroU32>,
    /// From connecting to the last answer.
    pub deadline: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// `smtp://`: inside the house.
    Never,
    /// STARTTLS where the server offers it.
    Opportunistic,
    /// STARTTLS, or nothing is sent.
    Required,
    /// `smtps://`: from the first byte.
    Wrapped,
}

/// The gateway that a variable names, if it is set.
pub(super) fn sms(
    variable: &'static str,
    get: &impl Fn(&str) -> Option<String>,
) -> Result<Option<SmsUrl>, ConfigError> {
    let Some(url) = get(variable) else { return Ok(None) };
    if let Some(folder) = url.strip_prefix("file:") {
        return Ok(Some(SmsUrl::Folder(a_folder(variable, folder)?)));
    }
    let provider = match url.strip_prefix("json:") {
        Some(file) => json::load(file.as_ref(), get).or_else(|problem| wrong(variable, problem))?,
        None => kannel(variable, &url)?,
    };
    Ok(Some(SmsUrl::Http(Box::new(provider))))
}

fn a_folder(variable: &'static str, folder: &str) -> Result<PathBuf, ConfigError> {
    if folder.is_empty() { wrong(variable, "file: needs a folder") } else { Ok(folder.into()) }
}

fn kannel(variable: &'static str, url: &str) -> Result<Provider, ConfigError> {
    let form = "it must be file:DIR, json:FILE or kannel+http://USER:PASSWORD@HOST:PORT?from=BRAND";
    let (bare, options) = Options::of(variable, url, &["from", "rate", "timeout", "phone"])?;
    let parts = bare.strip_prefix("kannel+").and_then(|bare| {
        let (scheme, rest) = bare.split_once("://")?;
        let (credentials, host) = rest.rsplit_once('@')?;
        let (user, password) = credentials.split_once(':')?;
        Some((scheme, decoded(user)?, decoded(password)?, host.trim_end_matches('/')))
    });
    let Some((scheme, user, password, host)) = parts else {
        return wrong(variable, form);
    };
    let endpoint =
        if host.contains('/') { format!("{scheme}://{host}") } else { format!("{scheme}://{host}/cgi-bin/sendsms") };
    if !endpoint.parse::<Uri>().is_ok_and(|url| json::is_web_address(&url)) {
        return wrong(variable, form);
    }
    if HeaderValue::try_from(&user).is_err() || HeaderValue::try_from(&password).is_err() {
        return wrong(variable, "user and password must be sendable in a header");
    }
    let from = options.get("from")?.unwrap_or_else(|| "BHXH".into());
    if !json::is_brand(&from) {
        return wrong(variable, "the sender (from=) must have 1 to 11 characters");
    }
    let phone = match options.get("phone")?.as_deref() {
        None | Some("0") => PhoneStyle::National,
        Some("84") => PhoneStyle::Country,
        Some("+84") => PhoneStyle::Plus,
        Some(other) => return wrong(variable, format!("phone= must be 0, 84 or +84, not «{other}»")),
    };
    let (rate, deadline) = (options.rate()?, options.deadline()?);
    Ok(kannel::provider(Kannel { endpoint, user, password, from, phone, rate, deadline }))
}

/// The mail server that `TNHS_SMTP_URL` names, if it is set.
pub(super) fn smtp(get: &impl Fn(&str) -> Option<String>) -> Result<Option<SmtpUrl>, ConfigError> {
    const VARIABLE: &str = "TNHS_SMTP_URL";
    let Some(url) = get(VARIABLE) else { return Ok(None) };
    if let Some(folder) = url.strip_prefix("file:") {
        return Ok(Some(SmtpUrl::Folder(a_folder(VARIABLE, folder)?)));
    }
    let (bare, options) = Options::of(VARIABLE, &url, &["from", "rate", "timeout", "tls"])?;
    let (wrapped, rest) = match (bare.strip_prefix("smtp://"), bare.strip_prefix("smtps://")) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        _ => return wrong(VARIABLE, "it must begin with smtp://, smtps:// or file:"),
    };
    // The ports of RFC 5321 and RFC 8314.
    let (tls, port) = match (wrapped, options.get("tls")?.as_deref()) {
        (true, None | Some("wrapper")) => (SmtpTls::Wrapped, 465),
        (false, None) => (SmtpTls::Never, 25),
        (false, Some("required")) => (SmtpTls::Required, 587),
        (false, Some("opportunistic")) => (SmtpTls::Opportunistic, 587),
        (_, Some(other)) => {
            return wrong(VARIABLE, format!("tls=«{other}» must be required or opportunistic, with smtp://"));
        }
    };
    let (credentials, host) = match rest.trim_end_matches('/').rsplit_once('@') {
        None => (None, rest),
        Some((credentials, host)) => {
            let decoded = credentials.split_once(':').and_then(|(user, word)| Some((decoded(user)?, decoded(word)?)));
            let Some((user, password)) = decoded else {
                return wrong(VARIABLE, "it must be smtp://USER:PASSWORD@HOST:PORT?from=ADDRESS");
            };
            (Some((user, Secret(password))), host)
        }
    };
    let address = format!("http://{}", host.trim_end_matches('/')).parse::<Uri>();
    let Ok(address) = address.map_err(drop).and_then(|url| if json::is_web_address(&url) { Ok(url) } else { Err(()) })
    else {
        return wrong(VARIABLE, format!("«{host}» is not a host with or without a port"));
    };
    let Some(from) = options.get("from")? else {
        return wrong(VARIABLE, "it needs the sender: add ?from=tnhs@example.vn");
    };
    if from.parse::<lettre::message::Mailbox>().is_err() {
        return wrong(VARIABLE, format!("the sender (from=) «{from}» is not an e-mail address"));
    }
    Ok(Some(SmtpUrl::Smtp(SmtpServer {
        // Of an IPv6 address the brackets belong to the URL.
        host: address.host().unwrap_or_default().trim_matches(['[', ']']).to_owned(),
        port: address.port_u16().unwrap_or(port),
        tls,
        credentials,
        from,
        rate: options.rate()?,
        deadline: options.deadline()?,
    })))
}

/// The certificates in the file that `TNHS_CA_FILE` names, if it is set.
pub(super) fn authorities(get: &impl Fn(&str) -> Option<String>) -> Result<Option<Vec<u8>>, ConfigError> {
    const VARIABLE: &str = "TNHS_CA_FILE";
    let Some(file) = get(VARIABLE) else { return Ok(None) };
    let pem = std::fs::read(&file).or_else(|error| wrong(VARIABLE, format!("{file}: {error}")))?;
    let items: Result<Vec<_>, _> = parse_pem(&pem).collect();
    if items.is_ok_and(|items| !items.is_empty() && items.iter().all(|item| matches!(item, PemItem::Certificate(_)))) {
        Ok(Some(pem))
    } else {
        wrong(VARIABLE, format!("{file} does not hold certificates alone, as PEM"))
    }
}

fn decoded(text: &str) -> Option<String> {
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}

/// What stands behind the `?` of an address.
struct Options<'a> {
    variable: &'static str,
    pairs: Vec<(&'a str, &'a str)>,
}

impl<'a> Options<'a> {
    /// The address without its options, and these.
    fn of(variable: &'static str, url: &'a str, known: &[&str]) -> Result<(&'a str, Self), ConfigError> {
        let (bare, query) = url.split_once('?').unwrap_or((url, ""));
        let mut pairs = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=').filter(|(name, _)| known.contains(name)) {
                Some(pair) => pairs.push(pair),
                // Not its value: it may be the rest of a password with a question mark.
                None => return wrong(variable, format!("behind the ? may stand only {}=", known.join("=, "))),
            }
        }
        Ok((bare, Self { variable, pairs }))
    }

    fn get(&self, name: &str) -> Result<Option<String>, ConfigError> {
        let Some((_, value)) = self.pairs.iter().find(|(known, _)| *known == name) else { return Ok(None) };
        match decoded(value) {
            Some(value) => Ok(Some(value)),
            None => wrong(self.variable, format!("{name}= is not UTF-8")),
        }
    }

    fn rate(&self) -> Result<Option<NonZeroU32>, ConfigError> {
        let Some(rate) = self.get("rate")? else { return Ok(None) };
        match rate.parse() {
            Ok(rate) => Ok(Some(rate)),
            Err(_) => wrong(self.variable, format!("rate=«{rate}» is not a number of messages a second, from 1")),
        }
    }

    fn deadline(&self) -> Result<Duration, ConfigError> {
        let Some(seconds) = self.get("timeout")? else { return Ok(SEND_DEADLINE) };
        match seconds.parse() {
            Ok(seconds) if (1..=SEND_DEADLINE.as_secs()).contains(&seconds) => Ok(Duration::from_secs(seconds)),
            _ => wrong(
                self.variable,
                format!("timeout=«{seconds}» is not a number of seconds from 1 to {}", SEND_DEADLINE.as_secs()),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variable: &str, url: &str) -> impl Fn(&str) -> Option<String> {
        let pair = (variable.to_owned(), url.to_owned());
        move |name| (name == pair.0).then(|| pair.1.clone())
    }

    fn provider(url: &str) -> Provider {
        match sms("TNHS_SMS_URL", &of("TNHS_SMS_URL", url)).unwrap().unwrap() {
            SmsUrl::Http(provider) => *provider,
            SmsUrl::Folder(_) => panic!("a folder"),
        }
    }

    fn server(url: &str) -> Result<SmtpServer, ConfigError> {
        match smtp(&of("TNHS_SMTP_URL", url))?.unwrap() {
            SmtpUrl::Smtp(server) => Ok(server),
            SmtpUrl::Folder(_) => panic!("a folder"),
        }
    }

    #[test]
    fn a_kannel_is_read_from_its_address_and_its_password_never_shown() {
        let plain = provider("kannel+http://tnhs:s3cret@127.0.0.1:13013?from=BHXH");
        assert_eq!(plain.url, "http://127.0.0.1:13013/cgi-bin/sendsms");
        assert_eq!((plain.rate, plain.deadline, plain.phone), (None, SEND_DEADLINE, PhoneStyle::National));
        assert!(!format!("{plain:?}").contains("s3cret"));
        let all =
            provider("kannel+https://tnhs:s3%40cret@sms.example.vn/send?from=BHXH%20VN&rate=20&timeout=5&phone=+84");
        assert_eq!((all.url.as_str(), all.brand.as_str()), ("https://sms.example.vn/send", "BHXH VN"));
        assert_eq!((all.rate, all.deadline.as_secs(), all.phone), (NonZeroU32::new(20), 5, PhoneStyle::Plus));
        assert!(all.headers.contains(&("X-Kannel-Password".into(), Secret("s3@cret".into()))));
    }

    #[test]
    fn a_mail_server_is_read_from_its_address_and_its_password_never_shown() {
        let wrapped = server("smtps://user:hunter2@mail.example.vn?from=tnhs@example.vn").unwrap();
        assert_eq!((wrapped.host.as_str(), wrapped.port, wrapped.tls), ("mail.example.vn", 465, SmtpTls::Wrapped));
        assert_eq!(wrapped.credentials, Some(("user".into(), Secret("hunter2".into()))));
        assert!(!format!("{wrapped:?}").contains("hunter2"));
        let plain = server("smtp://[::1]:2525?from=tnhs@example.vn&rate=3&timeout=2").unwrap();
        assert_eq!((plain.host.as_str(), plain.port, plain.tls), ("::1", 2525, SmtpTls::Never));
        assert_eq!((plain.rate, plain.deadline.as_secs(), plain.credentials), (NonZeroU32::new(3), 2, None));
        let starttls = server("smtp://mail.example.vn/?tls=required&from=tnhs@example.vn").unwrap();
        assert_eq!((starttls.host.as_str(), starttls.port, starttls.tls), ("mail.example.vn", 587, SmtpTls::Required));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for wrong in [
            "http://mail",
            "smtp://mail.example.vn",
            "smtp://?from=tnhs@example.vn",
            "smtp://mail.example.vn:mail?from=tnhs@example.vn",
            "smtp://mail.example.vn?from=tnhs",
            "smtp://mail.example.vn?from=tnhs@example.vn&tls=perhaps",
            "smtps://mail.example.vn?from=tnhs@example.vn&tls=opportunistic",
            "smtp://mail.example.vn?from=tnhs@example.vn&rate=0",
            "smtp://mail.example.vn?from=tnhs@example.vn&timeout=31",
            "smtp://user@mail.example.vn?from=tnhs@example.vn",
            "file:",
        ] {
            assert_eq!(server(wrong).unwrap_err().variable, "TNHS_SMTP_URL", "{wrong}");
        }
        for wrong in [
            "kannel+http://gateway:13013",
            "kannel+http://tnhs:s3cret@",
            "kannel+http://tnhs:s3cret@:13013",
            "kannel+http://tnhs:s3cret@gateway:sms",
            "kannel+ftp://tnhs:s3cret@gateway:13013",
            "kannel+http://tnhs:s3cret@gateway:13013?from=BHXH%20Viet%20Nam",
            "kannel+http://tnhs:s3cret@gateway:13013?phone=0084",
            "kannel+http://tnhs:s3cret@gateway:13013?rate=many",
            "kannel+http://tnhs:s3cret@gateway:13013?sender=BHXH",
            "kannel+http://tnhs:s3%0Acret@gateway:13013",
            "json:/nowhere/sms.json",
            "file:",
        ] {
            let error = sms("TNHS_SMS_BACKUP_URL", &of("TNHS_SMS_BACKUP_URL", wrong)).unwrap_err();
            assert_eq!(error.variable, "TNHS_SMS_BACKUP_URL", "{wrong}");
            assert!(!error.problem.contains("s3cret"), "{error}");
        }
    }
}
