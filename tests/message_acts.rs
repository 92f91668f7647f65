//! What a person does about messages: sending one again, trying a gateway, and reading how the queue does.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::mpsc;

use chrono::TimeDelta;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use support::messages::{
    admin, again, age, chain, forced, listed, minutes, only, password_in, refusal, rejected, set_state, signs_in,
    supervisor, without_numbers,
};
use support::{Backend, Browser, Form, Page, TestApp, TestDb, both_databases};
use tnhs::clock;
use tnhs::db::events::Stamp;
use tnhs::db::messages::{self, Occasion};
use tnhs::db::schema::{accounts, events, messages as stored};
use tnhs::db::{Conn, message_acts, message_list};
use tnhs::domain::account::{AccountAct, AccountState, LockCause};
use tnhs::domain::delivery::MessageState;
use tnhs::domain::event::EventKind;
use tnhs::domain::ids::MessageId;
use tnhs::domain::outbox::{Draft, MessageKind};
use tnhs::domain::permission::Role;
use tnhs::domain::refusal::Refusal;
use tnhs::error::AppError;

/// Whether another transaction waits for this one. PostgreSQL only.
fn somebody_waits(conn: &mut Conn) -> bool {
    let waits = "EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))";
    diesel::select(sql::<Bool>(waits)).get_result(conn).unwrap()
}

