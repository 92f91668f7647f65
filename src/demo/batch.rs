//! What is written at once: some thousands of applications with all the traces that the desk leaves of each.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDateTime, TimeDelta};
use rand::RngExt;
use rand::rngs::StdRng;

use super::cases::Portrait;
use super::pictures::Pictures;
use crate::db::bulk::{self, Ended, Filed, NewAccount, Photo};
use crate::db::decisions::Recorded;
use crate::db::events::NewEvent;
use crate::db::{Conn, DbError, account_changes, registry, stays};
use crate::domain::application::{Application, PhotoKind, Sex, Status};
use crate::domain::dates::to_hanoi;
use crate::domain::deadline::{REMINDER_DAYS, removed_at};
use crate::domain::delivery::{Cause, MessageState};
use crate::domain::event::EventKind;
use crate::domain::ids::{AccountId, AgencyId, ApplicationId, ChangesetId, StaffId};
use crate::domain::outbox::{self, Draft, MessageChannel, MessageKind};
use crate::domain::registry::{Member, Verdict};
use crate::domain::texts::Texts;
use crate::domain::to_json;

/// How many applications, or entries of the registry, are held before they are written.
const FULL: usize = 2_000;

#[derive(Default)]
pub struct Batch<'a> {
    /// People of the registry, with the agency whose list they are on.
    pub members: Vec<(AgencyId, Member)>,
    /// The list of each agency: nobody sees it before the end.
    lists: BTreeMap<AgencyId, ChangesetId>,
    pub filed: Vec<Filed>,
    pub accounts: Vec<NewAccount>,
    photos: Vec<Photo<'a>>,
    messages: Vec<Ended>,
    events: Vec<NewEvent<'static>>,
}

/// When somebody was reminded who has not come until now, or until the declaration was removed.
pub fn reminders(application: &Application, now: NaiveDateTime) -> Vec<NaiveDateTime> {
    if application.received_at.is_some() {
        return Vec::new();
    }
    let days = REMINDER_DAYS.into_iter().map(|days| application.submitted_at + TimeDelta::days(days));
    days.filter(|at| *at <= now).collect()
}

impl<'a> Batch<'a> {
    pub fn is_full(&self) -> bool {
        self.filed.len() >= FULL || self.members.len() >= FULL
    }

    /// Writes the history: how it came in, and what was decided.
    pub fn history(
        &mut self,
        application: &Application,
        account: Option<AccountId>,
        entered_by: Option<StaffId>,
        decision: Option<(NaiveDateTime, StaffId, Verdict)>,
        address: &'static str,
        now: NaiveDateTime,
    ) {
        let event = |kind, at, staff: Option<StaffId>, before, after| NewEvent {
            application: Some(application.id),
            account: None,
            staff,
            kind,
            at,
            address: staff.map(|_| address),
            before,
            after: Some(after),
        };
        let pending = to_json(&Recorded::default());
        let came_in = if entered_by.is_some() { EventKind::Entered } else { EventKind::Submitted };
        self.events.push(event(came_in, application.submitted_at, entered_by, None, pending.clone()));
        self.remind(application, now);
        let Some((at, officer, verdict)) = decision else { return };
        let kind = match application.status {
            Status::Pending => return,
            Status::Approved => EventKind::Approved,
            Status::Rejected => EventKind::Rejected,
            Status::AwaitingCode => EventKind::AwaitingCode,
            Status::Expired => EventKind::Expired,
        };
        let by_officer = kind != EventKind::Expired;
        let after = to_json(&Recorded {
            status: application.status,
            reason: application.reason.as_deref(),
            verdict: by_officer.then_some(verdict.code()),
            ..Recorded::default()
        });
        let decided = event(kind, at, by_officer.then_some(officer), Some(pending), after);
        self.events.push(NewEvent { account, ..decided });
    }

    /// Reminds somebody who has not come as often as a worker would have.
    fn remind(&mut self, application: &Application, now: NaiveDateTime) {
        for (nth, at) in (1..).zip(reminders(application, now)) {
            self.events.push(NewEvent {
                application: Some(application.id),
                account: None,
                staff: None,
                kind: EventKind::Reminded,
                at,
                address: None,
                before: None,
                after: None,
            });
            let draft = outbox::reminder(&Texts::default(), application, removed_at(application.submitted_at));
            let key = format!("{}-reminder-{nth}", application.id);
            self.ended(application, key, draft, (at, at + TimeDelta::seconds(1)), None);
        }
    }

