//! Recording a decision: the application, its history, the account and the messages, in the caller's one transaction.

use chrono::NaiveDateTime;
use diesel::QueryResult;
use diesel::result::Error::NotFound;

use super::account_acts::{self, Stopped};
use super::agencies::Agency;
use super::events::{NewEvent, Stamp};
use super::messages::Occasion;
use super::stays::Decided;
use super::{
    Conn, accounts, applications, credentials, deadlines, events, holidays, messages, photos, registry, stays, texts,
};
use crate::domain::account::{Account, AccountState, LockCause};
use crate::domain::application::{Application, Kind, PhotoKind, Status};
use crate::domain::assessment::{Decision, Evidence};
use crate::domain::change::Change;
use crate::domain::event::EventKind;
use crate::domain::ids::{AccountId, AgencyId};
use crate::domain::outbox::{Draft, MessageKind};
use crate::domain::report::Left;
use crate::domain::{notice, outbox, to_json};

/// Everything that bears on a decision, as it is now.
pub fn evidence(conn: &mut Conn, application: Application) -> QueryResult<Evidence> {
    let declaration = &application.declaration;
    let code = declaration.code.as_str();
    Ok(Evidence {
        member: registry::find(conn, &declaration.code)?,
        pictures: pictures(conn, &application)?,
        account: accounts::of_code(conn, code)?,
        id_number_holder: match &declaration.id_number {
            Some(id_number) => accounts::id_number_holder(conn, id_number.as_str(), code)?,
            None => None,
        },
        application,
    })
}

/// The kinds of the pictures that came with an application; with a change of information those that are new to the account.
fn pictures(conn: &mut Conn, application: &Application) -> QueryResult<Vec<PhotoKind>> {
    let present = match application.kind {
        Kind::New => Vec::new(),
        Kind::Change => photos::of_account(conn, &application.declaration.code)?,
    };
    let is_new = |photo: &photos::Photo| {
        photo.current && !present.iter().any(|old| (old.kind, &old.sha256) == (photo.kind, &photo.sha256))
    };
    let photos = photos::of_application(conn, application.id)?;
    Ok(photos.iter().filter(|photo| is_new(photo)).map(|photo| photo.kind).collect())
}

/// What the history says of a decision.
#[derive(serde::Serialize)]
pub struct Recorded<'a> {
    pub status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<&'static str>,
    /// The decision came after its deadline.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    #[serde(skip_serializing_if = "<[Change]>::is_empty")]
    pub changes: &'a [Change],
}

impl Default for Recorded<'_> {
    fn default() -> Self {
        Self { status: Status::Pending, reason: None, verdict: None, late: false, changes: &[] }
    }
}

/// Records a decision. False, and nothing is changed, when somebody else changed the application since it was read.
pub fn record(conn: &mut Conn, evidence: &Evidence, decision: &Decision, stamp: Stamp<'_>) -> Result<bool, Stopped> {
    let application = &evidence.application;
    let (kind, reason) = match decision {
        Decision::Approve => (EventKind::Approved, None),
        Decision::Update(_) => (EventKind::Changed, None),
        Decision::AwaitCode => (EventKind::AwaitingCode, None),
        Decision::Reject(reason) => (EventKind::Rejected, Some(reason.as_str())),
    };
    // Waiting for a code is not the end: nobody has decided the application yet.
    let decided = (!decision.status().is_open()).then_some((stamp.staff, stamp.at, reason));
    if applications::set_status(conn, application.id, application.version, decision.status(), decided)? == 0 {
        return Ok(false);
    }
    if application.received_at.is_none() {
        // Whoever was assessed has come.
        receive(conn, application, stamp.at)?;
    }
    // Whoever was not received before is not late: the working days begin with the visit.
    let late = application.received_at.is_some() && stamp.at > application.due_at;
    let left = match decision {
        Decision::Approve | Decision::Update(_) => Some(Left::Approved),
        Decision::Reject(_) => Some(Left::Rejected),
        Decision::AwaitCode => None,
    };
    if let Some(left) = left {
        let decided = Decided { staff: stamp.staff, reason, late };
        stays::leave(conn, application.id, left, stamp.at, Some(&decided))?;
    }
    let (account, drafts) = effect(conn, evidence, decision, stamp)?;
    let occasion =
        Occasion { application: application.id, staff: Some(stamp.staff), key: &key(application), at: stamp.at };
    messages::queue_all(conn, occasion, &drafts)?;
    events::add(
        conn,
        &NewEvent {
            application: Some(application.id),
            account,
            staff: Some(stamp.staff),
            kind,
            at: stamp.at,
            address: stamp.address,
            before: Some(to_json(&Recorded { status: application.status, ..Recorded::default() })),
            after: Some(to_json(&Recorded {
                status: decision.status(),
                reason,
                late,
                verdict: Some(evidence.verdict().code()),
                changes: match decision {
                    Decision::Update(changes) => changes,
                    _ => &[],
                },
            })),
        },
    )?;
    Ok(true)
}

