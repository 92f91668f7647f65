//! Sends what the outbox holds. At least once: a message is leased, sent outside any transaction, then settled; when the
//! process dies in between, the lease runs out and another attempt is made with the same idempotency key. Each channel has a
//! queue of its own, so that a gateway that hangs keeps no mail waiting.
//!
//! A password is made here, at the moment of sending. Its hash is stored before the message leaves, beside those of earlier
//! attempts that may have arrived: whichever reaches the citizen signs them in, until they choose their own. The text itself
//! is never stored.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDateTime;
use futures_util::future::join_all;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep, timeout_at};

use crate::adapters::Answer;
use crate::adapters::mail::Mail;
use crate::adapters::sms::Sms;
use crate::clock;
use crate::db::messages::{Leased, Room};
use crate::db::{Conn, DbError, accounts, credentials, deliveries, invitations, messages};
use crate::domain::account::{new_otp, new_password};
use crate::domain::delivery::{Cause, DRAIN, Lane, Outcome, after_attempt};
use crate::domain::ids::{AccountId, OtpId};
use crate::domain::message::PASSWORD_PLACEHOLDER;
use crate::domain::notice::OTP_PLACEHOLDER;
use crate::domain::outbox::MessageChannel;
use crate::domain::permission::Scope;
use crate::startup::Parts;

/// How often a worker that has nothing to do looks for something.
const REST: Duration = Duration::from_millis(500);

/// Attempts that end within this time of each other are settled together.
const TOGETHER: Duration = Duration::from_millis(20);

/// After trouble with the database a worker waits so long.
const TROUBLE: Duration = Duration::from_secs(2);

/// What could not be settled for so long is left to its lease.
const KEPT: Duration = Duration::from_secs(60);

/// How many messages of a channel one worker has under way at once. A mail has a connection, with TLS, of its own.
fn places(channel: MessageChannel) -> usize {
    match channel {
        MessageChannel::Sms => 48,
        MessageChannel::Email => 16,
    }
}

/// No more are taken than a gateway with a pace of its own takes within this time: what is urgent must not wait behind them.
const AHEAD: Duration = Duration::from_secs(2);

/// Sends what is due at `now`, once, and returns how many messages were handled.
pub async fn step(parts: &Arc<Parts>, now: NaiveDateTime) -> anyhow::Result<usize> {
    let mut handled = 0;
    for channel in [MessageChannel::Sms, MessageChannel::Email] {
        let worker = Worker::new(parts, channel);
        let leased = worker.take([places(channel); Lane::ALL.len()], now).await?;
        handled += leased.len();
        let ended = join_all(leased.into_iter().map(|message| worker.clone().attempt(message, now))).await;
        worker.settle(&mut ended.into_iter().flatten().collect(), now).await?;
    }
    Ok(handled)
}

/// Sends what the channel's queue holds until `stop` turns true, then waits for what is under way as long as there is time.
pub async fn run(parts: Arc<Parts>, channel: MessageChannel, mut stop: watch::Receiver<bool>) {
    let worker = Worker::new(&parts, channel);
    let places = places(channel);
    let mut under_way = UnderWay::default();
    let mut ended = Vec::new();
    let mut looked = Instant::now();
    while !*stop.borrow() {
        let free = places.saturating_sub(under_way.messages.len());
        // Not one by one, for each time costs a transaction; but whoever is urgent does not wait for slow ones to end.
        if ended.is_empty() && (free >= places / 4 || looked.elapsed() >= REST) {
            looked = Instant::now();
            match worker.take(worker.room(free), clock::now()).await {
                Ok(leased) => leased.into_iter().for_each(|message| under_way.begin(&worker, message)),
                Err(error) => {
                    tracing::error!("outbox: {error:#}");
                    sleep(TROUBLE).await;
                }
            }
        }
        tokio::select! {
            () = under_way.gather(&mut ended, TOGETHER), if !under_way.messages.is_empty() => {}
            () = sleep(REST) => {}
            _ = stop.changed() => {}
        }
        if let Err(error) = worker.settle(&mut ended, clock::now()).await {
            // They stay here and are settled the next time, before others are taken, unless their lease runs out meanwhile.
            tracing::error!("outbox: {error:#}");
            ended.retain(|it| it.since.elapsed() < KEPT);
            sleep(TROUBLE).await;
        }
    }
    let end = Instant::now() + DRAIN;
    while !under_way.messages.is_empty() && timeout_at(end, under_way.gather(&mut ended, TOGETHER)).await.is_ok() {}
    // Whatever is still at a gateway may have left or not: it is sent again by whoever comes next.
    ended.extend(under_way.messages.into_values().map(|message| Ended {
        message,
        answer: Answer::new(Outcome::MaybeSent(Cause::Stopped), "stopped while sending"),
        password: None,
        since: Instant::now(),
    }));
    if let Err(error) = worker.settle(&mut ended, clock::now()).await {
        tracing::error!("outbox: {error:#}");
    }
}