    /// Adds the photos. `index` chooses among the portraits that suit the applicant.
    pub fn photograph(
        &mut self,
        of: &Application,
        pictures: &'a Pictures,
        portrait: Portrait,
        index: u64,
        added_by: Option<StaffId>,
    ) {
        let sex = of.declaration.sex.unwrap_or(Sex::Female);
        let is_minor = of.declaration.guardian.is_some();
        let year = to_hanoi(of.submitted_at).year();
        let age = of.declaration.birth_date.as_ref().map_or(30, |born| year - born.year());
        let mut photos = Vec::with_capacity(3);
        match portrait {
            Portrait::Good => photos.push((PhotoKind::Portrait, pictures.portrait(sex, age, index))),
            Portrait::Blurred => photos.push((PhotoKind::Portrait, pictures.blurred())),
            Portrait::Lacking => {}
        }
        if is_minor {
            photos.push((PhotoKind::BirthCertificate, pictures.birth_certificate()));
        } else {
            photos.push((PhotoKind::IdFront, pictures.id_front(sex)));
            photos.push((PhotoKind::IdBack, pictures.id_back()));
        }
        self.photos.extend(photos.into_iter().map(|(kind, sha256)| Photo {
            application: of.id,
            kind,
            sha256,
            added_at: of.submitted_at,
            added_by,
        }));
    }

    /// Records a message as sent, or as given up with this error, within minutes of the decision.
    pub fn send(
        &mut self,
        rng: &mut StdRng,
        now: NaiveDateTime,
        application: &Application,
        draft: Draft,
        cause: Option<Cause>,
    ) {
        let created_at = application.decided_at.unwrap_or(now);
        let ended_at = (created_at + TimeDelta::seconds(rng.random_range(1..90))).min(now);
        let key =
            format!("{}-{}-{}-{}", application.id, application.version - 1, draft.kind.code(), draft.channel.code());
        self.ended(application, key, draft, (created_at, ended_at), cause);
    }

    fn ended(
        &mut self,
        application: &Application,
        key: String,
        draft: Draft,
        (created_at, ended_at): (NaiveDateTime, NaiveDateTime),
        cause: Option<Cause>,
    ) {
        if let Some(cause) = cause {
            #[derive(serde::Serialize)]
            struct About {
                kind: MessageKind,
                channel: MessageChannel,
                cause: Cause,
            }
            self.events.push(NewEvent {
                application: Some(application.id),
                account: draft.account,
                staff: None,
                kind: EventKind::MessageFailed,
                at: ended_at,
                address: None,
                before: None,
                after: Some(to_json(&About { kind: draft.kind, channel: draft.channel, cause })),
            });
        }
        self.messages.push(Ended {
            application: application.id,
            agency: application.agency_id,
            key,
            draft,
            state: if cause.is_some() { MessageState::Failed } else { MessageState::Accepted },
            attempts: 1,
            created_at,
            ended_at,
            cause,
        });
    }

    /// Lets the lists of the registry count.
    pub fn publish(&self, conn: &mut Conn) -> Result<(), DbError> {
        for list in self.lists.values() {
            registry::publish(conn, *list, None)?;
        }
        Ok(())
    }

    /// Writes all and begins anew.
    pub fn flush(&mut self, conn: &mut Conn, password_hash: &str, now: NaiveDateTime) -> Result<(), DbError> {
        let Batch { members, lists, filed, accounts, photos, messages, events } = std::mem::take(self);
        self.lists = lists;
        let mut by_agency: BTreeMap<AgencyId, Vec<Member>> = BTreeMap::new();
        for (agency, member) in members {
            by_agency.entry(agency).or_default().push(member);
        }
        for (agency, members) in by_agency {
            let list = match self.lists.get(&agency) {
                Some(list) => *list,
                None => *self.lists.entry(agency).or_insert(registry::begin(conn, None, Some(agency), now)?),
            };
            registry::write(conn, list, &members)?;
        }
        bulk::applications(conn, &filed)?;
        bulk::photos(conn, &photos)?;
        bulk::accounts(conn, &filed, &accounts, password_hash)?;
        bulk::messages(conn, &messages)?;
        bulk::events(conn, &events)?;
        if let Some(first) = filed.first() {
            stays::retell(conn, ApplicationId(first.application.id.0 - 1))?;
        }
        if let Some(first) = accounts.first() {
            account_changes::retell(conn, AccountId(first.id.0 - 1))?;
        }
        Ok(())
    }
}
