//! The app or the portal as it calls the account interface, and citizens who have an account there.

use std::sync::OnceLock;

use diesel::prelude::*;
use serde_json::{Value, json};

use tnhs::adapters::hasher;
use tnhs::clock;
use tnhs::db::api_keys::{self, By};
use tnhs::db::schema::{accounts, events, messages, otps};
use tnhs::domain::api_key::{ApiScope, new_key};
use tnhs::domain::application::{Application, Declaration};
use tnhs::domain::event::EventKind;
use tnhs::domain::ids::{AccountId, OtpId};
use tnhs::domain::outbox::MessageKind;

use super::{Browser, TestApp};

/// A password that a citizen has chosen.
pub const OWN: &str = "Mật khẩu của tôi 2026";
pub const PHONE: &str = "an app that runs on a phone";
pub const TABLET: &str = "an app that runs on a tablet";

/// An answer of the interface.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub json: Value,
    pub body: String,
    pub url: String,
    headers: Vec<(String, String)>,
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// `status` of a call that went well, the last word of `type` of one that was refused.
    pub fn says(&self) -> &str {
        let refused = || self.json["type"].as_str()?.strip_prefix("urn:tnhs:");
        self.json["status"].as_str().or_else(refused).unwrap_or_default()
    }

    /// The fields that are wrong.
    pub fn faults(&self) -> Vec<&str> {
        self.json["errors"].as_object().into_iter().flatten().map(|(field, _)| field.as_str()).collect()
    }

    /// All that could tell one refusal from another.
    pub fn all(&self) -> (u16, &str, Vec<&(String, String)>) {
        (self.status, &self.body, self.headers.iter().filter(|(name, _)| name != "date").collect())
    }
}

/// A program with a key.
pub struct Client {
    browser: Browser,
    pub key: String,
    description: Value,
}

impl Client {
    /// A program that calls the server at this address.
    pub fn at(url: &str, key: &str) -> Self {
        let browser = Browser::new(url);
        let description = browser.send("GET", "/api/openapi.json", &[], Vec::new()).expect(200);
        Self { browser, key: key.to_owned(), description: serde_json::from_str(&description.html).unwrap() }
    }

