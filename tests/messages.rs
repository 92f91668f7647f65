//! What leaves for citizens: the account and its password by one channel, the notice by the other, and what happens
//! when a gateway fails or a worker dies.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::net::TcpListener;
use std::thread;

use argon2::Argon2;
use argon2::password_hash::{PasswordVerifier, phc::PasswordHash};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

use support::gateways::Answer::{self, HangsUntilTheNext, Says};
use support::gateways::{Gateway, MailServer};
use support::{Backend, Browser, TestApp, TestDb, both_databases};
use tnhs::clock;
use tnhs::db::schema::{accounts, messages as stored};
use tnhs::db::{Conn, DatabaseUrl, DbError, messages};
use tnhs::domain::application::{Application, Status};
use tnhs::domain::delivery::{LEASE, MessageState};
use tnhs::domain::outbox::{Draft, MessageChannel, MessageKind};
use tnhs::on_backend;

const ALL_SENT: [MessageState; 2] = [MessageState::Accepted, MessageState::Accepted];

/// Somebody whom an officer of Ba Đình has just approved, and that officer.
fn approved(app: &TestApp) -> (Application, Browser) {
    let application = app.ready("Trần Thị Bích Ngọc");
    let officer = app.officer(&app.offices.ba_dinh);
    officer.submit(officer.open(&application).valid()).expect(200);
    (application, officer)
}

