//! The one driver for gateways that are spoken to over HTTP. How, is a [`Provider`]: Kannel's is built in, others are read
//! from a file.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use ureq::http::header::CONTENT_TYPE;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use super::Sms;
use crate::adapters::Answer;
use crate::config::Secret;
use crate::domain::delivery::{Cause, Gateway, Outcome, Receipt};

/// How a provider is spoken to: always by POST. `{to} {text} {id} {brand} {receipt}` stand in headers and body for what
/// differs between messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    pub url: String,
    pub headers: Vec<(String, Secret<String>)>,
    pub body: Secret<Body>,
    /// The sender that the telephone shows: 1 to 11 characters.
    pub brand: String,
    pub phone: PhoneStyle,
    pub success: Rule,
    /// The first meaning of which a rule holds counts.
    pub errors: BTreeMap<Meaning, Vec<Rule>>,
    /// None: it does not tell what became of a message.
    pub receipt: Option<Receipts>,
    /// Messages a second.
    pub rate: Option<NonZeroU32>,
    /// From connecting to the end of the answer.
    pub deadline: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The text alone.
    Text,
    Form(BTreeMap<String, String>),
    Json(Value),
}

/// How a provider wants telephone numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum PhoneStyle {
    #[default]
    #[serde(rename = "0")]
    National,
    #[serde(rename = "84")]
    Country,
    #[serde(rename = "+84")]
    Plus,
}

impl PhoneStyle {
    fn write(self, phone: &str) -> String {
        let bare = phone.strip_prefix('0').unwrap_or(phone);
        match self {
            Self::National => phone.to_owned(),
            Self::Country => format!("84{bare}"),
            Self::Plus => format!("+84{bare}"),
        }
    }
}

/// By what an answer is known. Everything that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    /// HTTP statuses; none is any.
    pub status: Vec<u16>,
    /// A JSON pointer (RFC 6901) into the answer …
    pub at: Option<String>,
    /// … and what may stand there; 100 and "100" are the same.
    #[serde(deserialize_with = "texts")]
    pub values: Vec<String>,
    /// Words of which one is in the answer, in small letters.
    pub says: Vec<String>,
}

impl Rule {
    fn holds(&self, status: u16, said: &str, json: &Value) -> bool {
        let at =
            self.at.as_ref().is_none_or(|at| json.pointer(at).and_then(text).is_some_and(|v| self.values.contains(&v)));
        let says = self.says.is_empty() || self.says.iter().any(|word| said.to_lowercase().contains(word));
        (self.status.is_empty() || self.status.contains(&status)) && at && says
    }
}

/// What a provider means by an answer that is no success, in the order in which they are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// It had the message from an earlier attempt.
    AlreadySent,
    /// It does not know us, or not any more: somebody must look after the account there.
    Denied,
    /// Nothing reaches this telephone.
    BadNumber,
    /// It never takes this message.
    Permanent,
    /// It does not take it now.
    Retry,
}

/// How a call to the receipts' address is read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipts {
    /// Where the status stands: a JSON pointer into the body when it begins with `/`, else the name of a parameter in the address
    /// or in a form.
    pub status: String,
    #[serde(deserialize_with = "texts")]
    pub delivered: Vec<String>,
    #[serde(deserialize_with = "texts")]
    pub undelivered: Vec<String>,
    #[serde(deserialize_with = "texts", default)]
    pub buffered: Vec<String>,
    #[serde(deserialize_with = "texts", default)]
    pub taken: Vec<String>,
    #[serde(deserialize_with = "texts", default)]
    pub refused: Vec<String>,
}

impl Receipts {
    fn read(&self, query: &str, body: &[u8]) -> Option<Receipt> {
        let status = if self.status.starts_with('/') {
            serde_json::from_slice::<Value>(body).ok()?.pointer(&self.status).and_then(text)?
        } else {
            let mut parameters = form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(body));
            parameters.find(|(name, _)| *name == self.status)?.1.into_owned()
        };
        [
            (&self.delivered, Receipt::Delivered),
            (&self.undelivered, Receipt::Undelivered),
            (&self.buffered, Receipt::Buffered),
            (&self.taken, Receipt::Taken),
            (&self.refused, Receipt::Refused),
        ]
        .into_iter()
        .find_map(|(values, receipt)| values.contains(&status).then_some(receipt))
    }
}

/// A value as a text, so that codes may be numbers or texts.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let values = Vec::<Value>::deserialize(deserializer)?;
    let texts: Option<Vec<String>> = values.iter().map(text).collect();
    texts.ok_or_else(|| serde::de::Error::custom("only texts, numbers, true and false can be compared"))
}

/// A provider, and the connections to it.
pub struct Http {
    agent: ureq::Agent,
    provider: Provider,
}