/// The attempts that have not ended.
#[derive(Default)]
struct UnderWay {
    attempts: JoinSet<Option<Ended>>,
    messages: HashMap<tokio::task::Id, Leased>,
}

impl UnderWay {
    fn begin(&mut self, worker: &Worker, message: Leased) {
        let attempt = self.attempts.spawn(worker.clone().attempt(message.clone(), clock::now()));
        self.messages.insert(attempt.id(), message);
    }

    /// Waits for one to end, and for others that end soon after. What was gathered stays when this is given up.
    async fn gather(&mut self, ended: &mut Vec<Ended>, together: Duration) {
        let mut until = None;
        loop {
            let next = self.attempts.join_next_with_id();
            let next = match until {
                None => next.await,
                Some(until) => match timeout_at(until, next).await {
                    Ok(next) => next,
                    Err(_) => return,
                },
            };
            match next {
                None => return,
                Some(Ok((id, outcome))) => {
                    self.messages.remove(&id);
                    ended.extend(outcome);
                }
                Some(Err(error)) => {
                    // It panicked: its lease runs out, and another attempt is made.
                    self.messages.remove(&error.id());
                    tracing::error!("outbox: {error}");
                }
            }
            until.get_or_insert(Instant::now() + together);
        }
    }
}

/// An attempt that has ended and is not settled yet.
struct Ended {
    message: Leased,
    answer: Answer,
    /// Whose password it carried, and its hash.
    password: Option<(AccountId, String)>,
    since: Instant,
}

/// One of those that share a channel's queue.
#[derive(Clone)]
struct Worker {
    parts: Arc<Parts>,
    channel: MessageChannel,
    lease: Arc<str>,
}

impl Worker {
    fn new(parts: &Arc<Parts>, channel: MessageChannel) -> Self {
        let lease = format!("{:032x}", rand::random::<u128>()).into();
        Self { parts: Arc::clone(parts), channel, lease }
    }

    /// How many more may be taken of each lane when so many places are free: some stay free for what is more urgent, however slow a
    /// gateway is.
    fn room(&self, free: usize) -> Room {
        let (parts, now) = (&self.parts, std::time::Instant::now());
        let pace = match self.channel {
            MessageChannel::Sms => parts.sms.as_ref().map(|sms| sms.room(AHEAD, now)),
            MessageChannel::Email => parts.mail.as_ref().map(|mail| mail.room(AHEAD, now)),
        };
        let (places, pace) = (places(self.channel), pace.unwrap_or(0));
        [0, places / 8, places / 2].map(|kept| free.saturating_sub(kept).min(pace))
    }

    async fn take(&self, room: Room, now: NaiveDateTime) -> anyhow::Result<Vec<Leased>> {
        let (db, lease, channel) = (self.parts.db.clone(), Arc::clone(&self.lease), self.channel);
        let take = move || {
            // Looking first costs nothing; a write transaction would queue behind the officers'.
            if !db.read(|conn| Ok::<_, DbError>(messages::any_due(conn, channel, now)?))? {
                return Ok(Vec::new());
            }
            db.write(|conn| Ok::<_, DbError>(messages::lease(conn, &lease, channel, room, now)?))
        };
        Ok(spawn_blocking(take).await??)
    }

    /// None when the message is no longer this worker's, or the database fails: then its lease runs out.
    async fn attempt(self, message: Leased, now: NaiveDateTime) -> Option<Ended> {
        let id = message.id.0;
        match self.try_to_send(message, now).await {
            Ok(ended) => {
                let refused = ended.as_ref().filter(|it| !matches!(it.answer.outcome, Outcome::Accepted { .. }));
                if let Some(ended) = refused {
                    // Why is kept with the message: a gateway's words may hold a telephone, which has no place in a log.
                    tracing::warn!(message = id, attempt = ended.message.attempts, "not sent");
                }
                ended
            }
            Err(error) => {
                tracing::error!(message = id, "outbox: {error:#}");
                None
            }
        }
    }

