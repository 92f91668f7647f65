//! Two people, or one finger twice, at the same moment: one effect, and whoever came second is told.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Barrier;
use std::thread;

use support::desk::CHECKLIST;
use support::{Browser, Employee, Form, Page, TestApp, both_databases};
use tnhs::domain::application::{Application, Status};
use tnhs::domain::dates::show_date;
use tnhs::domain::event::EventKind;
use tnhs::domain::outbox::{MessageChannel, MessageKind};
use tnhs::domain::permission::Role;

/// Sends both forms at the same moment; the answers in the same order, redirects not followed.
fn at_once(first: (&Browser, &Form), second: (&Browser, &Form)) -> [Page; 2] {
    let start = Barrier::new(2);
    let send = |(browser, form): (&Browser, &Form)| {
        start.wait();
        browser.submit_only(form)
    };
    thread::scope(|scope| {
        let one = scope.spawn(|| send(first));
        let other = send(second);
        [one.join().unwrap(), other]
    })
}

fn officers(app: &TestApp) -> [(Employee, Browser); 2] {
    [(); 2].map(|()| {
        let employee = app.employee(Role::Officer, &app.offices.ba_dinh);
        let browser = app.sign_in(&employee);
        (employee, browser)
    })
}

/// How many messages with a password are queued for an application or were sent.
fn credentials(app: &TestApp, application: &Application) -> usize {
    let messages = app.messages(application);
    messages.iter().filter(|m| (m.kind, m.channel) == (MessageKind::Credentials, MessageChannel::Sms)).count()
}

