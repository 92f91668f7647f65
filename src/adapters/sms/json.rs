//! A provider that is described in a file: `TNHS_SMS_URL=json:/etc/tnhs/sms.json`. `docs/sms` has examples. The file holds no
//! secret: `${NAME}` in headers and body is a variable of the environment.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use ureq::http::{HeaderName, HeaderValue, Uri};

use super::http::{Body, Meaning, PhoneStyle, Provider, Receipts, Rule};
use crate::config::Secret;
use crate::domain::delivery::SEND_DEADLINE;
use crate::domain::to_json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// JSON with the placeholders in its texts …
    body: Option<Value>,
    /// … or the fields of a form.
    form: Option<BTreeMap<String, String>>,
    brand: String,
    #[serde(default)]
    phone: PhoneStyle,
    success: Rule,
    #[serde(default)]
    errors: BTreeMap<Meaning, Vec<Rule>>,
    receipt: Option<Receipts>,
    rate: Option<NonZeroU32>,
    timeout_seconds: Option<u64>,
}

const PLACEHOLDERS: [&str; 5] = ["{to}", "{text}", "{id}", "{brand}", "{receipt}"];

/// Reads and checks a description; `env` is the environment.
///
/// # Errors
/// A sentence that names the file's field.
pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Provider, String> {
    let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let read = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(&text));
    let described: Described = read.map_err(|error| format!("{}: {error}", path.display()))?;
    described.check(env).map_err(|problem| format!("{}: {problem}", path.display()))
}

impl Described {
    fn check(self, env: &dyn Fn(&str) -> Option<String>) -> Result<Provider, String> {
        if !self.url.parse::<Uri>().is_ok_and(|url| is_web_address(&url)) {
            return Err(format!("url: «{}» is not a web address such as https://sms.example.vn/send", self.url));
        }
        if !is_brand(&self.brand) {
            return Err(format!("brand: «{}» must have 1 to 11 characters", self.brand));
        }
        if self.success.status.is_empty() {
            return Err("success.status: it needs at least one HTTP status".into());
        }
        check_rule("success", &self.success)?;
        for (meaning, rules) in &self.errors {
            for (at, rule) in rules.iter().enumerate() {
                let name = format!("errors.{}[{at}]", to_json(meaning).trim_matches('"'));
                check_rule(&name, rule)?;
                if *rule == Rule::default() {
                    return Err(format!("{name}: it says nothing, and would hold for every answer"));
                }
            }
        }
        let deadline = self.timeout_seconds.map_or(SEND_DEADLINE, Duration::from_secs);
        if deadline.is_zero() || deadline > SEND_DEADLINE {
            return Err(format!("timeout_seconds: it must be from 1 to {}", SEND_DEADLINE.as_secs()));
        }
        let body = match (self.body, self.form) {
            (Some(json), None) => Body::Json(json),
            (None, Some(form)) => Body::Form(form),
            _ => return Err("body: it needs either a body or a form".into()),
        };
        let mut used = String::new();
        let mut secrets = |field: &str, text: &str| {
            used.push_str(text);
            from_environment(text, env).map_err(|problem| format!("{field}: {problem}"))
        };
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            let field = format!("headers.{name}");
            let value = secrets(&field, value)?;
            if HeaderName::try_from(name).is_err() || HeaderValue::try_from(&value).is_err() {
                return Err(format!("{field}: this cannot be sent in a header"));
            }
            headers.push((name.clone(), Secret(value)));
        }
        let body = match body {
            Body::Form(fields) => Body::Form(
                fields
                    .into_iter()
                    .map(|(name, value)| Ok((name.clone(), secrets(&format!("form.{name}"), &value)?)))
                    .collect::<Result<_, String>>()?,
            ),
            Body::Json(json) => Body::Json(in_texts(json, &mut |text| secrets("body", text))?),
            Body::Text => Body::Text,
        };
        for needed in ["{to}", "{text}"] {
            if !used.contains(needed) {
                return Err(format!("body: {needed} stands nowhere"));
            }
        }
        if self.receipt.is_some() && !used.contains("{receipt}") {
            return Err("receipt: {receipt} stands nowhere, so that the provider does not know where to tell it".into());
        }
        Ok(Provider {
            url: self.url,
            headers,
            body: Secret(body),
            brand: self.brand,
            phone: self.phone,
            success: lower(self.success),
            errors: self.errors.into_iter().map(|(m, rules)| (m, rules.into_iter().map(lower).collect())).collect(),
            receipt: self.receipt,
            rate: self.rate,
            deadline,
        })
    }
}

/// With a host, and a port that is one: `http://:13013` and `http://gateway:sms` are URIs too.
pub fn is_web_address(url: &Uri) -> bool {
    let named_port =
        url.authority().is_some_and(|authority| authority.as_str().rsplit('@').next().is_some_and(has_port));
    matches!(url.scheme_str(), Some("http" | "https"))
        && url.host().is_some_and(|host| !host.is_empty())
        && (url.port_u16().is_some() || !named_port)
}

fn has_port(authority: &str) -> bool {
    authority.rsplit(']').next().is_some_and(|after_v6| after_v6.contains(':'))
}

/// What telephones show instead of a number (3GPP TS 23.040, 9.1.2.5).
pub fn is_brand(text: &str) -> bool {
    (1..=11).contains(&text.chars().count()) && text.chars().all(|c| c.is_ascii_graphic() || c == ' ')
}

fn check_rule(name: &str, rule: &Rule) -> Result<(), String> {
    match &rule.at {
        None if !rule.values.is_empty() => Err(format!("{name}.values: there is no «at» that says where they stand")),
        Some(at) if !at.is_empty() && !at.starts_with('/') => {
            Err(format!("{name}.at: «{at}» is no JSON pointer such as /CodeResult"))
        }
        Some(_) if rule.values.is_empty() => Err(format!("{name}.values: it needs at least one")),
        _ => Ok(()),
    }
}

fn lower(rule: Rule) -> Rule {
    Rule { says: rule.says.iter().map(|word| word.to_lowercase()).collect(), ..rule }
}

fn in_texts(json: Value, change: &mut dyn FnMut(&str) -> Result<String, String>) -> Result<Value, String> {
    Ok(match json {
        Value::String(text) => Value::String(change(&text)?),
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| in_texts(item, change)).collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, field)| Ok((name, in_texts(field, change)?)))
                .collect::<Result<_, String>>()?,
        ),
        other => other,
    })
}

/// The text with its `${NAME}` replaced. Other braces must be placeholders: a misspelt one would reach citizens.
fn from_environment(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let (mut filled, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('{') {
        let Some(length) = rest[at..].find('}') else { break };
        let (word, after) = (&rest[at..=at + length], &rest[at + length + 1..]);
        let name = &word[1..length];
        match rest[..at].strip_suffix('$') {
            Some(before) => {
                filled.push_str(before);
                filled.push_str(&env(name).ok_or_else(|| format!("the environment has no variable {name}"))?);
            }
            None if PLACEHOLDERS.contains(&word) => {
                filled.push_str(&rest[..at]);
                filled.push_str(word);
            }
            None => return Err(format!("«{word}» is not one of {}", PLACEHOLDERS.join(" "))),
        }
        rest = after;
    }
    Ok(filled + rest)
}
