//! The process is killed at random moments while a desk changes accounts: an act, its event, its messages and what it does to
//! the account are there together or not at all, and nothing that an officer saw as done is lost.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use diesel::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use support::{Browser, Employee, PASSWORD, Page, Program, TestApp, both_databases};
use tnhs::db::schema::{accounts, events, messages};
use tnhs::domain::account::{Account, AccountAct, AccountState};
use tnhs::domain::application::Application;
use tnhs::domain::delivery::MessageState;
use tnhs::domain::event::EventKind;
use tnhs::domain::ids::AccountId;
use tnhs::domain::numbers::Phone;
use tnhs::domain::outbox::MessageKind;
use tnhs::domain::permission::Role;

const KILLS: usize = 20;
const ACCOUNTS: usize = 40;

/// What an officer was told is done: which account, which act, and the version that it led to.
type Told = Mutex<Vec<(AccountId, EventKind, i32)>>;

both_databases! {
    fn killed_at_any_moment_an_act_on_an_account_is_whole_or_not_there(app: TestApp) {
        let seed = std::env::var("TNHS_TEST_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
        println!("TNHS_TEST_SEED={seed}");
        let mut rng = StdRng::seed_from_u64(seed);
        let program = Program::beside(&app);
        let officer = app.employee(Role::Officer, &app.offices.ba_dinh);
        let holders: Vec<Account> = (0..ACCOUNTS).map(|_| app.holder("Trần Thị Bích Ngọc")).collect();
        let changes: Vec<Application> = holders.iter().map(|holder| change_of(&app, holder)).collect();
        let (told, closing) = (Told::default(), AtomicBool::new(false));
        let mut server = Some(program.serve(&["serve", "--no-jobs"]));
        let browser = sign_in(&program.url, &officer);
        thread::scope(|scope| {
            let work = StdRng::seed_from_u64(rng.random());
            let (holders, changes, told, closing) = (&holders, &changes, &told, &closing);
            scope.spawn(move || {
                let mut rng = work;
                while !closing.load(Ordering::Relaxed) {
                    let at = rng.random_range(0..ACCOUNTS);
                    // Without an answer nobody knows; somebody will look again.
                    let _ = if rng.random_bool(0.4) {
                        confirm(&browser, &holders[at], &changes[at], told)
                    } else {
                        let act = AccountAct::ALL[rng.random_range(0..AccountAct::ALL.len() - 1)];
                        act_on(&browser, &holders[at], act, told)
                    };
                }
            });
            for kill in 1..=KILLS {
                let running = server.take().unwrap_or_else(|| program.serve(&["serve", "--no-jobs"]));
                thread::sleep(Duration::from_millis(rng.random_range(20..400)));
                running.kill();
                check(&app, &told.lock().unwrap(), &format!("after kill {kill}"));
            }
            closing.store(true, Ordering::Relaxed);
        });
        let told = told.into_inner().unwrap();
        assert!(told.iter().any(|(_, kind, _)| *kind == EventKind::Changed), "too little happened: {told:?}");
        assert!(told.iter().any(|(_, kind, _)| *kind == EventKind::AccountPasswordReset), "too little happened: {told:?}");

        // Whoever is not locked can sign in with the last password that is sent: the earlier ones are void.
        app.outbox_drain();
        check(&app, &told, "after everything was sent");
    }
}

fn change_of(app: &TestApp, holder: &Account) -> Application {
    let application = app.application(holder.application_id);
    app.change_declared(&application, |declared| declared.phone = Phone::parse("0912345678").unwrap())
}

fn sign_in(url: &str, officer: &Employee) -> Browser {
    let browser = Browser::new(url);
    let form = browser.get("/sign-in").form("/sign-in").set("login", &officer.login).set("password", PASSWORD);
    assert_eq!(browser.submit(form).path(), "/applications");
    browser
}

fn get(browser: &Browser, path: &str) -> Result<Page, ureq::Error> {
    browser.attempt("GET", path, &[], Vec::new())
}

fn post(browser: &Browser, form: &support::Form) -> Result<Page, ureq::Error> {
    let (content_type, body) = form.body();
    browser.attempt("POST", &form.action, &[("Content-Type", content_type), ("Origin", browser.base())], body)
}

/// *Hợp lệ*, *Ghi nhận*, *Xác nhận*.
fn confirm(browser: &Browser, holder: &Account, change: &Application, told: &Told) -> Result<(), ureq::Error> {
    let page = get(browser, &format!("/applications/{}", change.id))?.expect(200);
    if !page.has_button("Ghi nhận") {
        return Ok(());
    }
    let version: i32 = page.form("Ghi nhận").value("account_version").parse().unwrap();
    let question = post(browser, &page.valid())?;
    if question.status == 200 && post(browser, &question.form("Xác nhận"))?.status == 303 {
        told.lock().unwrap().push((holder.id, EventKind::Changed, version + 1));
    }
    Ok(())
}

fn act_on(browser: &Browser, holder: &Account, act: AccountAct, told: &Told) -> Result<(), ureq::Error> {
    let page = get(browser, &format!("/accounts/{}", holder.id))?.expect(200);
    if !page.has_button(act.label()) {
        return Ok(());
    }
    let mut form = page.act(act, "Chủ tài khoản yêu cầu");
    if act == AccountAct::ChangeContact {
        form = form.set("phone", "0987654321");
    }
    let version: i32 = form.value("version").parse().unwrap();
    if post(browser, &form)?.status == 303 {
        told.lock().unwrap().push((holder.id, act.event(), version + 1));
    }
    Ok(())
}

/// What must hold at any moment.
#[track_caller]
fn check(app: &TestApp, told: &[(AccountId, EventKind, i32)], when: &str) {
    type Row = (AccountId, AccountState, i32, bool, Option<String>);
    type Sent = (AccountId, String, MessageKind, MessageState);
    let (rows, history, sent): (Vec<Row>, Vec<(AccountId, EventKind)>, Vec<Sent>) = app.db(|conn| {
        let of_account = messages::table.filter(messages::account_id.is_not_null());
        Ok((
            accounts::table
                .select((
                    accounts::id,
                    accounts::state,
                    accounts::version,
                    accounts::must_change_password,
                    accounts::password_hashes,
                ))
                .load(conn)?,
            events::table
                .filter(events::account_id.is_not_null())
                .filter(events::kind.ne_all([EventKind::AccountViewed, EventKind::MessageSent, EventKind::Approved]))
                .order(events::id)
                .select((events::account_id.assume_not_null(), events::kind))
                .load(conn)?,
            of_account
                .select((
                    messages::account_id.assume_not_null(),
                    messages::idempotency_key,
                    messages::kind,
                    messages::state,
                ))
                .load(conn)?,
        ))
    });
    let mut acts: BTreeMap<AccountId, Vec<EventKind>> = BTreeMap::new();
    for (account, kind) in history {
        acts.entry(account).or_default().push(kind);
    }
    for (id, state, version, must_change, hashes) in rows {
        let acts = acts.remove(&id).unwrap_or_default();
        let when = format!("{when}: account {id}, {} after {acts:?}", state.code());
        assert_eq!(version, 1 + i32::try_from(acts.len()).unwrap(), "{when}: each act is one version and one event");
        let last = acts.iter().rev().find(|kind| {
            matches!(kind, EventKind::AccountLocked | EventKind::AccountUnlocked | EventKind::AccountPasswordReset)
        });
        let locked = last == Some(&EventKind::AccountLocked);
        assert_eq!(state, if locked { AccountState::Locked } else { AccountState::Active }, "{when}");
        // Each act told the holder, on the telephone at least.
        for (at, kind) in acts.iter().enumerate() {
            let tells = sent.iter().filter(|(of, key, ..)| *of == id && tells_of(key, id, *kind, at + 1)).count();
            assert!(tells >= 1, "{when}: nobody was told of act {at}, {kind:?}");
        }
        let waiting = sent.iter().filter(|(of, _, kind, state)| {
            *of == id && kind.has_password() && matches!(state, MessageState::Queued | MessageState::Sending)
        });
        assert!(waiting.count() <= 1, "{when}: two passwords wait");
        assert!(
            must_change && (hashes.is_none() || !when.starts_with("after kill")),
            "{when}: a password without a message"
        );
        for (_, kind, version) in told.iter().filter(|(of, ..)| *of == id) {
            let at = usize::try_from(*version - 2).unwrap();
            assert_eq!(acts.get(at), Some(kind), "{when}: it was done before the officer's eyes, and is lost");
        }
    }
}

/// Whether a message with this key tells of the act that met the account's version `version`. Messages of a change carry the
/// application's name.
fn tells_of(key: &str, id: AccountId, kind: EventKind, version: usize) -> bool {
    match kind {
        EventKind::Changed => key.contains("information_changed"),
        _ => key.starts_with(&format!("account-{id}-{version}-")),
    }
}