/// The person has come: the three working days begin, and nobody reminds them any more. Within a change of the application.
pub fn receive(conn: &mut Conn, application: &Application, at: NaiveDateTime) -> QueryResult<()> {
    let due_at = holidays::calendar(conn)?.due_at(application.submitted_at, Some(at));
    applications::set_received(conn, application.id, at, due_at)?;
    deadlines::drop_waiting_reminders(conn, application.id, at)
}

/// One set of notices for each version that was acted upon.
fn key(application: &Application) -> String {
    format!("{}-{}", application.id, application.version)
}

/// What a decision does to the account, and who is told.
fn effect(
    conn: &mut Conn,
    evidence: &Evidence,
    decision: &Decision,
    stamp: Stamp<'_>,
) -> Result<(Option<AccountId>, Vec<Draft>), Stopped> {
    let at = stamp.at;
    let application = &evidence.application;
    let account = evidence.account.as_ref();
    Ok(match (decision, evidence.own_account(), account) {
        (Decision::AwaitCode, ..) => (None, Vec::new()),
        // It was granted before and locked while this was decided anew. What was changed of its holder since stays as it is, and
        // so does a lock that a desk has set.
        (Decision::Approve, Some(own), _) if own.lock_cause == Some(LockCause::Desk) => (Some(own.id), Vec::new()),
        (Decision::Approve, Some(own), _) if own.state != AccountState::Closed => {
            (Some(own.id), account_acts::unlock(conn, own, at)?)
        }
        (Decision::Approve, _, closed) => {
            match closed {
                Some(closed) => accounts::open_anew(conn, closed, application, at)?,
                None => drop(accounts::insert(conn, application, at)?),
            }
            let account = accounts::of_application(conn, application.id)?.ok_or(NotFound)?;
            let texts = texts::current(conn)?;
            (Some(account.id), outbox::on_approval(&texts, application, account.id, &account.contact()))
        }
        (Decision::Update(changes), _, Some(before)) => {
            let (phone, email) = notice::moves_contact(changes);
            let renews = phone && account_acts::renews_password(conn, before, phone, at)?;
            if phone || email {
                credentials::void_otps(conn, before, at)?;
            }
            accounts::set_holder(conn, before, &application.declaration)?;
            let now = accounts::of_code(conn, before.code())?.ok_or(NotFound)?;
            if before.holder.name != now.holder.name {
                applications::index_account_name(conn, &now)?;
            }
            let texts = texts::current(conn)?;
            let mut drafts = outbox::on_change(&texts, application, before, &now, changes);
            if renews {
                drafts.extend(outbox::on_new_password(&texts, &now));
            }
            if phone {
                account_acts::renew_wards(conn, &now, stamp)?;
            }
            (Some(now.id), drafts)
        }
        (Decision::Update(_), _, None) => return Err(NotFound.into()),
        (Decision::Reject(reason), Some(own), _) if own.state != AccountState::Closed => {
            credentials::drop_waiting_passwords(conn, own.id, stamp.at)?;
            accounts::set_state(conn, own, AccountState::Closed, None, at)?;
            credentials::void_otps(conn, own, at)?;
            let texts = texts::current(conn)?;
            let mut drafts = outbox::on_rejection(&texts, application, reason, None);
            drafts.extend(outbox::to_holder(own, MessageKind::Closed, notice::closed(&texts, own.code(), reason)));
            (Some(own.id), drafts)
        }
        (Decision::Reject(reason), ..) => {
            let registered = account.filter(|_| application.kind == Kind::Change).map(Account::contact);
            (None, outbox::on_rejection(&texts::current(conn)?, application, reason, registered.as_ref()))
        }
    })
}

