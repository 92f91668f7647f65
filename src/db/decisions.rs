//! Recording a decision: the application, its history, the account and the messages, in the caller's one transaction.

use chrono::NaiveDateTime;
use diesel::QueryResult;

use super::events::NewEvent;
use super::{Conn, accounts, applications, events, messages, photos, registry};
use crate::domain::application::{Application, Status};
use crate::domain::assessment::{Decision, Evidence};
use crate::domain::event::EventKind;
use crate::domain::ids::StaffId;
use crate::domain::{outbox, to_json};

/// Everything that bears on a decision, as it is now.
pub fn evidence(conn: &mut Conn, application: Application) -> QueryResult<Evidence> {
    let declaration = &application.declaration;
    let code = declaration.code.as_str();
    Ok(Evidence {
        member: registry::find(conn, &declaration.code)?,
        has_portrait: photos::has_portrait(conn, application.id)?,
        account_exists: accounts::exists(conn, code)?,
        id_number_holder: match &declaration.id_number {
            Some(id_number) => accounts::id_number_holder(conn, id_number.as_str(), code)?,
            None => None,
        },
        application,
    })
}

/// What the history says of a decision.
#[derive(serde::Serialize)]
pub struct Recorded<'a> {
    pub status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<&'static str>,
}

/// Who decides, when and from where.
#[derive(Clone, Copy)]
pub struct Stamp<'a> {
    pub staff: StaffId,
    pub at: NaiveDateTime,
    pub address: Option<&'a str>,
}

/// Records a decision. False, and nothing is changed, when somebody else changed the application since it was read.
pub fn record(conn: &mut Conn, evidence: &Evidence, decision: &Decision, stamp: Stamp<'_>) -> QueryResult<bool> {
    let application = &evidence.application;
    let (kind, reason) = match decision {
        Decision::Approve => (EventKind::Approved, None),
        Decision::AwaitCode => (EventKind::AwaitingCode, None),
        Decision::Reject(reason) => (EventKind::Rejected, Some(reason.as_str())),
    };
    // Waiting for a code is not the end: nobody has decided the application yet.
    let decided = (!decision.status().is_open()).then_some((stamp.staff, stamp.at, reason));
    if applications::set_status(conn, application.id, application.version, decision.status(), decided)? == 0 {
        return Ok(false);
    }
    let drafts = match decision {
        Decision::Approve => {
            let account = accounts::insert(conn, application, stamp.at)?;
            outbox::on_approval(application, account)
        }
        Decision::Reject(reason) => outbox::on_rejection(application, reason),
        Decision::AwaitCode => Vec::new(),
    };
    for draft in &drafts {
        // One notice of each kind and channel for each version that was decided.
        let key = format!("{}-{}-{}-{}", application.id, application.version, draft.kind.code(), draft.channel.code());
        messages::queue(conn, application.id, &key, draft, stamp.at)?;
    }
    events::add(
        conn,
        &NewEvent {
            application: Some(application.id),
            staff: Some(stamp.staff),
            kind,
            at: stamp.at,
            address: stamp.address,
            before: Some(to_json(&Recorded { status: application.status, reason: None, verdict: None })),
            after: Some(to_json(&Recorded {
                status: decision.status(),
                reason,
                verdict: Some(evidence.verdict().code()),
            })),
        },
    )?;
    Ok(true)
}