both_databases! {
    /// Every other time both approve, else one approves and one rejects.
    fn of_two_officers_at_one_application_one_wins_and_the_other_is_told(app: TestApp) {
        const RACES: usize = 100;
        let [(first, mine), (second, theirs)] = officers(&app);
        let mut approved = 0;
        for race in 0..RACES {
            let application = app.ready("Trần Thị Bích Ngọc");
            let valid = mine.open(&application).valid();
            let page = theirs.open(&application);
            let other = if race % 2 == 0 { page.valid() } else { page.invalid("Chữ ký khác giấy tờ") };
            let answers = at_once((&mine, &valid), (&theirs, &other));

            let statuses = [&answers[0], &answers[1]].map(|page| page.status);
            assert!(matches!(statuses, [303, 409] | [409, 303]), "race {race}: {statuses:?}\n{}", answers[0]);
            let first_won = statuses[0] == 303;
            let (winner, loser) = if first_won { (&first, &answers[1]) } else { (&second, &answers[0]) };
            let after = app.application(application.id);
            let status = if first_won || race % 2 == 0 { Status::Approved } else { Status::Rejected };
            assert_eq!((after.status, after.decided_by, after.version), (status, Some(winner.id), 2), "race {race}");
            let accounts = i64::from(status == Status::Approved);
            assert_eq!(app.accounts_of(application.id), accounts, "race {race}");
            assert_eq!(credentials(&app, &application), accounts as usize, "race {race}");
            let decisions = [EventKind::Approved, EventKind::Rejected].map(|kind| app.events_of(application.id, kind));
            assert_eq!(decisions[0] + decisions[1], 1, "race {race}");
            approved += accounts as usize;

            // Who decided what and when, and what the loser had entered.
            let day = show_date(tnhs::domain::dates::to_hanoi(after.decided_at.unwrap()).date());
            let typed = if first_won && race % 2 == 1 { "Chữ ký khác giấy tờ" } else { "Hồ sơ hợp lệ" };
            for words in [winner.name.as_str(), status.label(), &day] {
                assert!(loser.told().contains(words), "race {race}: «{words}» is not told on\n{loser}");
            }
            assert!(loser.text_of(".kept").contains(typed), "race {race}: «{typed}» is lost on\n{loser}");
        }
        assert!(approved >= RACES / 2);
        app.outbox_drain();
        assert_eq!(app.sms().iter().filter(|sms| sms.contains("Mat khau: ")).count(), approved);
    }

    fn the_same_form_posted_twice_counts_once(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        for race in 0..10 {
            let application = app.ready("Trần Thị Bích Ngọc");
            let page = officer.open(&application);
            let form = if race % 2 == 0 { page.valid() } else { page.invalid("Tờ khai chưa ký") };
            let answers = at_once((&officer, &form), (&officer, &form));
            assert_eq!([&answers[0], &answers[1]].map(|page| page.status), [303, 303], "{}", answers[0]);
            assert_eq!(app.application(application.id).version, 2);
            assert_eq!(app.messages(&application).len(), 2, "one SMS and one mail");
            assert_eq!(app.accounts_of(application.id), i64::from(race % 2 == 0));
        }
        // Pressing again after the answer, as from a page that is still open.
        let application = app.ready("Trần Thị Bích Ngọc");
        let form = officer.open(&application).valid();
        for _ in 0..2 {
            assert!(officer.submit(form.clone()).expect(200).told().contains("Đăng ký thành công"));
        }
        assert_eq!(app.messages(&application).len(), 2);
    }

    fn the_same_form_posted_twice_for_an_unknown_code_counts_once(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let application = app.declared(&app.offices.ba_dinh, &app.citizen("Phạm Văn Sơn"));
        let form = officer.open(&application).valid();
        for _ in 0..2 {
            assert!(officer.submit(form.clone()).expect(200).told().contains("Chờ cấp mã số"));
        }
        assert_eq!(app.application(application.id).version, 2);
        assert_eq!(app.events_of(application.id, EventKind::AwaitingCode), 1);
        // To anybody else it is news.
        let colleague = app.officer(&app.offices.ba_dinh);
        colleague.open(&application);
        let stale = colleague.open(&application).valid().forge("version", "1");
        assert!(colleague.submit(stale).expect(409).told().contains("Hồ sơ đã có thay đổi"));
    }

    fn of_two_applications_of_one_code_approved_at_once_one_gets_the_account(app: TestApp) {
        let [(_, mine), (_, theirs)] = officers(&app);
        for race in 0..20 {
            let first = app.ready("Trần Thị Bích Ngọc");
            let mut again = first.declaration.clone();
            // Another time the code differs and the ID number is the same.
            if race % 2 == 1 {
                again.code = app.citizen("Trần Thị Bích Ngọc").code;
                app.registered(&again);
            }
            let second = app.declared(&app.offices.ba_dinh, &again);
            let forms = [mine.open(&first).valid(), theirs.open(&second).valid()];
            let answers = at_once((&mine, &forms[0]), (&theirs, &forms[1]));
            let statuses = [&answers[0], &answers[1]].map(|page| page.status);
            assert!(matches!(statuses, [303, 422] | [422, 303]), "race {race}: {statuses:?}\n{}", answers[1]);
            let (won, lost, told) = if statuses[0] == 303 {
                (&first, &second, &answers[1])
            } else {
                (&second, &first, &answers[0])
            };
            let words = if race % 2 == 1 { won.declaration.code.as_str() } else { "đã có tài khoản" };
            assert!(told.told().contains(words), "race {race}: {told}");
            assert!(CHECKLIST.iter().all(|tick| !told.form("Ghi nhận").value(tick).is_empty()), "the ticks are lost");
            assert_eq!((app.status(won), app.status(lost)), (Status::Approved, Status::Pending));
            assert_eq!((app.accounts_of(won.id), app.accounts_of(lost.id)), (1, 0));
            assert_eq!((credentials(&app, won), credentials(&app, lost)), (1, 0));
        }
    }

    fn of_two_photos_at_once_one_is_current_and_none_is_lost(app: TestApp) {
        let [(_, mine), (_, theirs)] = officers(&app);
        let application = app.ready("Trần Thị Bích Ngọc");
        let upload = |officer: &Browser, shade| {
            let form = officer.open(&application).form("Thay ảnh");
            form.attach("file", "anh.jpg", "image/jpeg", &support::drawing(300, 400, [shade, 60, 40]))
        };
        for race in 0..5 {
            let forms = [upload(&mine, race * 40 + 10), upload(&theirs, race * 40 + 30)];
            let answers = at_once((&mine, &forms[0]), (&theirs, &forms[1]));
            let statuses = [&answers[0], &answers[1]].map(|page| page.status);
            assert!(statuses.iter().all(|status| matches!(status, 303 | 409)), "{statuses:?}\n{}", answers[0]);
            let photos = app.db(|conn| tnhs::db::photos::of_application(conn, application.id));
            assert_eq!(photos.iter().filter(|photo| photo.current).count(), 1);
        }
    }
}
