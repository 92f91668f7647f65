//! What a desk does with an account: in which state, how often, with which effect on passwords and messages.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use chrono::TimeDelta;
use diesel::prelude::*;
use support::accounts::STATES;
use support::{Browser, TestApp, both_databases};
use tnhs::clock;
use tnhs::db::events::{self, NewEvent};
use tnhs::db::schema::accounts as stored;
use tnhs::db::{accounts, messages};
use tnhs::domain::account::{Account, AccountAct, AccountState, LockCause};
use tnhs::domain::delivery::MessageState;
use tnhs::domain::outbox::{MessageChannel, MessageKind};
use tnhs::domain::refusal::Refusal;

fn officer(app: &TestApp) -> Browser {
    app.officer(&app.offices.ba_dinh)
}

/// Whether this password signs the citizen in.
fn signs_in(app: &TestApp, account: &Account, password: &str) -> bool {
    let row = stored::table.find(account.id).select(stored::password_hashes);
    let hashes: Option<String> = app.db(|conn| row.first(conn));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    hashes
        .unwrap_or_default()
        .lines()
        .any(|hash| runtime.block_on(app.parts.hasher.verify(password.to_owned(), Some(hash.to_owned()))).unwrap())
}

/// The passwords that have left by SMS, oldest first.
fn passwords(app: &TestApp) -> Vec<String> {
    let sent = app.sms();
    let password = |sms: &String| {
        let (_, rest) = sms.split_once("Mat khau: ").or_else(|| sms.split_once("Mat khau moi cua tai khoan "))?;
        let rest = rest
            .split_once(": ")
            .filter(|(code, _)| code.bytes().all(|b| b.is_ascii_digit()))
            .map_or(rest, |(_, rest)| rest);
        Some(rest.chars().take_while(char::is_ascii_alphanumeric).collect())
    };
    sent.iter().filter_map(password).collect()
}

/// What was told of one kind: channel and recipient.
fn told(app: &TestApp, account: &Account, kind: MessageKind) -> Vec<(MessageChannel, String)> {
    let all = app.messages_about(account).into_iter().filter(|message| message.kind == kind);
    all.map(|message| (message.channel, message.recipient)).collect()
}

fn on_both_channels(account: &Account) -> Vec<(MessageChannel, String)> {
    let email = account.notice_email().unwrap().to_string();
    vec![(MessageChannel::Sms, account.notice_phone().to_string()), (MessageChannel::Email, email)]
}

/// The citizen has signed in and chosen a password.
fn has_chosen(app: &TestApp, account: &Account) {
    let row = diesel::update(stored::table.find(account.id)).set(stored::must_change_password.eq(false));
    app.db(|conn| row.execute(conn));
}

fn did_before(app: &TestApp, account: &Account, act: AccountAct, ago: TimeDelta) {
    let event = NewEvent {
        application: None,
        account: Some(account.id),
        staff: None,
        kind: act.event(),
        at: clock::now() - ago,
        address: None,
        before: None,
        after: None,
    };
    app.db(|conn| events::add(conn, &event));
}

