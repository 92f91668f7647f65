//! Sends what the outbox holds. At least once: a message is leased, sent outside any transaction, then settled; when the
//! process dies in between, the lease runs out and another attempt is made with the same idempotency key.
//!
//! A password is made here, at the moment of sending. Its hash is stored before the message leaves, beside those of earlier
//! attempts that may have arrived: whichever reaches the citizen signs them in, until they choose their own. The text itself
//! is never stored.

use std::sync::Arc;

use chrono::NaiveDateTime;
use futures_util::future::join_all;

use crate::adapters::mail::Mail;
use crate::adapters::sms::Sms;
use crate::adapters::{Answer, mail::Mailer, sms::SmsRoute};
use crate::db::messages::Leased;
use crate::db::{Conn, DbError, accounts, credentials, deliveries, messages};
use crate::domain::account::{new_otp, new_password};
use crate::domain::delivery::{Cause, Outcome, after_attempt};
use crate::domain::ids::{AccountId, OtpId};
use crate::domain::message::PASSWORD_PLACEHOLDER;
use crate::domain::notice::OTP_PLACEHOLDER;
use crate::domain::outbox::MessageChannel;
use crate::domain::permission::Scope;
use crate::startup::Parts;

/// How many messages are under way at once.
const BATCH: i64 = 16;

/// Sends what is due; returns how many messages were handled.
pub async fn step(parts: &Arc<Parts>, now: NaiveDateTime) -> anyhow::Result<usize> {
    let (Some(sms), Some(mail)) = (&parts.sms, &parts.mail) else {
        return Ok(0);
    };
    let lease = format!("{:032x}", rand::random::<u128>());
    let leased = {
        let (db, lease) = (parts.db.clone(), lease.clone());
        tokio::task::spawn_blocking(move || {
            // Looking first costs nothing; a write transaction would queue behind the officers'.
            if !db.read(|conn| Ok::<_, DbError>(messages::any_due(conn, now)?))? {
                return Ok(Vec::new());
            }
            db.write(|conn| Ok::<_, DbError>(messages::lease(conn, &lease, BATCH, now)?))
        })
        .await??
    };
    let handled = leased.len();
    for outcome in join_all(leased.into_iter().map(|message| send_one(parts, sms, mail, message, &lease, now))).await {
        outcome?;
    }
    Ok(handled)
}

async fn send_one(
    parts: &Arc<Parts>,
    sms: &SmsRoute,
    mail: &Mailer,
    mut message: Leased,
    lease: &str,
    now: NaiveDateTime,
) -> anyhow::Result<()> {
    let (password, answer) = match fill(parts, &message, lease, now).await? {
        Filled::Ready { to, text, html, password } => {
            message.recipient = to;
            (password, deliver(parts, sms, mail, &message, text, html).await)
        }
        Filled::NotNeeded => (None, Answer { outcome: Outcome::NotNeeded, said: None }),
        Filled::LeaseLost => return Ok(()),
    };
    if !matches!(answer.outcome, Outcome::Accepted { .. }) {
        // Why is kept with the message: a gateway's words may hold a telephone, which has no place in a log.
        tracing::warn!(message = message.id.0, attempt = message.attempts, "not sent");
    }
    let (db, lease) = (parts.db.clone(), lease.to_owned());
    tokio::task::spawn_blocking(move || {
        db.write(|conn| -> Result<(), DbError> {
            settle(conn, &message, &lease, &answer, now)?;
            if let (Some((account, hash)), true) = (password, answer.outcome.surely_not_sent()) {
                credentials::drop_first_password(conn, account, &hash)?;
            }
            Ok(())
        })
    })
    .await??;
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
    let Some(kind) = Secret::of(message) else {
        let (to, text, html) = (message.recipient.clone(), message.body.clone(), message.html.clone());
        return Ok(Filled::Ready { to, text, html, password: None });
    };
    let secret = kind.make();
    let hash = parts.hasher.hash(secret.clone()).await?;
    let (db, message, lease) = (parts.db.clone(), message.clone(), lease.to_owned());
    tokio::task::spawn_blocking(move || {
        Ok(db.write(|conn| -> Result<Filled, DbError> {
            if !messages::holds(conn, message.id, &lease)? {
                return Ok(Filled::LeaseLost);
            }
            // A secret goes to where the account's messages go now: the telephone may have been changed since it was queued, or
            // the guardian's was.
            let Some(to) = address(conn, &message)? else { return Ok(Filled::NotNeeded) };
            if to != message.recipient {
                messages::readdress(conn, message.id, &to)?;
            }
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

async fn deliver(
    parts: &Parts,
    sms: &SmsRoute,
    mail: &Mailer,
    message: &Leased,
    text: String,
    html: Option<String>,
) -> Answer {
    let key = format!("{:08}-{}", message.id.0, message.idempotency_key);
    match message.channel {
        MessageChannel::Sms => {
            let (sms, to, attempt) = (sms.clone(), message.recipient.clone(), message.attempts);
            let receipts = parts.receipts_at(message.id, attempt);
            let send = move || sms.send(&Sms { key: &key, to: &to, text: &text, receipts: &receipts, attempt });
            tokio::task::spawn_blocking(send)
                .await
                .unwrap_or_else(|error| Answer::new(Outcome::MaybeSent(Cause::Own), error.to_string()))
        }
        MessageChannel::Email => {
            mail.send(&Mail {
                key: &key,
                to: &message.recipient,
                subject: message.subject.as_deref().unwrap_or_default(),
                text: &text,
                html: html.as_deref().unwrap_or_default(),
            })
            .await
        }
    }
}

fn settle(conn: &mut Conn, message: &Leased, lease: &str, answer: &Answer, now: NaiveDateTime) -> Result<(), DbError> {
    let next = after_attempt(answer.outcome, message.attempts, message.created_at, now);
    if messages::settle(conn, message, lease, &next, answer.said.as_deref(), now)? && next.state.is_trouble() {
        deliveries::gave_up(conn, message.id, now)?;
    }
    Ok(())
}