    /// One call about an account. Whatever comes back is in the description of the interface.
    #[track_caller]
    pub fn call(&self, what: &str, body: &Value) -> Answer {
        let path = format!("/api/v1/accounts/{what}");
        let authorization = format!("Bearer {}", self.key);
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        let answer = self.send("POST", &path, &headers, body.to_string().into_bytes());
        let described = &self.description["paths"][&path]["post"]["responses"][answer.status.to_string()];
        let media = answer.header("content-type").unwrap();
        let refusal = answer.status >= 400;
        assert_eq!(media, if refusal { "application/problem+json" } else { "application/json" });
        assert!(described["content"][media]["schema"].is_object(), "{} of {path} is not described", answer.status);
        answer
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let page = self.browser.send(method, path, headers, body);
        let header = |(name, value): (&_, &ureq::http::HeaderValue)| {
            (format!("{name}"), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let headers = page.headers.iter().map(|(name, value)| header((name, value))).collect();
        let json = serde_json::from_str(&page.html).unwrap_or_default();
        Answer { status: page.status, json, body: page.html, url: page.url, headers }
    }

    #[track_caller]
    pub fn verify(&self, citizen: &Citizen, password: &str, device: &str) -> Answer {
        self.call("verify", &json!({ "account": citizen.code, "password": password, "device": device }))
    }

    #[track_caller]
    pub fn verify_with(&self, citizen: &Citizen, device: &str, (otp_id, otp): &(OtpId, String)) -> Answer {
        let body = json!({ "account": citizen.code, "password": citizen.password, "device": device, "otp_id": otp_id, "otp": otp });
        self.call("verify", &body)
    }

    #[track_caller]
    pub fn ask_otp(&self, citizen: &Citizen, purpose: &str, device: Option<&str>) -> Answer {
        let mut body = json!({ "account": citizen.code, "password": citizen.password, "purpose": purpose });
        if let Some(device) = device {
            body["device"] = device.into();
        }
        self.call("otp", &body)
    }

    #[track_caller]
    pub fn change(
        &self,
        citizen: &Citizen,
        new: &str,
        (otp_id, otp): &(OtpId, String),
        device: Option<&str>,
    ) -> Answer {
        let mut body = json!({
            "account": citizen.code, "password": citizen.password, "new_password": new, "otp_id": otp_id, "otp": otp
        });
        if let Some(device) = device {
            body["device"] = device.into();
        }
        self.call("password", &body)
    }
}

/// Somebody with an account.
#[derive(Clone, Debug)]
pub struct Citizen {
    pub account: AccountId,
    pub code: String,
    /// Which they know.
    pub password: String,
    pub application: Application,
}

impl TestApp {
    /// A key with these scopes.
    pub fn api_key(&self, name: &str, scopes: &[ApiScope]) -> String {
        let key = new_key(&mut rand::rng());
        let by = By { staff: None, at: clock::now(), address: None };
        self.db(|conn| api_keys::add(conn, name, scopes, &key, by)).expect("there is one of this name");
        key
    }

    /// A program that may ask for accounts.
    pub fn client(&self) -> Client {
        self.client_with(&self.api_key("VssID", &[ApiScope::Accounts]))
    }

    pub fn client_with(&self, key: &str) -> Client {
        Client::at(&self.url, key)
    }

    /// Somebody whom an officer has just approved, with the first password as it came by SMS.
    pub fn approved_citizen(&self, person: &Declaration) -> Citizen {
        self.registered(person);
        let application = self.declared(&self.offices.ba_dinh, person);
        let officer = self.officer(&self.offices.ba_dinh);
        officer.submit(officer.open(&application).valid()).expect(200);
        self.outbox_drain();
        let password = after("Mat khau: ", &self.sms());
        Citizen { account: self.account_of(&application).id, code: person.code.to_string(), password, application }
    }

    /// Somebody who has chosen the password [`OWN`] a while ago.
    pub fn settled_citizen(&self, name: &str) -> Citizen {
        static HASH: OnceLock<String> = OnceLock::new();
        let citizen = self.approved_citizen(&self.citizen(name));
        let hash = HASH.get_or_init(|| hasher::hash_now(OWN).unwrap());
        let set = (accounts::password_hashes.eq(hash), accounts::must_change_password.eq(false));
        self.db(|conn| diesel::update(accounts::table.find(citizen.account)).set(set).execute(conn));
        Citizen { password: OWN.into(), ..citizen }
    }

    /// The hashes of the passwords that are good.
    pub fn hashes(&self, citizen: &Citizen) -> String {
        let hashes = accounts::table.find(citizen.account).select(accounts::password_hashes.assume_not_null());
        self.db(|conn| hashes.first(conn))
    }

    /// Asks for a one-time password, after those before it are long ago, and reads it from the SMS.
    #[track_caller]
    pub fn otp(&self, client: &Client, citizen: &Citizen, purpose: &str, device: Option<&str>) -> (OtpId, String) {
        self.otps_were_asked_long_ago();
        let asked = client.ask_otp(citizen, purpose, device).expect(202);
        self.outbox_drain();
        (OtpId(asked.json["otp_id"].as_i64().unwrap()), after("Ma xac thuc ", &self.sms()))
    }

    pub fn otps_were_asked_long_ago(&self) {
        let ago = clock::now() - chrono::TimeDelta::hours(2);
        self.db(|conn| diesel::update(otps::table).set(otps::created_at.eq(ago)).execute(conn));
    }

    /// What happened to an account besides messages, oldest first.
    pub fn happened(&self, citizen: &Citizen) -> Vec<EventKind> {
        self.db(|conn| {
            events::table
                .filter(events::account_id.eq(citizen.account))
                .filter(events::application_id.is_null())
                .order(events::id)
                .select(events::kind)
                .load(conn)
        })
    }

    /// How many messages of this kind there are about an account.
    pub fn told(&self, citizen: &Citizen, kind: MessageKind) -> i64 {
        self.db(|conn| {
            let about = messages::table.filter(messages::account_id.eq(citizen.account));
            about.filter(messages::kind.eq(kind)).count().get_result(conn)
        })
    }
}

/// What stands behind these words in the latest text that has them.
#[track_caller]
fn after(words: &str, texts: &[String]) -> String {
    let (_, rest) = texts.iter().rev().find_map(|text| text.split_once(words)).expect("no such text");
    rest.chars().take_while(char::is_ascii_alphanumeric).collect()
}
