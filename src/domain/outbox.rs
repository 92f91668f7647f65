//! The life of a message after it was decided to send it: what is due when, and when to give up.

use chrono::TimeDelta;

use super::account;
use super::application::Application;
use super::ids::AccountId;
use super::message;

text_enum! {
    pub enum MessageKind {
        /// Account name and password.
        Credentials = "credentials" => "Tài khoản và mật khẩu",
        /// The acceptance without the password, on the other channel.
        Accepted = "accepted" => "Thông báo chấp nhận",
        Rejected = "rejected" => "Thông báo không được duyệt",
    }
}

text_enum! {
    pub enum MessageChannel {
        Sms = "sms" => "SMS",
        Email = "email" => "Email",
    }
}

text_enum! {
    pub enum MessageState {
        Queued = "queued" => "Chờ gửi",
        Sending = "sending" => "Đang gửi",
        Sent = "sent" => "Đã gửi",
        /// Given up: a person must do something.
        Dead = "dead" => "Không gửi được",
        /// Not needed any more: the citizen has chosen a password, or the account is not in use.
        Dropped = "dropped" => "Không cần gửi",
    }
}

/// A message to be queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub kind: MessageKind,
    pub channel: MessageChannel,
    pub recipient: String,
    pub subject: Option<String>,
    /// May hold [`message::PASSWORD_PLACEHOLDER`].
    pub body: String,
    pub html: Option<String>,
    pub account: Option<AccountId>,
}

/// The account notice by SMS, and by e-mail the acceptance without the password: it goes by one channel only.
pub fn on_approval(application: &Application, account: AccountId) -> Vec<Draft> {
    let number = application.number.as_str();
    let mut drafts = vec![Draft {
        kind: MessageKind::Credentials,
        channel: MessageChannel::Sms,
        recipient: application.notice_phone().as_str().to_owned(),
        subject: None,
        body: message::approved(number, application.declaration.code.as_str(), message::PASSWORD_PLACEHOLDER),
        html: None,
        account: Some(account),
    }];
    if let Some(email) = application.notice_email() {
        let mail = message::accepted_email(number);
        drafts.push(from_mail(MessageKind::Accepted, email.as_str(), mail, None));
    }
    drafts
}

/// The reason on both channels.
pub fn on_rejection(application: &Application, reason: &str) -> Vec<Draft> {
    let number = application.number.as_str();
    let mut drafts = vec![Draft {
        kind: MessageKind::Rejected,
        channel: MessageChannel::Sms,
        recipient: application.notice_phone().as_str().to_owned(),
        subject: None,
        body: message::rejected(number, reason),
        html: None,
        account: None,
    }];
    if let Some(email) = application.notice_email() {
        drafts.push(from_mail(MessageKind::Rejected, email.as_str(), message::rejected_email(number, reason), None));
    }
    drafts
}

/// The account notice by e-mail: only after the SMS failed for good.
pub fn credentials_by_email(application: &Application, account: &account::Account) -> Option<Draft> {
    let email = application.notice_email()?;
    let mail = message::credentials_email(application.number.as_str(), &account.code, message::PASSWORD_PLACEHOLDER);
    Some(from_mail(MessageKind::Credentials, email.as_str(), mail, Some(account.id)))
}

fn from_mail(kind: MessageKind, to: &str, mail: message::Email, account: Option<AccountId>) -> Draft {
    Draft {
        kind,
        channel: MessageChannel::Email,
        recipient: to.to_owned(),
        subject: Some(mail.subject),
        body: mail.text,
        html: Some(mail.html),
        account,
    }
}

/// One attempt to send may take this long; it is aborted well before its lease ends, so that an attempt that was given up
/// cannot arrive after the next one.
pub const SEND_DEADLINE: std::time::Duration = std::time::Duration::from_secs(30);

/// How long a worker has a message to itself.
pub const LEASE: TimeDelta = TimeDelta::seconds(120);

/// Minutes to wait after the first, second … failed attempt. After the last one a message is tried no more (24 hours).
const BACKOFF_MINUTES: [i64; 9] = [1, 5, 15, 60, 240, 240, 240, 240, 240];

/// When to try again after `attempts` failed ones; None means to give up.
pub fn backoff(attempts: i32) -> Option<TimeDelta> {
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(0);
    BACKOFF_MINUTES.get(index).copied().map(TimeDelta::minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_tried_again_at_growing_intervals_and_given_up_after_about_a_day() {
        let waits: Vec<i64> = (1..).map_while(backoff).map(|wait| wait.num_minutes()).collect();
        assert_eq!(waits[..5], [1, 5, 15, 60, 240]);
        let total: i64 = waits.iter().sum();
        assert!((20 * 60..=26 * 60).contains(&total), "{total} minutes");
        assert!(SEND_DEADLINE.as_secs() * 2 < LEASE.num_seconds().unsigned_abs());
    }
}
