//! Every act in every status by every role: what the rules in `domain` say is what happens over HTTP, with the sentence that
//! they give.

#![allow(clippy::unwrap_used)]

mod support;

use support::accounts::STATES;
use support::{Browser, Form, TestApp, both_databases, drawing};
use tnhs::clock;
use tnhs::db::{applications, stays};
use tnhs::domain::account::AccountAct;
use tnhs::domain::act::ApplicationAct;
use tnhs::domain::application::{Application, Kind, Status};
use tnhs::domain::names::Name;
use tnhs::domain::permission::{Action, Role};
use tnhs::domain::report::Left;

/// An application of this kind at Ba Đình that stands in this status.
fn standing(app: &TestApp, officer: &Browser, kind: Kind, status: Status) -> Application {
    let application = match kind {
        Kind::New if status == Status::Approved => return app.approved(officer, "Trần Thị Bích Ngọc"),
        Kind::New => app.ready("Trần Thị Bích Ngọc"),
        Kind::Change => {
            let first = app.approved(officer, "Trần Thị Bích Ngọc");
            app.change_declared(&first, |declared| declared.address = Some("Số 9".into()))
        }
    };
    if status == Status::Approved {
        let question = officer.submit(officer.open(&application).valid()).expect(200);
        officer.submit(question.form("Xác nhận")).expect(200);
    } else if status != Status::Pending {
        let by = app.employee(Role::Officer, &app.offices.ba_dinh).id;
        let decided = (!status.is_open()).then_some((by, clock::now(), Some("Ảnh bị mờ")));
        let left = match status {
            Status::Pending | Status::AwaitingCode => None,
            Status::Approved => Some(Left::Approved),
            Status::Rejected => Some(Left::Rejected),
            Status::Expired => Some(Left::Expired),
        };
        app.db(|conn| {
            applications::set_status(conn, application.id, application.version, status, decided)?;
            left.map_or(Ok(()), |left| stays::leave(conn, application.id, left, clock::now(), None))
        });
    }
    app.application(application.id)
}

/// The act as somebody posts it who has filled everything in, whether a page offers it or not.
fn posted(act: ApplicationAct, application: &Application, token: &Form) -> Form {
    let mut form = token.clone();
    form.action = format!(
        "/applications/{}/{}",
        application.id,
        match act {
            ApplicationAct::Assess => "assessment",
            ApplicationAct::Recheck => "recheck",
            ApplicationAct::ReplacePhoto => "photos",
            ApplicationAct::Receive => "receive",
            ApplicationAct::Reopen => "reopen",
            ApplicationAct::Move => "move",
        }
    );
    if act == ApplicationAct::ReplacePhoto {
        return form;
    }
    let form = form.forge("version", &application.version.to_string());
    match act {
        ApplicationAct::Assess => form.forge("outcome", "invalid").forge("reason", "Ảnh bị mờ"),
        ApplicationAct::Recheck | ApplicationAct::ReplacePhoto | ApplicationAct::Receive => form,
        ApplicationAct::Reopen => form.forge("reopen_reason", "Xem lại").forge("acknowledged", "1"),
        ApplicationAct::Move => form.forge("move_reason", "Gần nhà").forge("agency", "00102"),
    }
}

