//! A citizen's password is in the text message to its owner and nowhere else: in no page, answer, log, row or file, whatever
//! is done with it. One-time passwords likewise.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

use support::api::{Citizen, Client, PHONE, TABLET};
use support::{Browser, Employee, PASSWORD, Program, TestApp, both_databases};
use tnhs::domain::account::AccountAct;
use tnhs::domain::api_key::ApiScope;
use tnhs::domain::application::Application;
use tnhs::domain::ids::OtpId;
use tnhs::domain::permission::Role;

/// What somebody chooses who is easily found again.
const CHOSEN: &str = "Chim-hoang-yen-2026";
const CHOSEN_NEXT: &str = "Hoang-yen-doi-long-7";
const MISTYPED: &str = "Chim-hoang-yan-2026";

/// What was seen by anybody but the citizen.
#[derive(Default)]
struct Seen(Vec<(String, String)>);

impl Seen {
    fn page(&mut self, browser: &Browser, path: &str) {
        let page = browser.get(path);
        self.0.push((format!("page {path}"), format!("{}{:?}", page.html, page.headers)));
    }

    fn answer(&mut self, answer: &support::api::Answer) {
        self.0.push((format!("answer of {}", answer.url), format!("{}{:?}", answer.body, answer.all())));
    }
}

fn sign_in(url: &str, employee: &Employee) -> Browser {
    let browser = Browser::new(url);
    let form = browser.get("/sign-in").form("/sign-in").set("login", &employee.login).set("password", PASSWORD);
    assert_ne!(browser.submit(form).path(), "/sign-in");
    browser
}