/// The password in an SMS or a mail.
#[track_caller]
fn password_in(text: &str) -> String {
    let (_, rest) = text.split_once("Mat khau: ").or_else(|| text.split_once("Mật khẩu: ")).expect("no password");
    rest.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// The passwords that reached a gateway, in order.
fn passwords(gateway: &Gateway) -> Vec<String> {
    gateway.got().iter().map(|request| password_in(&request.text)).collect()
}

fn signs_in(app: &TestApp, application: &Application, password: &str) -> bool {
    let hash: Option<String> = app.db(|conn| {
        accounts::table
            .filter(accounts::application_id.eq(application.id))
            .select(accounts::password_hashes)
            .first(conn)
    });
    let hashes = hash.expect("no password was set");
    hashes.lines().any(|hash| {
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        Argon2::default().verify_password(password.as_bytes(), &PasswordHash::new(hash).unwrap()).is_ok()
    })
}

fn states(app: &TestApp, application: &Application) -> Vec<MessageState> {
    app.messages(application).iter().map(|message| message.state).collect()
}

/// Everything that is stored: on SQLite the very files, on PostgreSQL each row of each table as text.
fn whole_database(app: &TestApp) -> String {
    if let DatabaseUrl::Sqlite(path) = &app.parts.config.database {
        let folder = std::path::Path::new(path).parent().unwrap();
        let files = std::fs::read_dir(folder).unwrap();
        return files
            .map(|file| String::from_utf8_lossy(&std::fs::read(file.unwrap().path()).unwrap()).into_owned())
            .collect();
    }
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let lines = |sql: String| -> Vec<String> {
        let found: Vec<Line> = app.db(|conn: &mut Conn| on_backend!(conn, c => sql_query(&sql).load(c)));
        found.into_iter().map(|line| line.text).collect()
    };
    lines("SELECT tablename::text AS text FROM pg_tables WHERE schemaname = 'public'".into())
        .into_iter()
        .flat_map(|table| lines(format!("SELECT t::text AS text FROM {table} t")))
        .collect()
}

fn next_attempt(app: &TestApp, application: &Application) -> NaiveDateTime {
    app.messages(application)[0].next_attempt_at
}

/// The test with a gateway that answers so.
fn with_gateway(database: TestDb, answers: &'static [Answer]) -> (TestApp, Gateway) {
    let gateway = Gateway::answering(answers);
    (database.serve(&[("TNHS_SMS_URL", &gateway.url)]), gateway)
}

both_databases! {
    fn an_approval_queues_the_account_by_sms_and_a_notice_by_mail(app: TestApp) {
        let (application, officer) = approved(&app);
        let queued: Vec<_> = app.messages(&application).into_iter().map(|m| (m.kind, m.channel, m.state)).collect();
        assert_eq!(queued, [
            (MessageKind::Credentials, MessageChannel::Sms, MessageState::Queued),
            (MessageKind::Accepted, MessageChannel::Email, MessageState::Queued),
        ]);
        assert!(app.sms().is_empty() && app.mails().is_empty(), "nothing leaves before the worker");
        let page = officer.open(&application);
        assert!(page.text_of("[aria-labelledby=account]").contains("Mật khẩu được tạo khi gửi tin"), "{page}");

        app.outbox_drain();
        let (number, code) = (application.number.as_str(), application.declaration.code.as_str());
        let sms = app.sms();
        let password = password_in(&sms[0]);
        let (phone, email) = (&application.declaration.phone, application.declaration.email.as_ref().unwrap());
        assert_eq!(sms, [format!(
            "To: {phone}\n\nBHXH VN: Ho so {number} da duoc duyet. Tai khoan: {code}/Mat khau: {password}. \
             Vui long doi mat khau khi dang nhap lan dau.\n"
        )]);
        let mails = app.mails();
        assert_eq!(mails.len(), 1);
        assert!(mails[0].starts_with(&format!("To: {email}\nSubject: Hồ sơ {number} đã được duyệt\n")), "{}", mails[0]);
        assert!(!mails[0].contains(&password), "the password goes by one channel only");
        assert!(signs_in(&app, &application, &password));
        assert!(!signs_in(&app, &application, "a wrong one"));

        let page = officer.open(&application);
        assert_eq!(page.texts_of("[aria-labelledby=messages] .badge"), ["Đã gửi", "Đã gửi"]);
        assert!(page.text_of("[aria-labelledby=account]").contains("Mật khẩu đã được gửi"), "{page}");
        assert!(!page.html.contains(&password));
        app.outbox_drain();
        assert_eq!((app.sms().len(), app.mails().len()), (1, 1), "nothing is sent again");
    }

    fn a_decision_whose_messages_cannot_be_queued_is_not_recorded(app: TestApp) {
        let person = app.citizen("Trần Thị Bích Ngọc");
        app.registered(&person);
        let application = app.declared(&app.offices.ba_dinh, &person);
        // The last thing that the decision would write is there already.
        let blocker = Draft {
            kind: MessageKind::Accepted,
            channel: MessageChannel::Email,
            recipient: "ai.do@example.vn".into(),
            subject: None,
            body: String::new(),
            html: None,
            account: None,
            otp: None,
        };
        let key = format!("{}-1-accepted-email", application.id);
        let occasion = messages::Occasion { application: application.id, staff: None, key: &key, at: clock::now() };
        app.db(|conn| messages::queue(conn, occasion, &blocker));
        let officer = app.officer(&app.offices.ba_dinh);
        officer.submit(officer.open(&application).valid()).expect(409);
        assert_eq!((app.status(&application), app.accounts()), (Status::Pending, 0));
        assert_eq!(app.messages(&application).len(), 1, "only the one that was in the way");
        assert!(!officer.open(&application).history().iter().any(|event| event.contains("cấp tài khoản")));
    }

    fn no_password_is_anywhere_in_the_database(app: TestApp) {
        let (application, _) = approved(&app);
        app.outbox_drain();
        let password = password_in(&app.sms()[0]);
        let everything = whole_database(&app);
        assert!(everything.contains(application.declaration.code.as_str()), "this reads what is stored");
        assert!(everything.contains("$argon2id$") && everything.contains("Mat khau: {mat_khau}"));
        assert!(!everything.contains(&password));
    }

    fn a_rejection_tells_the_reason_on_both_channels(app: TestApp) {
        let application = app.declared(&app.offices.ba_dinh, &app.citizen("Lê Thị Hồng"));
        let officer = app.officer(&app.offices.ba_dinh);
        officer.submit(officer.open(&application).invalid("Ảnh chân dung bị mờ, đề nghị chụp lại")).expect(200);
        app.outbox_drain();
        let (number, phone) = (&application.number, &application.declaration.phone);
        assert_eq!(app.sms(), [format!(
            "To: {phone}\n\nBHXH VN: Ho so {number} khong duoc duyet. Ly do: Anh chan dung bi mo, de nghi chup lai. \
             Lien he 19009068 hoac co quan BHXH gan nhat.\n"
        )]);
        let mails = app.mails();
        assert_eq!(mails.len(), 1);
        for words in
            [&format!("Subject: Hồ sơ {number} không được duyệt"), "Lý do: Ảnh chân dung bị mờ, đề nghị chụp lại"] {
            assert!(mails[0].contains(words), "«{words}» is missing in {}", mails[0]);
        }
        assert!(app.sms()[0].is_ascii());
    }

    fn whoever_gave_no_address_gets_an_sms_only(app: TestApp) {
        let mut person = app.citizen("Lê Thị Hồng");
        person.email = None;
        let application = app.declared(&app.offices.ba_dinh, &person);
        let officer = app.officer(&app.offices.ba_dinh);
        officer.submit(officer.open(&application).invalid("Tờ khai chưa ký")).expect(200);
        app.outbox_drain();
        assert_eq!((app.sms().len(), app.mails().len()), (1, 0));
    }

    fn the_gateway_gets_texts_and_numbers_in_no_address(database: TestDb) {
        let (app, gateway) = with_gateway(database, &[Says(202, "3: Queued for later delivery")]);
        let (application, _) = approved(&app);
        app.outbox_drain();
        assert_eq!(states(&app, &application), ALL_SENT);
        let [request] = gateway.got().try_into().ok().unwrap();
        assert!(request.head.starts_with("post /cgi-bin/sendsms http/1.1\r\n"), "{}", request.head);
        for header in [&format!("x-kannel-to: {}", application.declaration.phone), "x-kannel-from: bhxh",
            "content-type: text/plain; charset=utf-8"]
        {
            assert!(request.head.contains(header), "«{header}» is missing in {}", request.head);
        }
        assert!(request.text.len() <= 160, "one message: {}", request.text);
        assert!(signs_in(&app, &application, &password_in(&request.text)));
    }

    fn an_sms_that_fails_for_good_is_followed_by_the_password_by_mail(database: TestDb) {
        let (app, gateway) = with_gateway(database, &[Says(400, "Number not allowed")]);
        let (application, officer) = approved(&app);
        app.outbox_drain();
        assert_eq!(gateway.got().len(), 1, "it is not tried again");
        assert_eq!(states(&app, &application), [MessageState::Failed, MessageState::Accepted, MessageState::Accepted]);
        let mails = app.mails();
        let (notice, account) = (&mails[0], &mails[1]);
        assert!(!notice.contains("Mật khẩu: "), "{notice}");
        let code = &application.declaration.code;
        assert!(account.contains(&format!("Tên tài khoản: {code}\nMật khẩu: ")), "{account}");
        assert!(signs_in(&app, &application, &password_in(account)));
        assert!(!signs_in(&app, &application, &passwords(&gateway)[0]), "the one that did not arrive is worth nothing");
        assert!(!whole_database(&app).contains(&password_in(account)));

        let page = officer.open(&application);
        let shown = page.texts_of("[aria-labelledby=messages] .badge");
        assert_eq!(shown, ["Không gửi được", "Đã gửi", "Đã gửi"]);
        assert!(page.history().iter().any(|e| e.contains("Không gửi được tin") && e.contains("qua SMS")), "{page}");
        assert_eq!(officer.get("/applications").texts_of("td.name .badge"), ["Tin lỗi"]);
    }

    fn an_sms_that_fails_for_good_without_an_address_is_left_to_a_person(database: TestDb) {
        let (app, _gateway) = with_gateway(database, &[Says(400, "Number not allowed")]);
        let mut person = app.citizen("Trần Thị Bích Ngọc");
        person.email = None;
        app.registered(&person);
        let application = app.declared(&app.offices.ba_dinh, &person);
        let officer = app.officer(&app.offices.ba_dinh);
        officer.submit(officer.open(&application).valid()).expect(200);
        app.outbox_drain();
        assert_eq!(states(&app, &application), [MessageState::Failed]);
        assert_eq!(officer.get("/applications").texts_of("td.name .badge"), ["Tin lỗi"]);
    }

    fn a_gateway_that_is_busy_is_asked_again_later(database: TestDb) {
        let (app, gateway) =
            with_gateway(database, &[Says(503, "busy"), Says(503, "busy"), Says(202, "0: Accepted for delivery")]);
        let (application, officer) = approved(&app);
        let start = clock::now();
        app.outbox_drain_at(start);
        assert_eq!(gateway.got().len(), 1);
        assert_eq!(next_attempt(&app, &application), start + TimeDelta::minutes(1));
        let page = officer.open(&application);
        let row = page.texts_of("[aria-labelledby=messages] .sent > li").remove(0);
        assert!(row.contains("Chờ gửi") && row.contains("1 lần thử, lần tới ") && row.contains("Cổng gửi đang bận"), "{row}");
        assert!(!page.has_text("busy"), "what a gateway says is not for the page");

        app.outbox_drain_at(start + TimeDelta::seconds(59));
        assert_eq!(gateway.got().len(), 1, "too early");
        let second = start + TimeDelta::seconds(60);
        app.outbox_drain_at(second);
        assert_eq!(next_attempt(&app, &application), second + TimeDelta::minutes(5));
        app.outbox_drain_at(second + TimeDelta::minutes(5));
        assert_eq!(states(&app, &application), ALL_SENT);
        let passwords = passwords(&gateway);
        assert_eq!(passwords.len(), 3);
        let works: Vec<bool> = passwords.iter().map(|password| signs_in(&app, &application, password)).collect();
        assert_eq!(works, [false, false, true], "what arrived is what signs in");
        assert_eq!(app.mails().len(), 1, "the notice did not wait for the SMS, and no password went by mail");
    }

    fn after_a_day_of_trying_a_message_is_given_up(database: TestDb) {
        let (app, gateway) = with_gateway(database, &[Says(403, "Authorization failed")]);
        let (application, officer) = approved(&app);
        let start = clock::now();
        let mut now = start;
        while app.messages(&application)[0].state != MessageState::Failed {
            app.outbox_drain_at(now);
            assert!(gateway.got().len() <= 20, "it goes on for ever");
            now = now.max(next_attempt(&app, &application));
        }
        let hours = (now - start).num_hours();
        assert!((20..=26).contains(&hours) && gateway.got().len() >= 5, "{hours} hours, {}", gateway.got().len());
        app.outbox_drain_at(now);
        assert!(signs_in(&app, &application, &password_in(app.mails().last().unwrap())));
        assert_eq!(officer.get("/applications").texts_of("td.name .badge"), ["Tin lỗi"]);
    }

    fn a_gateway_that_is_not_there_is_asked_again_later(database: TestDb) {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let app = database.serve(&[
            ("TNHS_SMS_URL", &format!("kannel+http://tnhs:secret@{closed}?from=BHXH")),
            ("TNHS_SMTP_URL", &format!("smtp://{closed}?from=tnhs@example.vn")),
        ]);
        let (application, _) = approved(&app);
        app.outbox_drain();
        let tried: Vec<_> = app.messages(&application).into_iter().map(|m| (m.state, m.attempts)).collect();
        assert_eq!(tried, [(MessageState::Queued, 1), (MessageState::Queued, 1)]);
    }

    fn a_mail_server_gets_the_mail_as_text_and_as_html(database: TestDb) {
        let server = MailServer::answering("250 known");
        let app = database.serve(&[("TNHS_SMTP_URL", &server.url)]);
        let (application, _) = approved(&app);
        app.outbox_drain();
        assert_eq!(states(&app, &application), ALL_SENT);
        let [mail] = server.got().try_into().unwrap();
        let to = format!("To: {}", application.declaration.email.as_ref().unwrap());
        for words in [&to, "From: tnhs@example.vn", "Auto-Submitted: auto-generated", "multipart/alternative",
            "Content-Type: text/plain", "Content-Type: text/html"]
        {
            assert!(mail.contains(words), "«{words}» is missing in {mail}");
        }
    }

    fn a_mail_for_nobody_is_given_up_and_the_sms_still_goes(database: TestDb) {
        let server = MailServer::answering("550 no such mailbox");
        let app = database.serve(&[("TNHS_SMTP_URL", &server.url)]);
        let (application, _) = approved(&app);
        app.outbox_drain();
        assert_eq!(states(&app, &application), [MessageState::Accepted, MessageState::Failed]);
        assert_eq!(server.got().len(), 0);
    }

    fn the_work_of_a_worker_that_died_is_done_by_another(app: TestApp) {
        let (application, _) = approved(&app);
        let now = clock::now();
        for channel in [MessageChannel::Sms, MessageChannel::Email] {
            let leased = app.db(|conn| messages::lease(conn, "a worker that dies now", channel, [16; 3], now));
            assert_eq!(leased.len(), 1);
        }
        app.outbox_drain_at(now + LEASE - TimeDelta::seconds(1));
        assert!(app.sms().is_empty(), "the lease still runs");
        app.outbox_drain_at(now + LEASE);
        assert_eq!(states(&app, &application), ALL_SENT);
        assert!(signs_in(&app, &application, &password_in(&app.sms()[0])));
        assert_eq!((app.sms().len(), app.mails().len()), (1, 1));
    }

    /// The first worker has sent the message and hangs; when its lease is over a second one sends it again.
    fn of_two_passwords_that_were_sent_whichever_arrives_works(database: TestDb) {
        let (app, gateway) = with_gateway(database, &[HangsUntilTheNext, Says(202, "0: Accepted for delivery")]);
        let (application, _) = approved(&app);
        let now = clock::now();
        thread::scope(|scope| {
            let hanging = scope.spawn(|| app.outbox_drain_at(now));
            gateway.wait_for(1);
            app.outbox_drain_at(now + LEASE);
            hanging.join().unwrap();
        });
        let passwords = passwords(&gateway);
        assert_eq!(passwords.len(), 2);
        assert!(signs_in(&app, &application, &passwords[0]) && signs_in(&app, &application, &passwords[1]));
        assert_eq!(states(&app, &application), ALL_SENT);
        let taken = app.steps(&application).into_iter().filter(|state| *state == MessageState::Accepted).count();
        assert_eq!(taken, 2, "the worker that lost its lease settles nothing");
    }

    fn workers_beside_each_other_send_each_message_once(database: TestDb) {
        let (app, gateway) = with_gateway(database, &[Says(202, "0: Accepted for delivery")]);
        let officer = app.officer(&app.offices.ba_dinh);
        for _ in 0..20 {
            let application = app.declared(&app.offices.ba_dinh, &app.citizen("Lê Thị Hồng"));
            officer.submit(officer.open(&application).invalid("Tờ khai chưa ký")).expect(200);
        }
        let now = clock::now();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| app.outbox_drain_at(now));
            }
        });
        assert_eq!((gateway.got().len(), app.mails().len()), (20, 20));
    }

    fn a_citizen_who_chose_a_password_is_sent_no_other_one(app: TestApp) {
        let (application, _) = approved(&app);
        app.db(|conn| {
            diesel::update(accounts::table)
                .set((accounts::must_change_password.eq(false), accounts::password_hashes.eq("$argon2id$their own")))
                .execute(conn)
        });
        app.outbox_drain();
        assert_eq!((app.sms().len(), app.mails().len()), (0, 1));
        let hash: Option<String> = app.db(|conn| accounts::table.select(accounts::password_hashes).first(conn));
        assert_eq!(hash.as_deref(), Some("$argon2id$their own"));
        let waiting = app.parts.db.read(|conn| Ok::<_, DbError>(messages::waiting(conn)?)).unwrap();
        assert_eq!(waiting, 0, "{}", app.messages(&application).len());
    }

    fn what_is_queued_holds_the_place_of_a_password_only(app: TestApp) {
        approved(&app);
        app.outbox_drain();
        let bodies: Vec<String> = app.db(|conn| stored::table.order(stored::id).select(stored::body).load(conn));
        assert!(bodies[0].contains("Mat khau: {mat_khau}."), "{}", bodies[0]);
        assert!(!bodies[1].contains("{mat_khau}"));
    }
}

/// The test below that reads the database would pass on an empty one.
#[test]
fn both_backends_are_known_to_the_reader_of_everything() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        assert!(whole_database(&TestApp::on(backend)).contains("Ba Đình"), "{backend:?}");
    }
}