both_databases! {
    fn the_application_tells_each_step_and_sends_again(database: TestDb) {
        let app = without_numbers(database);
        let officer = app.officer(&app.offices.ba_dinh);
        let application = rejected(&app, &officer);
        app.outbox_drain();
        let first = only(&app, &application);
        age(&app, minutes(6));
        let page = officer.open(&application);
        let line = page.text_of(".sent > li");
        for words in ["Thông báo không được duyệt", "SMS", first.recipient.as_str(), "Chờ gửi", "Không gửi được",
            "Số điện thoại hoặc địa chỉ không nhận được tin", "1 lần thử"] {
            assert!(line.contains(words), "«{words}» is missing in {line}");
        }
        let page = again(&officer, &page, first.id);
        assert_eq!(page.path(), format!("/applications/{}", application.id), "back to where it was pressed");
        assert!(page.told().starts_with("Đã đưa tin vào hàng gửi lại"), "{page}");
        let [_, second] = app.messages(&application).try_into().ok().unwrap();
        assert_eq!((second.kind, second.state, &second.recipient), (first.kind, MessageState::Queued, &first.recipient));
        assert_eq!(chain(&app, second.id), (Some(first.id), false), "the chain begins with the first");
        assert_eq!(chain(&app, first.id), (None, true));
        assert_eq!(page.texts_of(".sent > li").iter().filter(|line| line.contains("Đã xử lý")).count(), 1);
        assert!(page.history()[0].contains("Gửi lại tin") && page.history()[0].contains("Thông báo không được duyệt qua SMS"));
        assert!(listed(&officer.get("/messages")).len() == 2 && officer.get("/messages").select(".need").is_empty());
        assert_eq!(app.events_of(application.id, EventKind::MessageResent), 1);
    }

    fn each_thing_in_the_way_of_sending_again_has_its_sentence(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let application = rejected(&app, &officer);
        let id = only(&app, &application).id;
        let sentence = |refusal: Refusal| refusal.to_string();
        assert_eq!(refusal(&officer, id), sentence(Refusal::MessageOnItsWay));
        set_state(&app, id, MessageState::Failed);
        assert!(refusal(&officer, id).starts_with("Vừa thực hiện việc này. Làm lại được từ "));
        // Five times a day, each after five minutes.
        let mut last = id;
        for nth in 1..=4 {
            age(&app, minutes(6));
            assert!(officer.submit(forced(&officer, last)).told().starts_with("Đã đưa tin"), "{nth}");
            assert_eq!(refusal(&officer, last), sentence(Refusal::AlreadySettled));
            last = app.messages(&application).last().unwrap().id;
            set_state(&app, last, MessageState::Undelivered);
        }
        age(&app, minutes(6));
        assert!(refusal(&officer, last).starts_with("Đã thực hiện việc này 5 lần trong 24 giờ."));
        age(&app, TimeDelta::hours(24));
        app.db(|conn| diesel::update(stored::table.find(last)).set(stored::recipient.eq("")).execute(conn));
        assert_eq!(refusal(&officer, last), sentence(Refusal::RecipientGone));
        for (kind, why) in [(MessageKind::Otp, Refusal::OtpIsAskedAnew), (MessageKind::Test, Refusal::NotSentAgain),
            (MessageKind::Invitation, Refusal::NotSentAgain)] {
            app.db(|conn| diesel::update(stored::table.find(last)).set(stored::kind.eq(kind)).execute(conn));
            assert_eq!(refusal(&officer, last), sentence(why));
        }
        assert_eq!(app.messages(&application).len(), 5);
    }

    fn what_was_settled_otherwise_needs_nobody_any_more(database: TestDb) {
        let app = without_numbers(database);
        let officer = app.officer(&app.offices.ba_dinh);
        let application = rejected(&app, &officer);
        let id = only(&app, &application).id;
        let mut form = forced(&officer, id);
        form.action = form.action.replace("resend", "settle");
        let told = |page: Page| page.text_of(".flashes .flash.note");
        assert_eq!(told(officer.submit(form.clone())), Refusal::NothingToSettle.to_string(), "it is still on its way");
        app.outbox_drain();
        let page = officer.get("/messages").expect(200);
        assert_eq!(page.select(".need tbody tr").len(), 1);
        let page = officer.submit(page.form(&format!("/messages/{id}/settle"))).expect(200);
        assert!(page.told().contains("Đã ghi nhận") && page.select(".need").is_empty(), "{page}");
        assert!(officer.get("/applications").texts_of("td.name .badge").is_empty());
        assert!(officer.open(&application).history()[0].contains("Đã xử lý tin không đến được"));
        assert_eq!(told(officer.submit(form.clone())), Refusal::AlreadySettled.to_string());
        assert_eq!(refusal(&officer, id), Refusal::AlreadySettled.to_string());
        let elsewhere = app.officer(&app.offices.dong_da);
        let mut theirs = forced(&elsewhere, id);
        theirs.action = form.action;
        elsewhere.submit(theirs).expect(404);
    }

    fn a_new_password_settles_those_that_did_not_arrive(database: TestDb) {
        let app = without_numbers(database);
        let officer = app.officer(&app.offices.ba_dinh);
        let application = app.approved(&officer, "Trần Thị Bích Ngọc");
        app.outbox_drain();
        assert_eq!(officer.get("/messages").select(".need tbody tr").len(), 1);
        let account = app.account_of(&application);
        officer.submit(officer.open_account(&app.account(account.id)).act(AccountAct::ResetPassword, "Người dân yêu cầu")).expect(200);
        assert!(officer.get("/messages").select(".need").is_empty(), "the new one is on its way");
        // What waited for the same was taken out of the queue, and says so.
        officer.submit(officer.open_account(&app.account(account.id)).act(AccountAct::Close, "Người dân yêu cầu")).expect(200);
        let dropped = app.steps(&application).into_iter().filter(|state| *state == MessageState::Dropped).count();
        assert_eq!(dropped, 1);
    }

    fn a_password_is_sent_again_only_while_the_account_waits_for_one(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let application = app.approved(&officer, "Trần Thị Bích Ngọc");
        app.outbox_drain();
        age(&app, minutes(6));
        let id = app.messages(&application)[0].id;
        let account = app.account_of(&application);
        for (state, cause, why) in [
            (AccountState::Locked, Some(LockCause::Desk), Refusal::AccountLocked),
            (AccountState::Locked, Some(LockCause::Reopened), Refusal::AccountUnderReview),
            (AccountState::Closed, None, Refusal::AccountClosed),
        ] {
            app.bring_into(&app.account(account.id), state, cause);
            assert_eq!(refusal(&officer, id), why.to_string());
        }
        app.bring_into(&app.account(account.id), AccountState::Active, None);
        let chose = |chosen: bool| app.db(|conn| diesel::update(accounts::table.find(account.id))
            .set(accounts::must_change_password.eq(!chosen)).execute(conn));
        chose(true);
        assert_eq!(refusal(&officer, id), Refusal::PasswordChosen.to_string());
        chose(false);
        assert!(officer.submit(forced(&officer, id)).told().contains("Mật khẩu mới được tạo khi gửi"));
        // Another one of the account, which is a chain of its own.
        let key = "another";
        let other = app.db(|conn| {
            let draft = Draft::sms(MessageKind::NewPassword, "0900000001", "Mat khau: {mat_khau}".into(), Some(account.id));
            let at = clock::now() - minutes(60);
            messages::queue(conn, Occasion { application: application.id, staff: None, key, at }, &draft)
        });
        set_state(&app, other, MessageState::Failed);
        assert!(refusal(&officer, other).starts_with("Vừa thực hiện việc này."), "any password of the account counts");
        age(&app, minutes(6));
        assert_eq!(refusal(&officer, other), Refusal::PasswordOnItsWay.to_string());
    }

    fn a_password_that_is_sent_again_works_and_goes_to_where_the_account_is_now(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let application = app.approved(&officer, "Trần Thị Bích Ngọc");
        app.outbox_drain();
        age(&app, minutes(6));
        let account = app.account_of(&application);
        app.db(|conn| diesel::update(accounts::table.find(account.id)).set(accounts::phone.eq("0911222333")).execute(conn));
        let credentials = app.messages(&application)[0].id;
        let page = officer.open_account(&account);
        let page = again(&officer, &page, credentials);
        assert_eq!(page.path(), format!("/accounts/{}", account.id));
        assert_eq!(app.messages(&application).last().unwrap().recipient, "0911222333");
        app.outbox_drain();
        let [first, second] = app.sms().try_into().ok().unwrap();
        assert!(second.starts_with("To: 0911222333\n") && second.contains("Tai khoan:"), "{second}");
        assert!(signs_in(&app, &application, &password_in(&second)), "the new one");
        assert!(signs_in(&app, &application, &password_in(&first)), "the earlier one may have arrived");
        assert_ne!(password_in(&first), password_in(&second));
    }

    fn two_who_press_at_once_send_it_once(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let application = app.approved(&officer, "Trần Thị Bích Ngọc");
        app.outbox_drain();
        age(&app, minutes(6));
        let employee = app.employee(Role::Officer, &app.offices.ba_dinh);
        let browsers: Vec<Browser> = (0..4).map(|_| app.sign_in(&employee)).collect();
        let id = app.messages(&application)[0].id;
        let forms: Vec<Form> = browsers.iter().map(|browser| forced(browser, id)).collect();
        let told: Vec<String> = std::thread::scope(|scope| {
            let pressed: Vec<_> = browsers.iter().zip(forms)
                .map(|(browser, form)| scope.spawn(move || browser.submit(form).expect(200).text_of(".flashes .flash")))
                .collect();
            pressed.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let again = Refusal::AlreadySettled.to_string();
        assert_eq!(told.iter().filter(|text| text.starts_with("Đã đưa tin")).count(), 1, "{told:?}");
        assert_eq!(told.iter().filter(|text| **text == again).count(), 3, "{told:?}");
        assert_eq!((app.messages(&application).len(), app.events_of(application.id, EventKind::MessageResent)), (3, 1));
    }

    fn two_messages_with_a_password_of_one_account_are_not_both_sent_again(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let application = app.approved(&officer, "Trần Thị Bích Ngọc");
        app.outbox_drain();
        let account = app.account_of(&application);
        let other = app.db(|conn| {
            let draft = Draft::sms(MessageKind::NewPassword, "0900000001", "Mat khau: {mat_khau}".into(), Some(account.id));
            let occasion = Occasion { application: application.id, staff: None, key: "other", at: clock::now() };
            messages::queue(conn, occasion, &draft)
        });
        set_state(&app, other, MessageState::Failed);
        age(&app, minutes(6));
        let first = app.messages(&application)[0].id;
        let actor = app.actor(&app.employee(Role::Officer, &app.offices.ba_dinh), &app.offices.ba_dinh);
        let stamp = Stamp { staff: actor.id, at: clock::now(), address: None };
        let again = |conn: &mut Conn, id| -> Result<MessageId, AppError> {
            let told = message_list::find_for(conn, &actor, id, stamp.at)?.expect("it is within reach");
            Ok(message_acts::resend(conn, &told, stamp)?)
        };
        let (done, waiting) = mpsc::channel();
        std::thread::scope(|scope| {
            app.parts.db.write(|conn| {
                again(conn, first)?;
                scope.spawn(|| done.send(app.parts.db.write(|conn| again(conn, other)).is_ok()).unwrap());
                // SQLite has one writer, and it is this one; on PostgreSQL the other one gets so far that it waits for us.
                while app.backend() == Backend::Postgres && !somebody_waits(conn) {
                    assert!(waiting.try_recv().is_err(), "the other one did not wait");
                    std::thread::yield_now();
                }
                Ok::<_, AppError>(())
            }).unwrap();
        });
        assert!(!waiting.recv().unwrap(), "both were sent again");
        assert!(refusal(&app.officer(&app.offices.ba_dinh), other).starts_with("Vừa thực hiện việc này."));
        assert_eq!((chain(&app, first), chain(&app, other)), ((None, true), (None, false)));
    }

    fn whoever_received_the_holder_sends_their_password_again(app: TestApp) {
        let account = app.holder("Trần Thị Bích Ngọc");
        app.outbox_drain();
        age(&app, minutes(6));
        let id = app.messages_about(&account)[0].id;
        let elsewhere = app.officer(&app.offices.dong_da);
        elsewhere.submit(forced(&elsewhere, id)).expect(404);
        let form = elsewhere.get("/accounts").form("/accounts/receive").set("code", account.code());
        elsewhere.submit(form.set("papers", account.holder.id_number.as_ref().unwrap().as_str())).expect(200);
        assert!(again(&elsewhere, &elsewhere.open_account(&account), id).told().starts_with("Đã đưa tin"));
    }

    fn an_admin_tries_a_gateway_and_follows_it(app: TestApp) {
        let admin = admin(&app);
        let page = admin.get("/messages/health").expect(200);
        let form = page.form("Gửi thử");
        let wrong = admin.submit(form.clone().set("to", "12")).expect(422);
        assert!(wrong.fault("to").is_some() && wrong.form("Gửi thử").value("to") == "12", "{wrong}");
        let page = admin.submit(form.clone().set("to", "0912345678")).expect(200);
        assert_eq!(page.texts_of(".steps li").len(), 1);
        assert!(page.select("[data-refresh]").len() == 1 && page.text_of(".who").contains("Chờ gửi"), "{page}");
        app.outbox_drain();
        let page = admin.get(page.path()).expect(200);
        assert!(page.text_of(".steps").contains("Đã gửi (Cổng SMS chính)") && page.select("[data-refresh]").is_empty(), "{page}");
        assert!(page.text_of(".sms").contains("Tin gui thu"), "{page}");
        let [sms] = app.sms().try_into().ok().unwrap();
        assert!(sms.starts_with("To: 0912345678\n") && !sms.contains("http"), "{sms}");
        admin.submit(form.clone().set("channel", "email").set("to", "quan.tri@example.vn")).expect(200);
        app.outbox_drain();
        assert_eq!(app.mails().len(), 1);
        for _ in 0..3 {
            admin.submit(form.clone().set("to", "0912345678")).expect(200);
        }
        let page = admin.submit(form.set("to", "0912345678")).expect(422);
        assert!(page.has_text("Đã gửi thử 5 tin trong 5 phút."), "{page}");
        let told: Vec<Option<String>> = app.db(|conn| {
            events::table.filter(events::kind.eq(EventKind::MessageTested)).select(events::after).load(conn)
        });
        assert_eq!(told.len(), 5);
        assert!(told.iter().flatten().all(|json| !json.contains("0912345678")), "{told:?}");
        for browser in [&app.officer(&app.offices.ba_dinh), &supervisor(&app)] {
            let mut form = forced(browser, MessageId(1));
            form.action = "/messages/test".into();
            browser.submit(form.forge("channel", "sms").forge("to", "0912345678")).expect(403);
        }
    }

    fn the_queues_health_is_what_was_done(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        officer.get("/messages/health").expect(403);
        let above = supervisor(&app);
        let page = above.get("/messages/health").expect(200);
        assert_eq!(page.text_of(".verdict-words"), "Mọi thứ bình thường");
        assert!(!page.has_button("Gửi thử"), "only an admin does");
        for _ in 0..3 {
            app.approved(&officer, "Trần Thị Bích Ngọc");
        }
        let cells = |page: &Page, table: &str| -> Vec<Vec<String>> {
            let rows = page.select(&format!("table.{table} tbody tr"));
            let cell = support::browser::selector("td");
            rows.iter().map(|row| row.select(&cell).map(support::browser::words_of).collect()).collect()
        };
        assert_eq!(cells(&above.get("/messages/health"), "waiting")[1][1], "6");
        app.outbox_drain();
        let page = above.get("/messages/health").expect(200);
        assert_eq!((&cells(&page, "waiting")[1][1..], page.text_of(".verdict-words").as_str()),
            (&["0".to_owned(), "Không có".to_owned()][..], "Mọi thứ bình thường"));
        let taken = cells(&page, "taken");
        assert_eq!(taken[0][..3], ["Cổng SMS chính", "3 (0,6 mỗi phút)", "3 (0,0 mỗi phút)"]);
        assert_eq!(taken[1][3], "Không có trong 24 giờ");
        assert_eq!(taken[2][..2], ["Máy chủ thư", "3 (0,6 mỗi phút)"]);
        assert!(page.text_of(".waits").contains("một nửa trong vòng"), "{page}");
        assert!(page.select("table.failures").is_empty());
    }

    fn a_gateway_that_is_gone_is_told_in_plain_words(database: TestDb) {
        // Nobody listens there any more.
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = format!("kannel+http://tnhs:secret@{gone}?from=BHXH");
        let app = database.serve(&[("TNHS_SMS_URL", &url)]);
        let officer = app.officer(&app.offices.ba_dinh);
        let application = rejected(&app, &officer);
        let start = clock::now();
        app.outbox_drain_at(start);
        app.outbox_drain_at(start + minutes(1));
        let page = supervisor(&app).get("/messages/health").expect(200);
        let words = page.text_of(".verdict-words");
        assert!(words.starts_with("SMS: không kết nối được từ ") && words.contains("(2 lần thử)"), "{words}");
        let row = page.text_of("table.failures tbody tr");
        assert!(row.starts_with("SMS Không kết nối được 2 0"), "{row}");
        let line = officer.open(&application).text_of(".sent > li");
        assert!(line.contains("2 lần thử, lần tới ") && line.matches("Không kết nối được").count() >= 2, "{line}");
    }

    fn what_nobody_sends_is_told(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let id = only(&app, &rejected(&app, &officer)).id;
        let due = clock::now() - minutes(10);
        app.db(|conn| diesel::update(stored::table.find(id)).set(stored::next_attempt_at.eq(due)).execute(conn));
        let page = supervisor(&app).get("/messages/health").expect(200);
        assert!(page.text_of(".verdict-words").starts_with("Tin thường: có tin đến giờ gửi từ"), "{page}");
        assert!(page.texts_of("table.waiting tbody tr")[1].contains("10 phút"), "{page}");
    }
}