/// The latest text message with these words, once there are `count` of them: what stands behind the words.
fn sms(app: &TestApp, words: &str, count: usize) -> String {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let found: Vec<String> = app.sms().into_iter().filter(|text| text.contains(words)).collect();
        if found.len() == count {
            let (_, rest) = found.last().unwrap().split_once(words).unwrap();
            let rest = rest.rsplit_once(": ").map_or(rest, |(_, rest)| rest);
            return rest.chars().take_while(char::is_ascii_alphanumeric).collect();
        }
        assert!(Instant::now() < end, "no text message «{words}» among {:?}", app.sms());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether the text has this as a word of its own: six digits are a part of many a number.
fn has(text: &str, secret: &str) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(secret)
        .any(|(at, _)| !is_word(text[..at].chars().next_back()) && !is_word(text[at + secret.len()..].chars().next()))
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

both_databases! {
    fn a_password_is_in_its_text_message_and_nowhere_else(app: TestApp) {
        let program = Program::beside(&app).set("TNHS_LOG", "debug");
        let mut running = program.serve(&["serve"]);
        let employees = Role::ALL.iter().map(|role| {
            let office = if *role == Role::Officer { &app.offices.ba_dinh } else { &app.offices.centre };
            sign_in(&program.url, &app.employee(*role, office))
        });
        let [officer, supervisor, admin] = <[Browser; 3]>::try_from(employees.collect::<Vec<_>>()).ok().unwrap();
        let client = Client::at(&program.url, &app.api_key("VssID", &[ApiScope::Accounts]));
        let mut seen = Seen::default();

        // Granted, mistyped, changed by the citizen, used on two devices, mistyped into every field, renewed at the desk.
        let application = app.approved(&officer, "Trần Thị Bích Ngọc");
        let first = sms(&app, "Mat khau: ", 1);
        let mut citizen = citizen(&app, &application, &first);
        let wrong = client.verify(&citizen, MISTYPED, PHONE).expect(401);
        let must_change = client.verify(&citizen, &first, PHONE).expect(200);
        let asked = client.ask_otp(&citizen, "password", Some(PHONE)).expect(202);
        let otp = sms(&app, "Ma xac thuc ", 1);
        let by = (OtpId(asked.json["otp_id"].as_i64().unwrap()), otp.clone());
        let refused = client.change(&citizen, &citizen.code.clone(), &by, None).expect(422);
        let changed = client.change(&citizen, CHOSEN, &by, Some(PHONE)).expect(200);
        citizen.password = CHOSEN.into();
        let signed_in = client.verify(&citizen, CHOSEN, PHONE).expect(200);
        app.otps_were_asked_long_ago();
        let asked_again = client.ask_otp(&citizen, "device", Some(TABLET)).expect(202);
        let second_otp = sms(&app, "Ma xac thuc ", 2);
        let by = (OtpId(asked_again.json["otp_id"].as_i64().unwrap()), second_otp.clone());
        let tablet = client.verify_with(&citizen, TABLET, &by).expect(200);
        let odd = [
            client.call("verify", &json!({ "account": CHOSEN, "password": CHOSEN, "device": CHOSEN })),
            client.call("verify", &json!({ "account": citizen.code, "password": { "clear": CHOSEN }, "device": PHONE })),
            client.call("otp", &json!({ "account": citizen.code, "password": CHOSEN, "purpose": CHOSEN, "x": CHOSEN })),
            client.call("password", &json!({ "account": citizen.code, "password": CHOSEN, "new_password": CHOSEN_NEXT,
                "otp": CHOSEN, "otp_id": 1 })),
        ];
        let key = format!("Bearer {}", client.key);
        let body = format!("{{\"password\": \"{CHOSEN}\" oh").into_bytes();
        let headers = [("Authorization", key.as_str()), ("Content-Type", "application/json")];
        let broken = client.send("POST", "/api/v1/accounts/verify", &headers, body.clone());
        let elsewhere = client.send("POST", "/api/v1/accounts/nothing", &headers, body.clone());
        let unsigned = client.send("POST", "/api/v1/accounts/verify", &headers[1..], body);
        for answer in [&wrong, &must_change, &asked, &refused, &changed, &signed_in, &asked_again, &tablet, &broken, &elsewhere,
            &unsigned].into_iter().chain(&odd)
        {
            seen.answer(answer);
        }
        let account = app.account(citizen.account);
        let form = officer.open_account(&account).act(AccountAct::ResetPassword, "Quên mật khẩu");
        let page = officer.submit(form).expect(200);
        seen.0.push(("page of a reset".into(), page.html));
        let renewed = sms(&app, "Mat khau moi cua tai khoan", 1);

        for browser in [&officer, &supervisor, &admin] {
            for path in ["/applications", "/accounts", "/staff", "/api-keys", "/holidays", "/registry", "/imports", "/messages",
                "/messages/health", "/texts", "/invitations"] {
                seen.page(browser, path);
            }
            seen.page(browser, &format!("/applications/{}", application.id));
            seen.page(browser, &format!("/applications/{}/form", application.id));
            seen.page(browser, &format!("/accounts/{}", citizen.account));
        }
        running.ask_to_stop();
        running.wait_for_end();
        for (name, said) in [("stdout", running.stdout()), ("stderr", running.stderr())] {
            seen.0.push((name.into(), said));
        }
        assert!(running.stderr().contains("DEBUG"), "the log says all that it can");
        for row in app.dump() {
            seen.0.push(("the database".into(), row));
        }
        let mut files = Vec::new();
        files_below(app.data_dir(), &mut files);
        for file in files {
            let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
            seen.0.push((file.display().to_string(), text));
        }

        for (secret, messages) in [(first.as_str(), 1), (&renewed, 1), (&otp, 1), (&second_otp, 1), (CHOSEN, 0),
            (CHOSEN_NEXT, 0), (MISTYPED, 0)]
        {
            let places: Vec<&(String, String)> = seen.0.iter().filter(|(_, text)| has(text, secret)).collect();
            let names: Vec<&str> = places.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(places.len(), messages, "«{secret}» is in {names:?}");
            let phone = application.declaration.phone.as_str();
            let addressed = |(name, text): &&(String, String)| {
                name.contains("/sms/") && text.starts_with(&format!("To: {phone}\n"))
            };
            assert!(places.iter().all(addressed), "«{secret}» is in {names:?}");
        }
    }
}

fn citizen(app: &TestApp, application: &Application, password: &str) -> Citizen {
    Citizen {
        account: app.account_of(application).id,
        code: application.declaration.code.to_string(),
        password: password.to_owned(),
        application: application.clone(),
    }
}
