//! Citizens with accounts, and what an officer does with them at the desk.

use tnhs::clock;
use tnhs::db::decisions;
use tnhs::db::events::Stamp;
use tnhs::db::messages::{self, Shown};
use tnhs::db::{accounts, events};
use tnhs::domain::account::{Account, AccountAct, AccountState, LockCause};
use tnhs::domain::application::{Declaration, Guardian};
use tnhs::domain::assessment::Decision;
use tnhs::domain::event::EventKind;
use tnhs::domain::ids::AccountId;
use tnhs::domain::permission::{Role, Scope};

use super::{Agency, Browser, Form, Page, TestApp};

impl Browser {
    /// Opens the page of an account.
    #[track_caller]
    pub fn open_account(&self, account: &Account) -> Page {
        self.get(&format!("/accounts/{}", account.id)).expect(200)
    }
}

impl Page {
    /// An act with its reason and everything ticked.
    #[track_caller]
    pub fn act(&self, act: AccountAct, reason: &str) -> Form {
        let form = self.form(act.label()).set("reason", reason).check("id_compared").check("asked_by_holder");
        if act == AccountAct::Close { form.check("understood") } else { form }
    }

    /// As [`Page::act`], of somebody who sends what the page does not offer.
    #[track_caller]
    pub fn forced_act(&self, account: &Account, act: AccountAct) -> Form {
        let mut form = self.form("/sign-out");
        form.action = format!("/accounts/{}/acts/{}", account.id, act.code());
        [
            ("version", account.version.to_string().as_str()),
            ("phone", "0912345678"),
            ("reason", "Không có lý do"),
            ("id_compared", "1"),
            ("asked_by_holder", "1"),
            ("understood", "1"),
        ]
        .into_iter()
        .fold(form, |form, (name, value)| form.forge(name, value))
    }
}

/// Every state that an account can be in.
pub const STATES: [(AccountState, Option<LockCause>); 5] = [
    (AccountState::Active, None),
    (AccountState::Locked, Some(LockCause::Desk)),
    (AccountState::Locked, Some(LockCause::WrongPasswords)),
    (AccountState::Locked, Some(LockCause::Reopened)),
    (AccountState::Closed, None),
];

impl TestApp {
    /// Somebody of this name who was approved at Ba Đình; the password waits to be sent.
    pub fn holder(&self, name: &str) -> Account {
        self.holder_at(&self.offices.ba_dinh, &self.citizen(name))
    }

    pub fn holder_at(&self, office: &Agency, person: &Declaration) -> Account {
        self.registered(person);
        let application = self.declared(office, person);
        let staff = self.employee(Role::Officer, office).id;
        let approved = self.db(|conn| {
            let evidence = decisions::evidence(conn, application.clone())?;
            let stamp = Stamp { staff, at: clock::now(), address: None };
            Ok(decisions::record(conn, &evidence, &Decision::Approve, stamp).expect("nothing stands in the way"))
        });
        assert!(approved, "{} could not be approved", application.number);
        self.db(|conn| accounts::of_application(conn, application.id)).expect("there is no account")
    }

    /// A child without papers of its own, declared by a guardian, who may have a code.
    pub fn child(&self, guardian: &Declaration, known: bool) -> Declaration {
        Declaration {
            id_number: None,
            guardian: Some(Guardian {
                name: guardian.name.clone(),
                code: known.then(|| guardian.code.clone()),
                phone: guardian.phone.clone(),
                email: guardian.email.clone(),
                relation: None,
            }),
            ..self.citizen("Trần Bảo An")
        }
    }

    /// The account as it stands in the database.
    pub fn account(&self, id: AccountId) -> Account {
        self.db(|conn| accounts::find(conn, Scope::Country, id)).expect("there is no such account")
    }

    pub fn bring_into(&self, account: &Account, state: AccountState, cause: Option<LockCause>) -> Account {
        self.db(|conn| accounts::set_state(conn, account, state, cause, clock::now()));
        self.account(account.id)
    }

    /// What is queued about an account or was sent, oldest first.
    pub fn messages_about(&self, account: &Account) -> Vec<Shown> {
        let mut all = self.db(|conn| messages::of_account(conn, account.id, 100));
        all.reverse();
        all
    }

    pub fn events_about(&self, account: &Account, kind: EventKind) -> usize {
        let all = self.db(|conn| events::of_account(conn, account.id, 200));
        all.iter().filter(|event| event.kind == kind).count()
    }
}
