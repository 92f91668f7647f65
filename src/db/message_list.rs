//! The messages page by page, newest first, and each with all that happened to it. What did not arrive stands first: it has
//! an index of its own, and so has every order that the filter can ask for.

use std::collections::HashMap;

use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::account_list::within;
use super::messages::{Shown, Step, of_account, of_application, shown, with_names};
use super::registry_list::From;
use super::schema::{agencies, applications, message_steps, messages, staff};
use super::{Conn, Counted, accounts};
use crate::domain::dates::to_hanoi;
use crate::domain::delivery::MessageState;
use crate::domain::filter::COUNT_CAP;
use crate::domain::ids::{AccountId, AgencyId, ApplicationId, MessageId, StaffId};
use crate::domain::message_list::Standing;
use crate::domain::outbox::{MessageChannel, MessageKind};
use crate::domain::permission::{Actor, Role, Scope};
use crate::on_backend;

/// The condition of the indexes `messages_trouble` and `messages_trouble_of_staff`, to the letter.
const TROUBLE: &str = "state IN ('failed', 'undelivered') AND settled = FALSE";

/// A filter ready to be run.
#[derive(Clone, Debug)]
pub struct Query {
    pub scope: Scope,
    pub standing: Option<Standing>,
    pub channel: Option<MessageChannel>,
    pub kind: Option<MessageKind>,
    pub agency: Option<AgencyId>,
    pub from: Option<NaiveDateTime>,
    pub before: Option<NaiveDateTime>,
    /// Only what this person's acts brought about.
    pub of: Option<StaffId>,
}

/// Which of the messages that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    All,
    /// What a person should do something about.
    Trouble,
    /// All else.
    Rest,
}

/// Adds the scope and every criterion to a boxed query over `messages`.
macro_rules! filtered {
    ($query:expr, $part:expr, $source:expr) => {{
        let mut q = $source;
        within!(messages, $query.scope, q);
        if let Some(channel) = $query.channel {
            q = q.filter(messages::channel.eq(channel));
        }
        if let Some(kind) = $query.kind {
            q = q.filter(messages::kind.eq(kind));
        }
        if let Some(agency) = $query.agency {
            q = q.filter(messages::agency_id.eq(agency));
        }
        if let Some(from) = $query.from {
            q = q.filter(messages::created_at.ge(from));
        }
        if let Some(before) = $query.before {
            q = q.filter(messages::created_at.lt(before));
        }
        if let Some(staff) = $query.of {
            q = q.filter(messages::staff_id.eq(staff));
        }
        if let Some(Standing::In(state)) = $query.standing {
            q = q.filter(messages::state.eq(state));
        }
        let part = if $query.standing == Some(Standing::Trouble) { Part::Trouble } else { $part };
        match part {
            Part::All => q,
            // As `Shown::is_trouble`.
            Part::Trouble => q
                .filter(sql::<Bool>(TROUBLE))
                .filter(messages::kind.ne_all(MessageKind::NEVER_AGAIN))
                .filter(messages::recipient.ne("")),
            Part::Rest => q.filter(
                messages::state
                    .ne_all(MessageState::TROUBLE)
                    .or(messages::settled.eq(true))
                    .or(messages::kind.eq_any(MessageKind::NEVER_AGAIN))
                    .or(messages::recipient.eq("")),
            ),
        }
    }};
}

/// A page of messages, the newest first.
pub fn page(conn: &mut Conn, query: &Query, part: Part, from: From, limit: i64) -> QueryResult<Vec<Shown>> {
    let mut q = filtered!(query, part, messages::table.select(messages::id).into_boxed());
    let edge: Option<(MessageId, NaiveDateTime)> = match from {
        From::Start => None,
        From::After(id) | From::Before(id) => {
            let edge = messages::table.find(MessageId(id)).select((messages::id, messages::created_at));
            edge.first(conn).optional()?
        }
    };
    // The first condition says nothing that the second does not; it is the one that begins in the middle of an index.
    if let Some((id, at)) = edge {
        q = match from {
            From::Before(_) => q
                .filter(messages::created_at.ge(at))
                .filter(messages::created_at.gt(at).or(messages::id.gt(id)))
                .order((messages::created_at.asc(), messages::id.asc())),
            _ => q
                .filter(messages::created_at.le(at))
                .filter(messages::created_at.lt(at).or(messages::id.lt(id)))
                .order((messages::created_at.desc(), messages::id.desc())),
        };
    } else {
        q = q.order((messages::created_at.desc(), messages::id.desc()));
    }
    let mut ids: Vec<MessageId> = q.limit(limit).load(conn)?;
    if edge.is_some() && matches!(from, From::Before(_)) {
        ids.reverse();
    }
    rows(conn, &ids)
}

fn rows(conn: &mut Conn, ids: &[MessageId]) -> QueryResult<Vec<Shown>> {
    let mut rows: Vec<Shown> = on_backend!(conn, c =>
        with_names().filter(messages::id.eq_any(ids)).select(shown!()).load(c))?;
    let place: HashMap<MessageId, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    rows.sort_by_key(|row| place.get(&row.id).copied());
    Ok(rows)
}

