//! A real mail server (aiosmtpd), as tests/run starts it: what the mail is, and what becomes of it when the server fails.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta};
use serde_json::Value;

use support::{TestApp, TestDb, both_databases};
use tnhs::adapters::mail::{Mail, Mailer};
use tnhs::adapters::sms::{Sms, SmsRoute};
use tnhs::clock;
use tnhs::config::Config;
use tnhs::domain::application::Application;
use tnhs::domain::delivery::{Cause, MessageState, Outcome};
use tnhs::domain::numbers::Email;
use tnhs::domain::outbox::MessageChannel;

fn folder() -> PathBuf {
    std::env::var_os("TNHS_TEST_SMTP")
        .expect("TNHS_TEST_SMTP is not set: run it as tests/run with cargo test --test smtp")
        .into()
}

fn json(file: PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

/// `credentials` stand before the address as in a URL, with their `@`.
fn serve(database: TestDb, server: &str, credentials: &str, options: &str) -> TestApp {
    let servers = json(folder().join("servers.json"));
    let address = servers[server].as_str().unwrap();
    let url = format!("smtp://{credentials}{address}?from=B%E1%BA%A3o%20hi%E1%BB%83m%20%3Ctnhs@example.vn%3E{options}");
    database.serve(&[("TNHS_SMTP_URL", &url)])
}

/// The mails that the server took for this address.
fn mails_to(address: &str) -> Vec<Value> {
    let files = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let numbered =
        files.filter(|path| path.file_stem().is_some_and(|name| name.to_str().unwrap().parse::<u32>().is_ok()));
    numbered.map(json).filter(|mail| mail["to"][0] == address).collect()
}

/// Somebody with an address of this name, nobody else's, was told that their application was refused. It has left.
fn told(app: &TestApp, name: &str) -> Application {
    let mut person = app.citizen("Lê Thị Hồng");
    person.email = Some(Email::parse(&format!("{name}@m{:016x}.example.vn", rand::random::<u64>())).unwrap());
    let application = app.declared(&app.offices.ba_dinh, &person);
    let officer = app.officer(&app.offices.ba_dinh);
    officer.submit(officer.open(&application).invalid("Tờ khai chưa ký, đề nghị ký đủ")).expect(200);
    app.outbox_drain();
    application
}

fn standing(app: &TestApp, application: &Application) -> (MessageState, Option<Cause>) {
    let mails = app.messages(application).into_iter().filter(|message| message.channel == MessageChannel::Email);
    let [mail] = mails.collect::<Vec<_>>().try_into().ok().unwrap();
    (mail.state, mail.cause)
}

both_databases! {
    fn a_mail_says_the_same_as_text_and_as_html(database: TestDb) {
        let app = serve(database, "plain", "", "");
        let before = clock::now();
        let application = told(&app, "hong");
        assert_eq!(standing(&app, &application), (MessageState::Accepted, None));
        let address = application.declaration.email.as_ref().unwrap().to_string();
        let [mail] = mails_to(&address).try_into().unwrap();
        assert_eq!(mail["type"], "multipart/alternative");
        let header = |name: &str| mail["headers"][name].as_str().unwrap_or_else(|| panic!("no {name}: {mail}")).to_owned();
        assert_eq!(header("subject"), format!("Hồ sơ {} không được duyệt", application.number));
        assert_eq!(header("from"), "Bảo hiểm <tnhs@example.vn>");
        assert_eq!((header("to"), header("auto-submitted"), header("mime-version")),
            (address, "auto-generated".into(), "1.0".into()));
        let id = header("message-id");
        assert!(id.starts_with('<') && id.ends_with("@example.vn>") && !id.contains(' '), "{id}");
        let sent = DateTime::parse_from_rfc2822(&header("date")).unwrap().naive_utc();
        assert!((sent - before).abs() < TimeDelta::minutes(1), "{sent}");
        let (text, html) = (mail["text"].as_str().unwrap(), mail["html"].as_str().unwrap());
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let of_html: Vec<String> =
            scraper::Html::parse_document(html).select(&scraper::Selector::parse("body").unwrap())
                .flat_map(|body| body.text().map(str::to_owned).collect::<Vec<_>>()).collect();
        assert_eq!(words(&of_html.join(" ")), words(text));
        assert!(text.contains("Lý do: Tờ khai chưa ký, đề nghị ký đủ"), "{text}");
        let raw = mail["raw"].as_str().unwrap();
        assert!(raw.lines().all(|line| line.len() <= 998), "RFC 5322, 2.1.1");
        assert!(!html.contains("http:") && !html.contains("<img"), "nothing is fetched when it is read: {html}");
    }

    fn each_answer_of_a_mail_server_has_its_state(database: TestDb) {
        let app = serve(database, "plain", "", "&timeout=3");
        for (recipient, state, cause) in [
            ("451", MessageState::Queued, Some(Cause::Busy)),
            ("550", MessageState::Failed, Some(Cause::BadRecipient)),
            ("5.7.1", MessageState::Failed, Some(Cause::Refused)),
            ("552", MessageState::Failed, Some(Cause::Refused)),
            ("closed", MessageState::Unknown, Some(Cause::NoAnswer)),
            ("silent", MessageState::Unknown, Some(Cause::NoAnswer)),
            ("anybody", MessageState::Accepted, None),
        ] {
            let application = told(&app, recipient);
            assert_eq!(standing(&app, &application), (state, cause), "{recipient}");
        }
    }

    fn a_server_that_says_nothing_has_nothing(database: TestDb) {
        let app = serve(database, "silent", "", "&timeout=1");
        let application = told(&app, "hong");
        assert_eq!(standing(&app, &application), (MessageState::Queued, Some(Cause::NoAnswer)));
    }

    fn a_server_that_begins_to_greet_has_nothing(database: TestDb) {
        let app = serve(database, "half", "", "&timeout=1");
        let application = told(&app, "hong");
        assert_eq!(standing(&app, &application), (MessageState::Queued, Some(Cause::NoAnswer)));
    }

    fn a_server_that_has_no_time_is_asked_again(database: TestDb) {
        let app = serve(database, "full", "", "");
        let application = told(&app, "hong");
        assert_eq!(standing(&app, &application), (MessageState::Queued, Some(Cause::Busy)));
    }

    fn a_server_wants_the_right_password(database: TestDb) {
        let app = serve(database, "auth", "tnhs:s3cret%2F%40@", "");
        let application = told(&app, "hong");
        assert_eq!(standing(&app, &application), (MessageState::Accepted, None));
    }

    fn a_wrong_password_is_told_from_a_server_that_is_away(database: TestDb) {
        let app = serve(database, "auth", "tnhs:wrong@", "");
        let application = told(&app, "hong");
        assert_eq!(standing(&app, &application), (MessageState::Queued, Some(Cause::Denied)));
    }

    fn a_server_that_does_not_know_us_without_a_password_says_so(database: TestDb) {
        let app = serve(database, "auth", "", "");
        let application = told(&app, "hong");
        assert_eq!(standing(&app, &application), (MessageState::Queued, Some(Cause::Denied)));
    }

    fn nothing_leaves_in_clear_where_tls_is_required(database: TestDb) {
        let app = serve(database, "plain", "", "&tls=required");
        let application = told(&app, "hong");
        assert_eq!(standing(&app, &application), (MessageState::Queued, Some(Cause::Unreachable)));
        assert!(mails_to(application.declaration.email.as_ref().unwrap().as_str()).is_empty());
    }

    fn with_tls_the_certificate_counts(database: TestDb) {
        let servers = json(folder().join("servers.json"));
        let at = |server: &str| servers[server].as_str().unwrap().replace("127.0.0.1", "localhost");
        let ca = folder().join("cert.pem").display().to_string();
        let required = format!("smtp://{}?from=tnhs@example.vn&tls=required", at("starttls"));
        let wrapped = format!("smtps://{}?from=tnhs@example.vn", at("smtps"));
        let kannel = format!("kannel+https://tnhs:secret@{}", at("https"));
        let app = database.serve(&[("TNHS_SMTP_URL", &required), ("TNHS_SMS_URL", &kannel), ("TNHS_CA_FILE", &ca)]);
        let application = told(&app, "hong");
        let states = |app: &TestApp, application| app.messages(application).iter().map(|m| m.state).collect::<Vec<_>>();
        assert_eq!(states(&app, &application), [MessageState::Accepted; 2]);

        let send = |url: &str, ca: Option<&[u8]>| {
            let variable = |name: &str| match name {
                "TNHS_SMTP_URL" => Some(url.to_owned()),
                "TNHS_SMS_URL" => Some(kannel.clone()),
                "TNHS_SECRET_KEY" => Some("k".repeat(64)),
                _ => None,
            };
            let config = Config::from_lookup(variable).unwrap();
            let mailer = Mailer::new(config.smtp.as_ref().unwrap(), ca).unwrap();
            let mail = Mail { key: "1", to: "hong@example.vn", subject: "Thử", text: "Thử", html: "<p>Thử</p>", attached: None };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let sms = Sms { key: "1", to: "0900000001", text: "Thu", receipts: "http://127.0.0.1:1/receipts/x", attempt: 1 };
            let route = SmsRoute::new(config.sms.as_ref().unwrap(), None, ca);
            (runtime.block_on(mailer.send(&mail)).outcome, route.send(&sms).outcome)
        };
        let certificate = std::fs::read(&ca).unwrap();
        let unreachable = Outcome::NotSent(Cause::Unreachable);
        for url in [&required, &wrapped] {
            let (mail, sms) = send(url, Some(&certificate));
            assert!(matches!((mail, sms), (Outcome::Accepted { .. }, Outcome::Accepted { .. })), "{url}: {mail:?} {sms:?}");
            assert_eq!(send(url, None), (unreachable, unreachable), "{url}: nobody whom browsers believe has signed it");
            let elsewhere = url.replace("localhost", "127.0.0.1");
            assert_eq!(send(&elsewhere, Some(&certificate)).0, unreachable, "it is another's certificate");
        }
    }

    fn a_mail_that_is_sent_again_has_the_same_name(database: TestDb) {
        let app = serve(database, "plain", "", "");
        let application = told(&app, "hong");
        app.db(|conn| {
            use diesel::prelude::*;
            use tnhs::db::schema::messages as stored;
            diesel::update(stored::table)
                .set((stored::state.eq(MessageState::Queued), stored::next_attempt_at.eq(clock::now())))
                .execute(conn)
        });
        app.outbox_drain_at(clock::now() + TimeDelta::seconds(1));
        let [first, second] = mails_to(application.declaration.email.as_ref().unwrap().as_str()).try_into().unwrap();
        assert_eq!(first["headers"]["message-id"], second["headers"]["message-id"]);
    }
}
