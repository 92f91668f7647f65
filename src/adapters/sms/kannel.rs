//! Kannel's smsbox: asked by POST with headers, so that neither texts nor passwords stand in a URL (Kannel user's guide,
//! "Sending SMS through smsbox"). It calls the receipts' address itself ("Delivery reports").

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use super::http::{Body, Meaning, PhoneStyle, Provider, Receipts, Rule};
use crate::config::Secret;

/// What the address of a Kannel says.
pub struct Kannel {
    pub endpoint: String,
    pub user: String,
    pub password: String,
    pub from: String,
    pub phone: PhoneStyle,
    pub rate: Option<NonZeroU32>,
    pub deadline: Duration,
}

pub fn provider(kannel: Kannel) -> Provider {
    let header = |name: &str, value: &str| (name.to_owned(), Secret(value.to_owned()));
    let status = |status: &[u16]| Rule { status: status.to_vec(), ..Rule::default() };
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Provider {
        headers: vec![
            header("X-Kannel-Username", &kannel.user),
            header("X-Kannel-Password", &kannel.password),
            header("X-Kannel-From", "{brand}"),
            header("X-Kannel-To", "{to}"),
            header("X-Kannel-Coding", "0"),
            header("X-Kannel-Charset", "UTF-8"),
            // Everything that it can tell.
            header("X-Kannel-DLR-Mask", "31"),
            header("X-Kannel-DLR-Url", "{receipt}?status=%d"),
        ],
        url: kannel.endpoint,
        body: Secret(Body::Text),
        brand: kannel.from,
        phone: kannel.phone,
        // «0: Accepted for delivery», «3: Queued for later delivery».
        success: Rule { status: vec![202], says: texts(&["0:", "3:"]), ..Rule::default() },
        errors: BTreeMap::from([
            (Meaning::Denied, vec![status(&[403])]),
            // «Number(s) has/have been denied by white- and/or black-lists.», «Missing receiver(s) number(s), rejected»
            (Meaning::BadNumber, vec![Rule { says: texts(&["number"]), ..status(&[400]) }]),
            (Meaning::Permanent, vec![status(&[400])]),
            // What stands before it answers 502 and 504, and then nobody knows.
            (Meaning::Retry, vec![status(&[500, 503])]),
        ]),
        receipt: Some(Receipts {
            status: "status".into(),
            delivered: texts(&["1"]),
            undelivered: texts(&["2"]),
            buffered: texts(&["4"]),
            taken: texts(&["8"]),
            refused: texts(&["16"]),
        }),
        rate: kannel.rate,
        deadline: kannel.deadline,
    }
}