both_databases! {
    fn in_each_state_a_desk_may_do_what_the_table_says(app: TestApp) {
        let officer = officer(&app);
        for (state, cause) in STATES {
            for act in AccountAct::ALL {
                let case = format!("{act:?} in {state:?} {cause:?}");
                let account = app.bring_into(&app.holder("Trần Thị Bích Ngọc"), state, cause);
                let page = officer.open_account(&account);
                let panel = page.text_of(&format!("details#{}", act.code()));
                match act.allowed_in(state, cause) {
                    Ok(()) => {
                        let mut form = page.act(*act, "Chủ tài khoản yêu cầu");
                        if *act == AccountAct::ChangeContact {
                            form = form.set("phone", "0912345678");
                        }
                        let page = officer.submit(form).expect(200);
                        assert!(page.told().starts_with("Đã "), "{case}: {page}");
                        let after = app.account(account.id);
                        let becomes = match act {
                            AccountAct::Lock => AccountState::Locked,
                            AccountAct::Close => AccountState::Closed,
                            AccountAct::ChangeContact => state,
                            AccountAct::ResetPassword | AccountAct::Unlock => AccountState::Active,
                        };
                        assert_eq!((after.state, after.version), (becomes, account.version + 1), "{case}");
                        let newest = page.history().remove(0);
                        assert!(newest.contains(act.event().label()), "{case}: {newest}");
                        assert!(newest.contains("Lý do: Chủ tài khoản yêu cầu"), "{case}: {newest}");
                    }
                    Err(refusal) => {
                        assert!(panel.contains(&refusal.to_string()), "{case}: {panel}");
                        assert!(page.select(&format!("details#{} form", act.code())).is_empty(), "{case}");
                        let before = app.messages_about(&account).len();
                        let page = officer.submit(page.forced_act(&account, *act)).expect(422);
                        assert_eq!(page.told(), refusal.to_string(), "{case}");
                        assert!(page.text_of(".kept").contains("Không có lý do"), "{case}");
                        let after = app.account(account.id);
                        assert_eq!((after.state, after.version), (state, account.version), "{case}");
                        assert_eq!(app.messages_about(&account).len(), before, "{case}");
                    }
                }
            }
        }
    }

    fn a_new_password_is_the_only_good_one_and_nobody_at_the_desk_sees_it(app: TestApp) {
        let account = app.holder("Trần Thị Bích Ngọc");
        app.outbox_drain();
        has_chosen(&app, &account);
        let account = app.bring_into(&account, AccountState::Locked, Some(LockCause::WrongPasswords));
        let officer = officer(&app);
        let page = officer.submit(officer.open_account(&account).act(AccountAct::ResetPassword, "Quên mật khẩu")).expect(200);
        assert!(page.told().contains(account.notice_phone().as_str()), "{page}");
        let [old] = passwords(&app).try_into().unwrap();
        assert!(!signs_in(&app, &account, &old), "from the moment of the act");
        app.outbox_drain();
        let new = passwords(&app).pop().unwrap();
        assert!(signs_in(&app, &account, &new) && !signs_in(&app, &account, &old) && new != old);
        let after = app.account(account.id);
        assert!(after.must_change_password && after.state == AccountState::Active, "the lock is opened by it");
        assert!(!officer.open_account(&account).html.contains(&new));
        let email = account.notice_email().unwrap().to_string();
        assert_eq!(told(&app, &account, MessageKind::PasswordNotice), [(MessageChannel::Email, email)]);
        assert!(app.mails().iter().all(|mail| !mail.contains(&new)));
    }

    fn a_password_that_waits_is_replaced_and_one_on_its_way_is_waited_for(app: TestApp) {
        let account = app.holder("Trần Thị Bích Ngọc");
        let officer = officer(&app);
        app.db(|conn| messages::lease(conn, "a worker", MessageChannel::Sms, [16; 3], clock::now()));
        let page = officer.open_account(&account);
        for act in [AccountAct::ResetPassword, AccountAct::ChangeContact] {
            assert!(page.text_of(&format!("details#{}", act.code())).contains(&Refusal::PasswordOnItsWay.to_string()));
            let page = officer.submit(page.forced_act(&account, act)).expect(422);
            assert_eq!(page.told(), Refusal::PasswordOnItsWay.to_string());
        }
        let waiting = app.holder("Lê Thị Hồng");
        officer.submit(officer.open_account(&waiting).act(AccountAct::ResetPassword, "Quên mật khẩu")).expect(200);
        let states = |kind| {
            let all = app.messages_about(&waiting).into_iter().filter(move |message| message.kind == kind);
            all.map(|message| message.state).collect::<Vec<_>>()
        };
        assert_eq!(states(MessageKind::Credentials), [MessageState::Dropped]);
        assert_eq!(states(MessageKind::NewPassword), [MessageState::Queued]);
        app.outbox_drain();
        let [only] = passwords(&app).try_into().unwrap();
        assert!(signs_in(&app, &waiting, &only));
    }

    fn what_is_repeated_too_soon_or_too_often_has_to_wait(app: TestApp) {
        let officer = officer(&app);
        for act in [AccountAct::ResetPassword, AccountAct::ChangeContact] {
            // A mistyped telephone is corrected at once.
            let too_soon = (act == AccountAct::ResetPassword).then_some("Vừa thực hiện việc này. Làm lại được từ ");
            for (times, minutes, words) in [
                (1, 4, too_soon),
                (1, 6, None),
                (5, 60, Some("Đã thực hiện việc này 5 lần trong 24 giờ. Làm lại được từ ")),
                (5, 24 * 60 + 1, None),
            ] {
                let account = app.holder("Trần Thị Bích Ngọc");
                for nth in 0..times {
                    did_before(&app, &account, act, TimeDelta::minutes(minutes + nth * 10));
                }
                let page = officer.open_account(&account);
                let answer = officer.submit(page.forced_act(&account, act));
                match words {
                    Some(words) => {
                        assert!(page.text_of(&format!("details#{}", act.code())).contains(words), "{page}");
                        assert!(answer.expect(422).told().starts_with(words));
                    }
                    None => drop(answer.expect(200)),
                }
            }
        }
        // After it was done the page says from when on it may be done again.
        let account = app.holder("Lê Thị Hồng");
        let page = officer.submit(officer.open_account(&account).act(AccountAct::ResetPassword, "Quên mật khẩu"));
        assert!(page.text_of("details#reset-password").contains("Vừa thực hiện việc này"), "{page}");
    }

    fn the_old_and_the_new_place_are_told_and_the_history_shows_both(app: TestApp) {
        let account = app.holder("Trần Thị Bích Ngọc");
        app.outbox_drain();
        has_chosen(&app, &account);
        let neighbour = app.holder("Lê Thị Hồng");
        let officer = officer(&app);
        let form = officer.open_account(&account).act(AccountAct::ChangeContact, "Đổi số");
        assert_eq!(form.value("phone"), account.notice_phone().as_str());
        let form = form.set("phone", &format!("+84 {}", &neighbour.notice_phone().as_str()[1..])).set("email", "Moi@Example.vn");
        let page = officer.submit(form).expect(200);
        assert!(page.told().contains("Số điện thoại này đang dùng cho 1 tài khoản khác."), "{page}");
        let after = app.account(account.id);
        assert_eq!(after.contact().phone, *neighbour.notice_phone());
        let mut both = on_both_channels(&after);
        both.extend(on_both_channels(&account));
        assert_eq!(told(&app, &account, MessageKind::ContactChanged), both);
        let newest = page.history().remove(0);
        for (old, new) in on_both_channels(&account).iter().zip(on_both_channels(&after)) {
            assert!(newest.contains(&format!("{} → {}", old.1, new.1)), "{newest}");
        }
        app.outbox_drain();
        let [password] = passwords(&app)[..1].to_vec().try_into().unwrap();
        assert!(signs_in(&app, &account, &password), "whoever has chosen a password keeps it");
        assert!(told(&app, &account, MessageKind::NewPassword).is_empty());
        // Nothing that changes nothing.
        let other = app.holder("Phạm Văn Sơn");
        let page = officer.submit(officer.open_account(&other).act(AccountAct::ChangeContact, "Đổi số")).expect(422);
        assert_eq!(page.told(), Refusal::ContactUnchanged.to_string());
        // An address can be taken away.
        let form = officer.open_account(&other).act(AccountAct::ChangeContact, "Không còn email").set("email", " ");
        officer.submit(form).expect(200);
        assert_eq!(app.account(other.id).holder.email, None);
    }

    fn whoever_never_got_the_first_password_gets_one_at_the_new_telephone(app: TestApp) {
        let account = app.holder("Trần Thị Bích Ngọc");
        app.outbox_drain();
        let officer = officer(&app);
        let form = officer.open_account(&account).act(AccountAct::ChangeContact, "Sai số").set("phone", "0912345678");
        let page = officer.submit(form).expect(200);
        assert!(page.told().contains("Mật khẩu mới được gửi bằng tin nhắn đến 0912345678"), "{page}");
        let [wrong] = passwords(&app).try_into().unwrap();
        assert!(!signs_in(&app, &account, &wrong), "it went to somebody else");
        app.outbox_drain();
        let right = passwords(&app).pop().unwrap();
        assert!(signs_in(&app, &account, &right) && right != wrong);
        assert_eq!(told(&app, &account, MessageKind::NewPassword), [(MessageChannel::Sms, "0912345678".into())]);
        // Of one whose password has not left yet, only the new telephone gets it.
        let waiting = app.holder("Lê Thị Hồng");
        let form = officer.open_account(&waiting).act(AccountAct::ChangeContact, "Sai số").set("phone", "0912345679");
        officer.submit(form).expect(200);
        app.outbox_drain();
        assert!(signs_in(&app, &waiting, &passwords(&app).pop().unwrap()));
        assert_eq!(passwords(&app).len(), 3);
        // Another mail address leaves the password as it is.
        let other = app.holder("Phạm Văn Sơn");
        app.outbox_drain();
        let password = passwords(&app).pop().unwrap();
        let form = officer.open_account(&other).act(AccountAct::ChangeContact, "Sai email").set("email", "moi@example.vn");
        officer.submit(form).expect(200);
        app.outbox_drain();
        assert!(signs_in(&app, &other, &password) && passwords(&app).len() == 4);
    }

    fn a_childs_messages_go_where_the_guardian_wants_them(app: TestApp) {
        let officer = officer(&app);
        let mother = app.holder("Đỗ Thị Hoà");
        let child = app.holder_at(&app.offices.ba_dinh, &app.child(&mother.holder, true));
        let page = officer.open_account(&child);
        let sentence = Refusal::ContactOfGuardian.to_string();
        assert!(page.text_of("details#contact").contains(&sentence), "{page}");
        assert_eq!(officer.submit(page.forced_act(&child, AccountAct::ChangeContact)).expect(422).told(), sentence);
        let form = officer.open_account(&mother).act(AccountAct::ChangeContact, "Đổi số").set("phone", "0912345678");
        officer.submit(form).expect(200);
        assert_eq!(app.account(child.id).notice_phone().as_str(), "0912345678");
        // A guardian without an account is changed on the child's.
        let other = app.holder_at(&app.offices.ba_dinh, &app.child(&app.citizen("Lê Thị Hồng"), true));
        let form = officer.open_account(&other).act(AccountAct::ChangeContact, "Đổi số").set("phone", "0912345679");
        officer.submit(form).expect(200);
        let after = app.account(other.id);
        assert_eq!(after.holder.guardian.as_ref().unwrap().phone.as_str(), "0912345679");
        assert_eq!(after.holder.phone, other.holder.phone);
    }

    fn locking_unlocking_and_closing_are_told_on_both_channels(app: TestApp) {
        let officer = officer(&app);
        let account = app.holder("Trần Thị Bích Ngọc");
        app.outbox_drain();
        let [password] = passwords(&app).try_into().unwrap();
        for (act, kind, words) in [
            (AccountAct::Lock, MessageKind::Locked, "da bi khoa. Ly do: Mat may."),
            (AccountAct::Unlock, MessageKind::Unlocked, "da duoc mo khoa"),
            (AccountAct::Close, MessageKind::Closed, "da duoc huy. Ly do: Mat may."),
        ] {
            officer.submit(officer.open_account(&account).act(act, "Mất máy")).expect(200);
            assert_eq!(told(&app, &account, kind), on_both_channels(&account), "{act:?}");
            app.outbox_drain();
            assert!(app.sms().last().unwrap().contains(words), "{:?}", app.sms());
            assert_eq!(signs_in(&app, &account, &password), act != AccountAct::Close, "{act:?}");
        }
        let after = app.account(account.id);
        assert!(after.holder.id_number.is_none() && !after.has_password);
        let id_number = account.holder.id_number.as_ref().unwrap();
        let holder = app.db(|conn| accounts::id_number_holder(conn, id_number.as_str(), "0000000000"));
        assert_eq!(holder, None, "the ID number is free");
        // It takes one tick more than the others.
        let other = app.holder("Lê Thị Hồng");
        let form = officer.open_account(&other).act(AccountAct::Close, "Gộp mã số").uncheck("understood");
        let page = officer.submit(form).expect(422);
        assert!(page.fault("understood").is_some() && page.form("Hủy tài khoản").value("id_compared") == "1", "{page}");
        officer.submit(page.form("Hủy tài khoản").check("understood")).expect(200);
        let mut waiting = app.messages_about(&other).into_iter().filter(|message| message.kind.has_password());
        assert!(waiting.all(|message| message.state == MessageState::Dropped));
        app.outbox_drain();
        assert_eq!(passwords(&app).len(), 1, "what waited for a closed account does not leave");
    }

    fn whoever_was_locked_before_the_first_password_left_gets_one_when_it_is_opened(app: TestApp) {
        let officer = officer(&app);
        let account = app.holder("Trần Thị Bích Ngọc");
        officer.submit(officer.open_account(&account).act(AccountAct::Lock, "Nghi ngờ")).expect(200);
        app.outbox_drain();
        assert!(passwords(&app).is_empty());
        let page = officer.submit(officer.open_account(&account).act(AccountAct::Unlock, "Đã rõ")).expect(200);
        assert!(page.told().contains("Mật khẩu mới được gửi"), "{page}");
        app.outbox_drain();
        let [password] = passwords(&app).try_into().unwrap();
        assert!(signs_in(&app, &account, &password));
    }
}