both_databases! {
    fn what_can_be_done_with_an_application_is_what_the_rules_say(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let people = Role::ALL.iter().map(|role| {
            let office = if *role == Role::Officer { &app.offices.ba_dinh } else { &app.offices.hanoi };
            (*role, app.sign_in(&app.employee(*role, office)))
        });
        let people: Vec<(Role, Browser)> = people.collect();
        let photo = drawing(300, 400, [90, 60, 40]);
        let upload = officer.open(&app.ready("Lê Văn Sơn")).form("Thay ảnh").attach("file", "a.jpg", "image/jpeg", &photo);
        let mut walked = 0;
        for kind in Kind::ALL {
            for status in Status::ALL {
                for act in ApplicationAct::ALL {
                    // Whoever may not is tried first: the application is then still as it was.
                    let application = standing(&app, &officer, *kind, *status);
                    let mut order: Vec<&(Role, Browser)> = people.iter().collect();
                    order.sort_by_key(|(role, _)| role.may(act.action()));
                    for (role, browser) in order {
                        let case = format!("{} · {} · {} · {}", kind.label(), status.label(), act.label(), role.label());
                        let token = browser.get("/password").form("Đổi mật khẩu");
                        let form = if *act == ApplicationAct::ReplacePhoto { &upload } else { &token };
                        let form = posted(*act, &application, form).forge("csrf", token.value("csrf"));
                        let page = browser.submit(form);
                        let after = app.application(application.id);
                        match (role.may(act.action()), act.allowed_in(*kind, *status)) {
                            (false, _) => assert_eq!((page.status, after.version), (403, application.version), "{case}"),
                            (true, Err(refusal)) => {
                                assert!(page.has_text(&refusal.to_string()), "{case}: {refusal}\n{page}");
                                assert_eq!((after.status, after.version), (*status, application.version), "{case}");
                            }
                            (true, Ok(())) => {
                                assert!(page.status == 200, "{case}\n{page}");
                                // The registry knows everybody here, so that asking it again moves the application on.
                                assert_eq!(after.version, application.version + 1, "{case}\n{page}");
                            }
                        }
                        assert_eq!(after.declaration.name, Name::parse("Trần Thị Bích Ngọc").unwrap());
                        walked += 1;
                    }
                }
            }
        }
        assert_eq!(walked, Kind::ALL.len() * Status::ALL.len() * ApplicationAct::ALL.len() * Role::ALL.len());
    }

    fn what_can_be_done_with_an_account_is_what_the_rules_say(app: TestApp) {
        let people: Vec<(Role, Browser)> = Role::ALL.iter().map(|role| {
            let office = if *role == Role::Officer { &app.offices.ba_dinh } else { &app.offices.hanoi };
            (*role, app.sign_in(&app.employee(*role, office)))
        }).collect();
        let offered = people[0].1.open_account(&app.holder("Lê Văn Sơn"));
        let mut walked = 0;
        for (state, cause) in STATES {
            for act in AccountAct::ALL {
                let account = app.bring_into(&app.holder("Trần Thị Bích Ngọc"), state, cause);
                let mut order: Vec<&(Role, Browser)> = people.iter().collect();
                order.sort_by_key(|(role, _)| role.may(Action::ActOnAccount));
                for (role, browser) in order {
                    let case = format!("{} {cause:?} · {} · {}", state.label(), act.label(), role.label());
                    let token = browser.get("/password").form("Đổi mật khẩu");
                    let form = offered.forced_act(&account, *act).forge("csrf", token.value("csrf"));
                    let page = browser.submit(form.forge("phone", "0912345678"));
                    let after = app.account(account.id);
                    match (role.may(Action::ActOnAccount), act.allowed_in(state, cause)) {
                        (false, _) => assert_eq!((page.status, after.version), (403, account.version), "{case}"),
                        (true, Err(refusal)) => {
                            assert!(page.has_text(&refusal.to_string()), "{case}: {refusal}\n{page}");
                            assert_eq!((page.status, after.version), (422, account.version), "{case}");
                        }
                        (true, Ok(())) => {
                            assert_eq!((page.status, after.version), (200, account.version + 1), "{case}\n{page}");
                        }
                    }
                    // Who may not see accounts learns of none.
                    let seen = browser.get(&format!("/accounts/{}", account.id)).status;
                    assert_eq!(seen, if role.may(Action::SeeAccounts) { 200 } else { 403 }, "{case}");
                    walked += 1;
                }
            }
        }
        assert_eq!(walked, STATES.len() * AccountAct::ALL.len() * Role::ALL.len());
    }

    /// A page offers what would be done, and nothing else.
    fn a_page_offers_what_the_rules_allow(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let supervisor = app.sign_in(&app.employee(Role::Supervisor, &app.offices.hanoi));
        for kind in Kind::ALL {
            for status in Status::ALL {
                let application = standing(&app, &officer, *kind, *status);
                for (role, browser) in [(Role::Officer, &officer), (Role::Supervisor, &supervisor)] {
                    let page = browser.open(&application);
                    let buttons = page.texts_of("button");
                    for (act, button) in [
                        (ApplicationAct::Assess, "Ghi nhận"),
                        (ApplicationAct::Recheck, "Kiểm tra lại với HGĐ"),
                        (ApplicationAct::ReplacePhoto, "Thay ảnh"),
                        (ApplicationAct::Receive, "Đã nhận hồ sơ giấy"),
                        (ApplicationAct::Reopen, "Mở lại"),
                        (ApplicationAct::Move, "Chuyển"),
                    ] {
                        assert_eq!(
                            buttons.iter().any(|words| words == button),
                            act.is_offered(role, *kind, *status),
                            "{} · {} · {} · {button}\n{page}",
                            kind.label(),
                            status.label(),
                            role.label()
                        );
                    }
                }
            }
        }
    }
}
