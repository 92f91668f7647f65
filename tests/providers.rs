//! Providers that are described in a file: the examples of docs/sms against a provider that answers as they say, and
//! descriptions that cannot be meant.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::PathBuf;

use argon2::Argon2;
use argon2::password_hash::{PasswordVerifier, phc::PasswordHash};
use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use support::gateways::Answer::{self, Says, Silent};
use support::gateways::Gateway;
use support::receipts::{tell, tell_with};
use support::{TestApp, TestDb, both_databases};
use tnhs::clock;
use tnhs::config::{Config, SmsUrl};
use tnhs::db::schema::{accounts, messages as stored};
use tnhs::domain::application::Application;
use tnhs::domain::delivery::{Cause, MessageState};

const SECRETS: [(&str, &str); 4] = [
    ("SMS_API_KEY", "khoa-thu"),
    ("SMS_SECRET_KEY", "bi-mat-thu"),
    ("SMS_BASIC", "dGh1OnRodQ=="),
    ("SMS_PASSWORD", "mat-khau-thu"),
];

fn example(name: &str) -> Value {
    let path = format!("{}/docs/sms/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The server whose messages go to this provider, which is asked at the gateway instead of its own address.
fn serve(database: TestDb, mut provider: Value, gateway: &Gateway) -> (TestApp, TempDir) {
    provider["url"] = format!("http://{}/send", gateway.address).into();
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder, &provider);
    let url = format!("json:{}", file.display());
    let settings: Vec<_> = SECRETS.into_iter().chain([("TNHS_SMS_URL", url.as_str())]).collect();
    (database.serve(&settings), folder)
}

fn write(folder: &TempDir, provider: &Value) -> PathBuf {
    let file = folder.path().join("sms.json");
    std::fs::write(&file, provider.to_string()).unwrap();
    file
}

/// Somebody was told by SMS alone that their application was refused. It has left.
fn told(app: &TestApp) -> Application {
    let mut person = app.citizen("Lê Thị Hồng");
    person.email = None;
    let application = app.declared(&app.offices.ba_dinh, &person);
    let officer = app.officer(&app.offices.ba_dinh);
    officer.submit(officer.open(&application).invalid("Tờ khai chưa ký")).expect(200);
    app.outbox_drain();
    application
}

fn standing(app: &TestApp, application: &Application) -> (MessageState, Option<Cause>) {
    let message = app.messages(application).remove(0);
    (message.state, message.cause)
}

/// What the provider got in the nth message, as JSON.
fn body(gateway: &Gateway, nth: usize) -> Value {
    serde_json::from_str(&gateway.got()[nth].text).unwrap()
}

/// Sends one message for each answer, and looks where it stands then.
fn answers_mean(app: &TestApp, expected: &[(MessageState, Option<Cause>)]) {
    for (nth, expected) in expected.iter().enumerate() {
        let application = told(app);
        assert_eq!(standing(app, &application), *expected, "answer {nth}");
    }
}

use MessageState::{Accepted, Delivered, Failed, Queued, Undelivered, Unknown};

both_databases! {
    fn an_esms_like_provider_is_configuration(database: TestDb) {
        let gateway = Gateway::answering(&[
            Says(200, r#"{"CodeResult":"100","CountRegenerate":0,"SMSID":"d8e0f1"}"#),
            Says(200, r#"{"CodeResult":100}"#),
            Says(200, r#"{"CodeResult":"124","ErrorMessage":"RequestId da ton tai"}"#),
            Says(200, r#"{"CodeResult":"101","ErrorMessage":"Authorize Failed"}"#),
            Says(200, r#"{"CodeResult":"99","ErrorMessage":"Phone not valid"}"#),
            Says(200, r#"{"CodeResult":"99","ErrorMessage":"Unknow error"}"#),
            Says(200, r#"{"CodeResult":"104","ErrorMessage":"Brandname not exist"}"#),
            Says(200, r#"{"CodeResult":"777"}"#),
            Says(200, "<html>"),
        ]);
        let (app, _folder) = serve(database, example("esms-like"), &gateway);
        let application = told(&app);
        let sent = body(&gateway, 0);
        assert_eq!(gateway.got()[0].header("content-type"), Some("application/json"));
        let text = format!("BHXH VN: Ho so {} khong duoc duyet. Ly do: To khai chua ky. \
            Lien he 19009068 hoac co quan BHXH gan nhat.", application.number);
        for (field, value) in [("ApiKey", "khoa-thu"), ("SecretKey", "bi-mat-thu"), ("Brandname", "BHXH"),
            ("Phone", application.declaration.phone.as_str()), ("Content", text.as_str())]
        {
            assert_eq!(sent[field], value);
        }
        let receipt = sent["CallbackUrl"].as_str().unwrap().to_owned();
        assert!(receipt.starts_with(&format!("{}/receipts/", app.url)) && receipt.ends_with("/sms"), "{receipt}");
        assert_eq!(standing(&app, &application), (Accepted, None));
        tell(&format!("{receipt}?SMSID=d8e0f1&SendStatus=4"));
        assert_eq!(standing(&app, &application), (Undelivered, Some(Cause::NotDelivered)));
        tell(&format!("{receipt}?SMSID=d8e0f1&SendStatus=5"));
        assert_eq!(standing(&app, &application), (Delivered, None));
        answers_mean(&app, &[
            (Accepted, None),
            (Accepted, None),
            (Queued, Some(Cause::Denied)),
            (Failed, Some(Cause::BadRecipient)),
            (Queued, Some(Cause::Busy)),
            (Failed, Some(Cause::Refused)),
            (Unknown, Some(Cause::Unclear)),
            (Unknown, Some(Cause::Unclear)),
        ]);
    }

    fn a_speedsms_like_provider_is_configuration(database: TestDb) {
        let gateway = Gateway::answering(&[
            Says(200, r#"{"status":"success","code":"00","data":{"tranId":123456,"totalSMS":1}}"#),
            Says(401, r#"{"status":"error"}"#),
            Says(200, r#"{"status":"error","code":"300","message":"not enough balance"}"#),
            Says(200, r#"{"status":"error","code":"105","message":"phone number invalid"}"#),
            Says(503, "busy"),
        ]);
        let (app, _folder) = serve(database, example("speedsms-like"), &gateway);
        let application = told(&app);
        let (sent, phone) = (body(&gateway, 0), application.declaration.phone.as_str());
        assert_eq!(sent["to"], json!([format!("84{}", &phone[1..])]));
        assert_eq!((&sent["sms_type"], &sent["sender"]), (&json!(3), &json!("BHXH")));
        assert_eq!(gateway.got()[0].header("authorization"), Some("basic dgh1onrodq=="));
        tell_with(sent["callback"].as_str().unwrap(), "application/json", r#"{"type":"report","tranId":"123456","status":0}"#);
        assert_eq!(standing(&app, &application), (Delivered, None));
        answers_mean(&app, &[
            (Queued, Some(Cause::Denied)),
            (Queued, Some(Cause::Denied)),
            (Failed, Some(Cause::BadRecipient)),
            (Queued, Some(Cause::Busy)),
        ]);
    }

    fn a_vnpt_like_provider_is_configuration(database: TestDb) {
        let gateway = Gateway::answering(&[
            Says(200, r#"{"RPLY":{"ERROR_DESC":"success","name":"send_sms_list","ERROR":"0"}}"#),
            Says(200, r#"{"RPLY":{"ERROR":"31"}}"#),
            Says(200, r#"{"RPLY":{"ERROR":"17"}}"#),
            Says(500, ""),
        ]);
        let (app, _folder) = serve(database, example("vnpt-like"), &gateway);
        let application = told(&app);
        let sent = body(&gateway, 0);
        let request = &sent["RQST"];
        assert_eq!(request["APIPASS"], "mat-khau-thu");
        assert_eq!(request["MOBILELIST"], format!("84{}", &application.declaration.phone.as_str()[1..]));
        assert!(request["PARAMS"][0]["CONTENT"].as_str().unwrap().starts_with("BHXH VN: Ho so"));
        assert_eq!(standing(&app, &application), (Accepted, None));
        let due: Option<chrono::NaiveDateTime> = app.db(|conn| stored::table.select(stored::receipt_due_at).first(conn));
        assert_eq!(due, None, "this provider tells nothing");
        answers_mean(&app, &[
            (Queued, Some(Cause::Denied)),
            (Failed, Some(Cause::Refused)),
            (Queued, Some(Cause::Busy)),
        ]);
    }

    fn a_provider_may_want_a_form(database: TestDb) {
        const TAKEN: Answer = Says(200, "ok: 1");
        let provider = json!({
            "url": "", "headers": { "X-Key": "${SMS_API_KEY}", "X-Number": "{to}" },
            "form": { "key": "${SMS_SECRET_KEY}", "text": "{text}", "when{": "now" }, "brand": "BHXH", "phone": "+84",
            "success": { "status": [200], "says": ["OK:"] },
        });
        let gateway = Gateway::answering(&[TAKEN]);
        let (app, _folder) = serve(database, provider, &gateway);
        let application = told(&app);
        assert_eq!(standing(&app, &application), (Accepted, None));
        let request = gateway.got().remove(0);
        assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(request.header("x-key"), Some("khoa-thu"));
        assert_eq!(request.header("x-number"), Some(format!("+84{}", &application.declaration.phone.as_str()[1..]).as_str()));
        assert!(request.text.starts_with("key=bi-mat-thu&text=BHXH+VN%3A+Ho+so+"), "{}", request.text);
        assert!(request.text.ends_with("&when%7B=now"), "{}", request.text);
    }

    /// No answer came to the first attempt, and the provider says that it had it: the password of the first one is what arrived.
    fn what_a_provider_had_already_keeps_the_password_that_arrived(database: TestDb) {
        let gateway = Gateway::answering(&[Silent, Says(200, r#"{"CodeResult":"124"}"#)]);
        let mut provider = example("esms-like");
        provider["timeout_seconds"] = 3.into();
        let (app, _folder) = serve(database, provider, &gateway);
        let application = app.ready("Trần Thị Bích Ngọc");
        let officer = app.officer(&app.offices.ba_dinh);
        officer.submit(officer.open(&application).valid()).expect(200);
        let now = clock::now();
        app.outbox_drain_at(now);
        assert_eq!(standing(&app, &application), (Unknown, Some(Cause::NoAnswer)));
        app.outbox_drain_at(now + TimeDelta::minutes(1));
        assert_eq!(standing(&app, &application), (Accepted, None));
        let (first, second) = (body(&gateway, 0), body(&gateway, 1));
        assert_eq!(first["RequestId"], second["RequestId"]);
        assert!(first["RequestId"].as_str().unwrap().len() <= 50, "{first}");
        let hashes: Option<String> = app.db(|conn| accounts::table.select(accounts::password_hashes).first(conn));
        let hashes = hashes.unwrap();
        let signs_in = |sent: &Value| {
            let (_, rest) = sent["Content"].as_str().unwrap().split_once("Mat khau: ").unwrap();
            let password: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
            hashes.lines().any(|hash| {
                Argon2::default().verify_password(password.as_bytes(), &PasswordHash::new(hash).unwrap()).is_ok()
            })
        };
        assert!(signs_in(&first) && !signs_in(&second));
    }
}

#[test]
fn what_cannot_be_meant_stops_the_start_with_the_field() {
    let folder = tempfile::tempdir().unwrap();
    let read = |provider: &Value| {
        let file = write(&folder, provider);
        let url = format!("json:{}", file.display());
        let known = |name: &str| match name {
            "TNHS_SMS_URL" => Some(url.clone()),
            "TNHS_SECRET_KEY" => Some("k".repeat(64)),
            _ => SECRETS.iter().find(|(secret, _)| *secret == name).map(|(_, value)| (*value).to_owned()),
        };
        Config::from_lookup(known)
    };
    let config = read(&example("esms-like")).unwrap();
    assert!(matches!(config.sms, Some(SmsUrl::Http(_))) && config.reaches_people());
    let shown = format!("{config:?}");
    assert!(!shown.contains("khoa-thu") && !shown.contains("bi-mat-thu"), "{shown}");

    let with = |pointer: &str, value: Value| {
        let mut provider = example("esms-like");
        *provider.pointer_mut(pointer).unwrap() = value;
        provider
    };
    for (provider, field) in [
        (with("/url", json!("sms.example.vn")), "url: "),
        (with("/url", json!("file:///etc/passwd")), "url: "),
        (with("/brand", json!("BHXH Viet Nam")), "brand: "),
        (with("/phone", json!("0084")), "phone: "),
        (with("/success", json!({})), "success.status: "),
        (with("/success/at", json!("CodeResult")), "success.at: "),
        (with("/success/values", json!([])), "success.values: "),
        (with("/success/values", json!([[]])), "success.values: "),
        (with("/success/status", json!(["ok"])), "success.status[0]: "),
        (with("/errors/retry", json!([{}])), "errors.retry[0]: "),
        (with("/errors", json!({ "maybe": [] })), "unknown variant `maybe`"),
        (with("/body/ApiKey", json!("${SMS_KEY}")), "body: the environment has no variable SMS_KEY"),
        (with("/body/Content", json!("{txt}")), "body: «{txt}»"),
        (with("/body/Content", json!("Xin chao")), "body: {text}"),
        (with("/body/CallbackUrl", json!("")), "receipt: "),
        (with("/receipt/delivered", json!(5)), "receipt.delivered: "),
        (with("/body", Value::Null), "body: "),
        (with("/rate", json!(0)), "rate: "),
        (with("/timeout_seconds", json!(31)), "timeout_seconds: "),
        (json!({ "url": "https://sms.example.vn", "method": "GET" }), "unknown field `method`"),
    ] {
        let error = read(&provider).unwrap_err();
        assert_eq!(error.variable, "TNHS_SMS_URL");
        assert!(error.problem.contains("sms.json: ") && error.problem.contains(field), "{field}: {error}");
        assert!(!error.problem.contains("thu"), "{error}");
    }
}