/// How many messages of a filter a person should do something about (up to [`COUNT_CAP`] + 1).
pub fn count_trouble(conn: &mut Conn, query: &Query) -> QueryResult<i64> {
    let all = messages::table.select(messages::id).into_boxed();
    Counted(filtered!(query, Part::Trouble, all).limit(i64::from(COUNT_CAP) + 1)).get_result(conn)
}

/// How many messages did not arrive that somebody's own acts brought about, in the office where they work now.
pub fn count_trouble_of(conn: &mut Conn, actor: &Actor) -> QueryResult<i64> {
    let query = Query {
        scope: actor.scope(),
        standing: Some(Standing::Trouble),
        channel: None,
        kind: None,
        agency: None,
        from: None,
        before: None,
        of: Some(actor.id),
    };
    count_trouble(conn, &query)
}

/// A message with all that happened to it.
pub struct Told {
    pub message: Shown,
    pub steps: Vec<Step>,
}

impl Told {
    /// What a step was, in words.
    pub fn happened(step: &Step) -> &'static str {
        match step.state {
            MessageState::Queued if step.attempt > 0 => "Chờ gửi lại",
            state => state.label(),
        }
    }

    /// When a step was, on Hanoi's clock; with the day where it is another than the message's.
    pub fn clock(&self, step: &Step) -> String {
        let (at, day) = (to_hanoi(step.at), to_hanoi(self.message.created_at).date());
        at.format(if at.date() == day { "%H:%M" } else { "%d/%m %H:%M" }).to_string()
    }
}

/// Each message with its steps.
fn told(conn: &mut Conn, all: Vec<Shown>) -> QueryResult<Vec<Told>> {
    let ids: Vec<MessageId> = all.iter().map(|message| message.id).collect();
    let steps: Vec<Step> = on_backend!(conn, c => message_steps::table
        .filter(message_steps::message_id.eq_any(&ids))
        .order((message_steps::message_id, message_steps::id))
        .select((
            message_steps::message_id,
            message_steps::at,
            message_steps::state,
            message_steps::attempt,
            message_steps::gateway,
            message_steps::cause,
        ))
        .load(c))?;
    let mut by_message: HashMap<MessageId, Vec<Step>> = HashMap::new();
    for step in steps {
        by_message.entry(step.message).or_default().push(step);
    }
    Ok(all
        .into_iter()
        .map(|message| Told { steps: by_message.remove(&message.id).unwrap_or_default(), message })
        .collect())
}

/// What was sent about an application, oldest first.
pub fn told_of_application(conn: &mut Conn, id: ApplicationId) -> QueryResult<Vec<Told>> {
    let all = of_application(conn, id)?;
    told(conn, all)
}

/// The latest messages about an account, newest first.
pub fn told_of_account(conn: &mut Conn, id: AccountId, limit: i64) -> QueryResult<Vec<Told>> {
    let all = of_account(conn, id, limit)?;
    told(conn, all)
}

/// The message, when this person may see it: it is within their scope, or about an account that they may act on.
pub fn find_for(conn: &mut Conn, actor: &Actor, id: MessageId, now: NaiveDateTime) -> QueryResult<Option<Told>> {
    let mut within_scope = messages::table.find(id).select(messages::id).into_boxed();
    within!(messages, actor.sees_messages_of(), within_scope);
    let here = within_scope.first::<MessageId>(conn).optional()?.is_some();
    let Some(message) = rows(conn, &[id])?.pop() else { return Ok(None) };
    let reached = match message.account_id {
        _ if here => true,
        Some(account) if actor.role != Role::Admin => accounts::find_for(conn, actor, account, now)?.is_some(),
        _ => false,
    };
    if !reached {
        return Ok(None);
    }
    Ok(told(conn, vec![message])?.pop())
}

/// What a message says, and what the gateway said of it last.
#[derive(Queryable)]
pub struct Words {
    pub subject: Option<String>,
    pub body: String,
    pub answer: Option<String>,
}

pub fn words(conn: &mut Conn, id: MessageId) -> QueryResult<Words> {
    messages::table.find(id).select((messages::subject, messages::body, messages::last_error)).first(conn)
}

/// When this person last sent a trial message, and how often within `window`.
pub fn tests_of(
    conn: &mut Conn,
    staff: StaffId,
    window: TimeDelta,
    now: NaiveDateTime,
) -> QueryResult<(Option<MessageId>, Vec<NaiveDateTime>)> {
    let mine = || messages::table.filter(messages::kind.eq(MessageKind::Test)).filter(messages::staff_id.eq(staff));
    let last =
        mine().order((messages::created_at.desc(), messages::id.desc())).select(messages::id).first(conn).optional()?;
    let times = mine().filter(messages::created_at.gt(now - window)).select(messages::created_at).load(conn)?;
    Ok((last, times))
}

/// Which of these applications have a message that could not be sent.
pub fn with_dead_messages(conn: &mut Conn, ids: &[ApplicationId]) -> QueryResult<Vec<ApplicationId>> {
    on_backend!(conn, c => messages::table
        .filter(messages::application_id.eq_any(ids))
        .filter(sql::<Bool>(TROUBLE))
        // As `Shown::is_trouble`.
        .filter(messages::kind.ne_all(MessageKind::NEVER_AGAIN))
        .filter(messages::recipient.ne(""))
        .select(messages::application_id.assume_not_null())
        .distinct()
        .load(c))
}
