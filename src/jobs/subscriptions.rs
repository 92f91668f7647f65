//! Sends the reports that supervisors have subscribed to, each as a workbook attached to a mail. At least once: a report that
//! comes twice does less harm than one that never comes, and both copies have one number and one Message-ID, so that most
//! mail programs show one. A mail server that fails is asked again for most of a day; what is given up stands on the person's
//! page.

use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDateTime;
use tokio::sync::watch;

use crate::adapters::mail::{Attached, Mail};
use crate::adapters::report_file;
use crate::clock;
use crate::db::exports::NewExport;
use crate::db::subscriptions::{self, Subscription};
use crate::db::{DbError, exports, reports, staff};
use crate::domain::delivery::Outcome;
use crate::domain::export::{Format, Subject};
use crate::domain::permission::{Action, Actor};
use crate::domain::report::{Grain, Letterhead, Request, Table};
use crate::domain::subscription::{self, Fault, pause};
use crate::startup::Parts;

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// A mail that is ready to leave.
struct Ready {
    key: String,
    to: String,
    subject: String,
    text: String,
    html: String,
    file_name: String,
    bytes: Vec<u8>,
}

/// Sends the next report that is due; false when none is.
///
/// # Errors
/// The database failed, or a report could not be written as a workbook: it stays due.
pub async fn step(parts: &Arc<Parts>, now: NaiveDateTime) -> anyhow::Result<bool> {
    let lease = format!("{:032x}", rand::random::<u128>());
    let (own, taken) = (Arc::clone(parts), lease.clone());
    let prepared = tokio::task::spawn_blocking(move || prepare(&own, &taken, now)).await??;
    let Some((of, prepared)) = prepared else { return Ok(false) };
    let fault = match prepared {
        Err(fault) => Some(fault),
        Ok(ready) => {
            let file = Attached { name: &ready.file_name, media: XLSX, bytes: &ready.bytes };
            let Ready { key, to, subject, text, html, .. } = &ready;
            let Some(mail) = &parts.mail else { anyhow::bail!("no mail server is configured") };
            let answer = mail.send(&Mail { key, to, subject, text, html, attached: Some(file) }).await;
            match answer.outcome {
                Outcome::Accepted { .. } | Outcome::AlreadySent { .. } => None,
                Outcome::NotNeeded | Outcome::Never(_) => Some(Fault::Gateway),
                Outcome::NotSent(cause) | Outcome::MaybeSent(cause) => {
                    tracing::warn!(subscription = %of.id, cause = cause.code(), "a report did not leave");
                    Some(Fault::Retrying)
                }
            }
        }
    };
    let (own, tries) = (Arc::clone(parts), of.tries + 1);
    let settled = tokio::task::spawn_blocking(move || {
        own.db.write(|conn| -> Result<(), DbError> {
            match fault {
                Some(Fault::Retrying) => match pause(tries) {
                    Some(pause) => subscriptions::try_again(conn, of.id, &lease, now + pause)?,
                    None => subscriptions::settle(conn, &of, &lease, Some(Fault::Gateway), now)?,
                },
                fault => subscriptions::settle(conn, &of, &lease, fault, now)?,
            }
            Ok(())
        })
    });
    match settled.await? {
        // Its lease ran out meanwhile: whoever has it now says what became of it.
        Err(error) if error.is_not_found() => Ok(true),
        other => other.map(|()| true).map_err(Into::into),
    }
}

type Prepared = (Subscription, Result<Ready, Fault>);

/// Takes one that is due and makes what is sent. Whether the person may have it is asked now, not when they subscribed. Blocks.
fn prepare(parts: &Parts, lease: &str, now: NaiveDateTime) -> anyhow::Result<Option<Prepared>> {
    let db = &parts.db;
    if !db.read(|conn| Ok::<_, DbError>(subscriptions::is_some_due(conn, now)?))? {
        return Ok(None);
    }
    let Some(of) = db.write(|conn| Ok::<_, DbError>(subscriptions::claim(conn, lease, now)?))? else { return Ok(None) };
    let request =
        Request { kind: of.kind, period: of.schedule().period(of.due_at), agency: of.agency_id, grain: Grain::Day };
    let known = db.snapshot(|conn| -> Result<Result<(Actor, String, Table), Fault>, DbError> {
        let actor = staff::actor(conn, of.staff_id)?.map(|(actor, _)| actor);
        let Some(actor) = actor.filter(|actor| actor.may(Action::SeeReports)) else {
            return Ok(Err(Fault::NotAllowed));
        };
        let Some(to) = subscriptions::address(conn, of.staff_id)? else { return Ok(Err(Fault::NoAddress)) };
        let table = reports::table(conn, actor.scope(), &request)?;
        Ok(table.map(|table| (actor, to, table)).ok_or(Fault::NotAllowed))
    })?;
    let (actor, to, table) = match known {
        Ok(known) => known,
        Err(fault) => return Ok(Some((of, Err(fault)))),
    };
    let subject = Subject::Report(request);
    let number = match of.export_id {
        Some(number) => number,
        None => db.write(|conn| -> Result<_, DbError> {
            let scope = actor.scope();
            let new = NewExport {
                staff: of.staff_id,
                scope,
                subject: &subject,
                format: Format::Xlsx,
                in_full: None,
                address: None,
            };
            let rows = i64::try_from(table.rows.len()).unwrap_or(i64::MAX);
            let number = exports::sent(conn, &new, rows, now)?;
            subscriptions::numbered(conn, of.id, lease, number)?;
            Ok(number)
        })?,
    };
    let head = Letterhead {
        office: db.read(|conn| Ok::<_, DbError>(reports::reporting_office(conn, &actor)?))?,
        made_by: actor.name.clone(),
        made_at: now,
        number: Some(number.0),
    };
    let bytes = report_file::report(&table, &head, Format::Xlsx)?;
    let day = crate::domain::dates::to_hanoi(of.due_at).date();
    let words = subscription::mail(&actor.name, &subject, &of.schedule());
    let ready = Ready {
        key: format!("report-{}-{}", of.id, of.due_at.and_utc().timestamp()),
        to,
        subject: words.subject,
        text: words.text,
        html: words.html,
        file_name: subject.file_name(day, Format::Xlsx),
        bytes,
    };
    Ok(Some((of, Ok(ready))))
}

/// Looks every ten seconds for what is due, until `stop` turns true.
pub async fn run(parts: Arc<Parts>, mut stop: watch::Receiver<bool>) {
    const REST: Duration = Duration::from_secs(10);
    while !*stop.borrow() {
        match step(&parts, clock::now()).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::error!("subscriptions: {error}"),
        }
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(REST) => {}
        }
    }
}