impl Http {
    pub fn new(provider: &Provider, authorities: Option<&[u8]>) -> Self {
        let believed = authorities.map_or(RootCerts::WebPki, |pem| {
            let certificates = parse_pem(pem).filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                // There is nothing else: the configuration looked.
                _ => None,
            });
            certificates.into()
        });
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(provider.deadline))
            // Whoever does not answer the telephone has not heard anything: that is to be told from an answer that does not come.
            .timeout_connect(Some(provider.deadline.min(Duration::from_secs(20)) / 2))
            .tls_config(TlsConfig::builder().root_certs(believed).build())
            .http_status_as_error(false)
            .max_redirects(0)
            // A proxy that the environment names for something else must not see a password.
            .proxy(None)
            .max_idle_connections(64)
            .max_idle_connections_per_host(64)
            // Shorter than gateways keep them: a message on a line that was just hung up would be in doubt.
            .max_idle_age(Duration::from_secs(3))
            .build()
            .new_agent();
        Self { agent, provider: provider.clone() }
    }

    /// Sends one message, within the deadline. Blocks.
    pub fn send(&self, by: Gateway, sms: &Sms<'_>) -> Answer {
        let provider = &self.provider;
        let (to, receipt) = (provider.phone.write(sms.to), format!("{}/{}", sms.receipts, by.code()));
        let values = [
            ("to", to.as_str()),
            ("text", sms.text),
            ("id", sms.key),
            ("brand", &provider.brand),
            ("receipt", &receipt),
        ];
        let (content_type, body) = match &provider.body.0 {
            Body::Text => ("text/plain; charset=UTF-8", sms.text.to_owned()),
            Body::Form(fields) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                form.extend_pairs(fields.iter().map(|(name, value)| (name, fill(value, &values))));
                ("application/x-www-form-urlencoded", form.finish())
            }
            Body::Json(json) => ("application/json", fill_json(json, &values).to_string()),
        };
        let mut request = self.agent.post(&provider.url).header(CONTENT_TYPE, content_type);
        for (name, value) in &provider.headers {
            request = request.header(name, fill(&value.0, &values));
        }
        let answer = request.send(body).and_then(|mut answer| {
            let said = answer.body_mut().with_config().limit(MAX_ANSWER).lossy_utf8(true).read_to_string()?;
            Ok((answer.status().as_u16(), said))
        });
        let (status, said) = match answer {
            Ok(answer) => answer,
            Err(error) if never_left(&error) => {
                return Answer::new(Outcome::NotSent(Cause::Unreachable), error.to_string());
            }
            // Also when it began to answer: half of it may say the contrary of the whole.
            Err(error) => return Answer::new(Outcome::MaybeSent(Cause::NoAnswer), error.to_string()),
        };
        let outcome = provider.outcome(by, status, &said);
        let accepted = matches!(outcome, Outcome::Accepted { .. });
        Answer {
            outcome,
            said: (!accepted).then(|| format!("answered {status}: {}", without_secrets(&said, sms.text))),
        }
    }

    /// What a call to the receipts' address says.
    pub fn receipt(&self, query: &str, body: &[u8]) -> Option<Receipt> {
        self.provider.receipt.as_ref()?.read(query, body)
    }
}

/// No provider has more to say, in bytes.
const MAX_ANSWER: u64 = 64 * 1024;

impl Provider {
    fn outcome(&self, by: Gateway, status: u16, said: &str) -> Outcome {
        let json = serde_json::from_str(said).unwrap_or_default();
        let holds = |rule: &Rule| rule.holds(status, said, &json);
        let receipt = self.receipt.is_some();
        if holds(&self.success) {
            return Outcome::Accepted { by, receipt };
        }
        match self.errors.iter().find(|(_, rules)| rules.iter().any(holds)).map(|(meaning, _)| meaning) {
            Some(Meaning::AlreadySent) => Outcome::AlreadySent { by, receipt },
            Some(Meaning::Denied) => Outcome::NotSent(Cause::Denied),
            Some(Meaning::BadNumber) => Outcome::Never(Cause::BadRecipient),
            Some(Meaning::Permanent) => Outcome::Never(Cause::Refused),
            Some(Meaning::Retry) => Outcome::NotSent(Cause::Busy),
            // What these mean is the same everywhere (RFC 9110, 15.5.2, 15.5.4, 15.6.4; RFC 6585, 4).
            None => match status {
                401 | 403 => Outcome::NotSent(Cause::Denied),
                429 | 503 => Outcome::NotSent(Cause::Busy),
                _ => Outcome::MaybeSent(Cause::Unclear),
            },
        }
    }
}

/// Puts values where their names stand in braces, once: braces in a value stay as they are.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let (mut filled, mut rest) = (String::new(), template);
    while let Some(at) = rest.find('{') {
        filled.push_str(&rest[..at]);
        let inside = &rest[at + 1..];
        let here = values.iter().find_map(|(name, value)| Some((value, inside.strip_prefix(name)?.strip_prefix('}')?)));
        let (value, after) = here.unwrap_or((&"{", inside));
        filled.push_str(value);
        rest = after;
    }
    filled + rest
}

fn fill_json(template: &Value, values: &[(&str, &str)]) -> Value {
    match template {
        Value::String(text) => Value::String(fill(text, values)),
        Value::Array(items) => items.iter().map(|item| fill_json(item, values)).collect(),
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.clone(), fill_json(field, values))).collect(),
        other => other.clone(),
    }
}

/// The beginning of what a gateway said, for the database, where no password may stand: some gateways repeat the message, in
/// whatever spelling. So no longer word of the message is kept.
fn without_secrets(said: &str, message: &str) -> String {
    const LONG: usize = 6;
    const KEPT: usize = 300;
    let words = message.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() >= LONG);
    words.fold(said.trim().to_owned(), |said, word| said.replace(word, "…")).chars().take(KEPT).collect()
}

/// Whether nothing of the message can have left: the line was never there.
fn never_left(error: &ureq::Error) -> bool {
    use std::io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
    match error {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed | ureq::Error::Http(_) => true,
        ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => true,
        ureq::Error::Io(error) => {
            matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable)
                // rustls checks it before anything is said.
                || error.to_string().contains("invalid peer certificate")
        }
        _ => false,
    }
}