    async fn try_to_send(&self, mut message: Leased, now: NaiveDateTime) -> anyhow::Result<Option<Ended>> {
        let (password, answer) = match fill(&self.parts, &message, &self.lease, now).await? {
            Filled::Ready { to, text, html, password } => {
                message.recipient = to;
                let mut answer = deliver(&self.parts, &message, text, html).await;
                // Some gateways repeat what they were sent, or a part of it.
                answer.said = answer.said.filter(|_| Secret::of(&message).is_none()).map(|said| printable(&said));
                (password, answer)
            }
            Filled::NotNeeded => (None, Answer { outcome: Outcome::NotNeeded, said: None }),
            Filled::LeaseLost => return Ok(None),
        };
        Ok(Some(Ended { message, answer, password, since: Instant::now() }))
    }

    /// Takes out of `ended` what could be settled. Those with a password each have a transaction of their own, for it holds an
    /// account; the others share one, in the order of their numbers.
    async fn settle(&self, ended: &mut Vec<Ended>, now: NaiveDateTime) -> anyhow::Result<()> {
        if ended.is_empty() {
            return Ok(());
        }
        ended.sort_by_key(|it| (it.password.is_some(), it.message.id.0));
        let (db, lease, mut left) = (self.parts.db.clone(), Arc::clone(&self.lease), std::mem::take(ended));
        let settle = move || {
            let settle =
                |some: &[Ended]| db.write(|conn| some.iter().try_for_each(|it| settle_one(conn, it, &lease, now)));
            let plain = left.iter().take_while(|it| it.password.is_none()).count();
            if plain > 1 && settle(&left[..plain]).is_ok() {
                left.drain(..plain);
            }
            // One that cannot be settled keeps no other from it.
            let mut settled = Ok(());
            left.retain(|it| match settle(std::slice::from_ref(it)) {
                Ok(()) => false,
                Err(error) => {
                    settled = Err(error);
                    true
                }
            });
            (left, settled)
        };
        let (left, settled) = spawn_blocking(settle).await?;
        *ended = left;
        Ok(settled?)
    }
}

fn settle_one(conn: &mut Conn, ended: &Ended, lease: &str, now: NaiveDateTime) -> Result<(), DbError> {
    let Ended { message, answer, password, .. } = ended;
    let next = after_attempt(answer.outcome, message.attempts, message.created_at, now);
    if !messages::settle(conn, message, lease, &next, answer.said.as_deref(), now)? {
        // Another worker has it, or a receipt says that it arrived: whatever this answer says.
        return Ok(());
    }
    if next.state.is_trouble() {
        deliveries::gave_up(conn, message.id, now)?;
    }
    if let (Some((account, hash)), true) = (password, answer.outcome.surely_not_sent()) {
        credentials::drop_first_password(conn, *account, hash)?;
    }
    Ok(())
}

/// A message's text as it leaves.
enum Filled {
    Ready {
        to: String,
        text: String,
        html: Option<String>,
        /// Whose password is in it, and its hash.
        password: Option<(AccountId, String)>,
    },
    /// The citizen has a password of their own already, or the account is no longer in use, or a one-time password has run
    /// out: nothing may be sent.
    NotNeeded,
    LeaseLost,
}

/// What is made at the moment of sending.
#[derive(Clone, Copy)]
enum Secret {
    Password(AccountId),
    Otp(OtpId),
}

impl Secret {
    fn of(message: &Leased) -> Option<Self> {
        let password = message.account_id.filter(|_| message.kind.has_password()).map(Self::Password);
        password.or(message.otp_id.map(Self::Otp))
    }

    fn make(self) -> String {
        match self {
            Self::Password(_) => new_password(&mut rand::rng()),
            Self::Otp(_) => new_otp(&mut rand::rng()),
        }
    }

    /// Stores its hash; false when it is not needed any more.
    fn keep(self, conn: &mut Conn, hash: &str, now: NaiveDateTime) -> Result<bool, DbError> {
        Ok(match self {
            Self::Password(account) => credentials::add_first_password(conn, account, hash, now)?,
            Self::Otp(otp) => credentials::add_otp(conn, otp, hash, now)?,
        })
    }

    fn fill(self, text: &str, secret: &str) -> String {
        text.replace(
            match self {
                Self::Password(_) => PASSWORD_PLACEHOLDER,
                Self::Otp(_) => OTP_PLACEHOLDER,
            },
            secret,
        )
    }
}