/// Puts a decided application before its officer again (the rule is [`crate::domain::assessment::reopen`]). The three working
/// days begin anew. False, and nothing is changed, when somebody else changed it since it was read.
pub fn reopen(conn: &mut Conn, evidence: &Evidence, reason: &str, stamp: Stamp<'_>) -> QueryResult<bool> {
    let application = &evidence.application;
    if applications::set_status(conn, application.id, application.version, Status::Pending, None)? == 0 {
        return Ok(false);
    }
    receive(conn, application, stamp.at)?;
    stays::reopen(conn, application, stamp.at)?;
    let granted = application.status == Status::Approved;
    let own = evidence.own_account().filter(|own| granted && own.state != AccountState::Closed);
    // A lock that a desk has set is not for this decision to open again.
    if let Some(own) = own.filter(|own| own.lock_cause != Some(LockCause::Desk)) {
        credentials::void_otps(conn, own, stamp.at)?;
        accounts::set_state(conn, own, AccountState::Locked, Some(LockCause::Reopened), stamp.at)?;
        let texts = texts::current(conn)?;
        let notice = notice::locked_for_review(&texts, application.number.as_str(), own.code(), reason);
        let drafts = outbox::to_holder(own, MessageKind::Locked, notice);
        let occasion =
            Occasion { application: application.id, staff: Some(stamp.staff), key: &key(application), at: stamp.at };
        messages::queue_all(conn, occasion, &drafts)?;
    }
    events::add(
        conn,
        &NewEvent {
            application: Some(application.id),
            account: own.map(|own| own.id),
            staff: Some(stamp.staff),
            kind: EventKind::Reopened,
            at: stamp.at,
            address: stamp.address,
            before: Some(to_json(&Recorded { status: application.status, ..Recorded::default() })),
            after: Some(to_json(&Recorded { status: Status::Pending, reason: Some(reason), ..Recorded::default() })),
        },
    )?;
    Ok(true)
}

/// From where to where.
#[derive(serde::Serialize)]
struct Office<'a> {
    agency: &'a str,
    agency_id: AgencyId,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Gives a waiting application to another agency; its number keeps its origin, the queue changes. False, and nothing is changed,
/// when somebody else changed it since it was read.
pub fn hand_over(
    conn: &mut Conn,
    application: &Application,
    to: &Agency,
    reason: &str,
    stamp: Stamp<'_>,
) -> QueryResult<bool> {
    if applications::give_to(conn, application.id, application.version, to, stamp.at)? == 0 {
        return Ok(false);
    }
    let (agency, agency_id) = (application.agency_name.as_str(), application.agency_id);
    events::add(
        conn,
        &NewEvent {
            application: Some(application.id),
            account: None,
            staff: Some(stamp.staff),
            kind: EventKind::Moved,
            at: stamp.at,
            address: stamp.address,
            before: Some(to_json(&Office { agency, agency_id, reason: None })),
            after: Some(to_json(&Office { agency: &to.name, agency_id: to.id, reason: Some(reason) })),
        },
    )?;
    stays::hand_over(conn, application, stamp.at)?;
    Ok(true)
}