/// Puts the secret into the text, having stored its hash while the message is surely this worker's.
async fn fill(parts: &Arc<Parts>, message: &Leased, lease: &str, now: NaiveDateTime) -> anyhow::Result<Filled> {
    if let Some((invitation, account)) = message.invitation_id.zip(message.account_id) {
        // It may have waited for the morning.
        let (db, message, lease) = (parts.db.clone(), message.clone(), lease.to_owned());
        let ask = move || {
            db.write(|conn| {
                if !messages::holds(conn, &message, &lease)? {
                    return Ok(Filled::LeaseLost);
                }
                if !invitations::is_wanted(conn, invitation, account)? {
                    return Ok(Filled::NotNeeded);
                }
                let Some(to) = readdressed(conn, &message)? else { return Ok(Filled::NotNeeded) };
                Ok(Filled::Ready { to, text: message.body.clone(), html: None, password: None })
            })
        };
        return spawn_blocking(ask).await?;
    }
    let Some(kind) = Secret::of(message) else {
        let (to, text, html) = (message.recipient.clone(), message.body.clone(), message.html.clone());
        return Ok(Filled::Ready { to, text, html, password: None });
    };
    let secret = kind.make();
    let hash = parts.hasher.hash(secret.clone()).await?;
    let (db, message, lease) = (parts.db.clone(), message.clone(), lease.to_owned());
    tokio::task::spawn_blocking(move || {
        Ok(db.write(|conn| -> Result<Filled, DbError> {
            if !messages::holds(conn, &message, &lease)? {
                return Ok(Filled::LeaseLost);
            }
            // A secret goes to where the account's messages go now: the telephone may have been changed since it was queued, or
            // the guardian's was.
            let Some(to) = readdressed(conn, &message)? else { return Ok(Filled::NotNeeded) };
            if !kind.keep(conn, &hash, now)? {
                return Ok(Filled::NotNeeded);
            }
            Ok(Filled::Ready {
                to,
                text: kind.fill(&message.body, &secret),
                html: message.html.as_deref().map(|html| kind.fill(html, &secret)),
                password: match kind {
                    Secret::Password(account) => Some((account, hash)),
                    Secret::Otp(_) => None,
                },
            })
        })?)
    })
    .await?
}

/// Where it goes now, which is kept with it.
fn readdressed(conn: &mut Conn, message: &Leased) -> Result<Option<String>, DbError> {
    let to = address(conn, message)?;
    if let Some(to) = to.as_deref().filter(|to| *to != message.recipient) {
        messages::readdress(conn, message.id, to)?;
    }
    Ok(to)
}

/// Where the account that a message is about has its messages sent on this channel.
fn address(conn: &mut Conn, message: &Leased) -> Result<Option<String>, DbError> {
    let account = match message.account_id {
        Some(id) => accounts::find(conn, Scope::Country, id)?,
        None => None,
    };
    Ok(account.and_then(|account| match message.channel {
        MessageChannel::Sms => Some(account.notice_phone().to_string()),
        MessageChannel::Email => account.notice_email().map(|email| email.to_string()),
    }))
}

/// What a gateway says, as it can be stored and read.
fn printable(said: &str) -> String {
    said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect()
}

async fn deliver(parts: &Parts, message: &Leased, text: String, html: Option<String>) -> Answer {
    let key = format!("{:08}-{}", message.id.0, message.idempotency_key);
    let nowhere = || Answer::new(Outcome::NotSent(Cause::Own), "no gateway is configured");
    match message.channel {
        MessageChannel::Sms => {
            let Some(sms) = parts.sms.clone() else { return nowhere() };
            let (to, attempt) = (message.recipient.clone(), message.attempts);
            let receipts = parts.receipts_at(message.id, attempt);
            detached(move || sms.send(&Sms { key: &key, to: &to, text: &text, receipts: &receipts, attempt })).await
        }
        MessageChannel::Email => {
            let Some(mail) = &parts.mail else { return nowhere() };
            let subject = message.subject.as_deref().unwrap_or_default();
            let html = html.as_deref().unwrap_or_default();
            mail.send(&Mail { key: &key, to: &message.recipient, subject, text: &text, html, attached: None }).await
        }
    }
}

/// Runs what blocks on a thread that keeps no process from ending: a gateway may think for longer than a service manager waits.
async fn detached(send: impl FnOnce() -> Answer + Send + 'static) -> Answer {
    let (tell, told) = oneshot::channel();
    let thread = std::thread::Builder::new().name("sms".into()).spawn(move || {
        // Nobody listens when the worker has given up.
        let _ = tell.send(send());
    });
    match thread {
        Ok(_) => told.await.unwrap_or_else(|_| Answer::new(Outcome::MaybeSent(Cause::Own), "the thread died")),
        Err(error) => Answer::new(Outcome::NotSent(Cause::Own), error.to_string()),
    }
}
