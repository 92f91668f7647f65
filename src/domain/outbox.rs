//! What is sent to whom: the messages that each act brings with it. `delivery` says what becomes of them.

use chrono::NaiveDateTime;

use super::account::Account;
use super::application::Application;
use super::change::Change;
use super::desk::Contact;
use super::ids::{AccountId, OtpId};
use super::message::{self, Email};
use super::notice::{self, Notice};
use super::numbers;
use super::texts::{Place, Texts, fill_sms};

text_enum! {
    pub enum MessageKind {
        /// Account name and password.
        Credentials = "credentials" => "Tài khoản và mật khẩu",
        /// The acceptance without the password, on the other channel.
        Accepted = "accepted" => "Thông báo chấp nhận",
        Rejected = "rejected" => "Thông báo không được duyệt",
        Reminder = "reminder" => "Nhắc đến nộp hồ sơ",
        /// A password made at the desk.
        NewPassword = "new_password" => "Mật khẩu cấp lại",
        /// That one was made, without it, on the other channel.
        PasswordNotice = "password_notice" => "Thông báo cấp lại mật khẩu",
        InformationChanged = "information_changed" => "Thông báo cập nhật thông tin",
        ContactChanged = "contact_changed" => "Thông báo đổi điện thoại, email",
        Locked = "locked" => "Thông báo khóa tài khoản",
        Unlocked = "unlocked" => "Thông báo mở khóa tài khoản",
        Closed = "closed" => "Thông báo hủy tài khoản",
        PasswordExpires = "password_expires" => "Thông báo mật khẩu sắp hết hạn",
        PasswordExpired = "password_expired" => "Thông báo mật khẩu hết hạn",
        PasswordChanged = "password_changed" => "Thông báo đã đổi mật khẩu",
        Otp = "otp" => "Mã xác thực",
        Invitation = "invitation" => "Mời cài đặt VssID",
        /// An administrator tries a gateway.
        Test = "test" => "Tin gửi thử",
    }
}

impl MessageKind {
    /// Whether a password is made for it when it is sent.
    pub const WITH_PASSWORD: [Self; 2] = [Self::Credentials, Self::NewPassword];

    /// Asked for anew, or not worth a second time: nobody sends these again, and nothing is to be done when they fail.
    pub const NEVER_AGAIN: [Self; 3] = [Self::Otp, Self::Test, Self::Invitation];

    /// Also told where an account's messages went before.
    pub const TO_BOTH: [Self; 2] = [Self::InformationChanged, Self::ContactChanged];

    /// Whether what is in it is its recipient's alone.
    pub fn is_secret(self) -> bool {
        self.has_password() || self == Self::Otp
    }

    pub fn has_password(self) -> bool {
        Self::WITH_PASSWORD.contains(&self)
    }
}

text_enum! {
    pub enum MessageChannel {
        Sms = "sms" => "SMS",
        Email = "email" => "Email",
    }
}

/// A message to be queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub kind: MessageKind,
    pub channel: MessageChannel,
    pub recipient: String,
    pub subject: Option<String>,
    /// May hold [`message::PASSWORD_PLACEHOLDER`] or [`notice::OTP_PLACEHOLDER`].
    pub body: String,
    pub html: Option<String>,
    pub account: Option<AccountId>,
    pub otp: Option<OtpId>,
}

impl Draft {
    pub fn sms(kind: MessageKind, to: &str, body: String, account: Option<AccountId>) -> Self {
        Self {
            kind,
            channel: MessageChannel::Sms,
            recipient: to.to_owned(),
            subject: None,
            body,
            html: None,
            account,
            otp: None,
        }
    }

    pub fn email(kind: MessageKind, to: &str, mail: Email, account: Option<AccountId>) -> Self {
        Self {
            kind,
            channel: MessageChannel::Email,
            recipient: to.to_owned(),
            subject: Some(mail.subject),
            body: mail.text,
            html: Some(mail.html),
            account,
            otp: None,
        }
    }
}

/// The account notice by SMS, and by e-mail the acceptance without the password: it goes by one channel only. `contact` is where
/// the account's messages go.
pub fn on_approval(texts: &Texts, application: &Application, account: AccountId, contact: &Contact) -> Vec<Draft> {
    let (number, declaration) = (application.number.as_str(), &application.declaration);
    let body = message::approved(texts, number, declaration.code.as_str(), message::PASSWORD_PLACEHOLDER);
    let sms = Draft::sms(MessageKind::Credentials, contact.phone.as_str(), body, Some(account));
    let mail = contact.email.as_ref().map(|email| {
        Draft::email(MessageKind::Accepted, email.as_str(), message::accepted_email(texts, number), Some(account))
    });
    std::iter::once(sms).chain(mail).collect()
}

/// The reason on both channels: to where the declaration says, and of a change of information also to where the account's
/// messages go, whose holder may know nothing of it.
pub fn on_rejection(
    texts: &Texts,
    application: &Application,
    reason: &str,
    registered: Option<&Contact>,
) -> Vec<Draft> {
    let number = application.number.as_str();
    let declared = Contact::of(&application.declaration);
    let mut drafts: Vec<Draft> = Vec::new();
    for contact in std::iter::once(&declared).chain(registered) {
        let body = message::rejected(texts, number, reason);
        let sms = Draft::sms(MessageKind::Rejected, contact.phone.as_str(), body, None);
        let mail = contact.email.as_ref().map(|email| {
            Draft::email(MessageKind::Rejected, email.as_str(), message::rejected_email(texts, number, reason), None)
        });
        for draft in std::iter::once(sms).chain(mail) {
            if !drafts.contains(&draft) {
                drafts.push(draft);
            }
        }
    }
    drafts
}

/// To somebody who declared and has not come yet.
pub fn reminder(texts: &Texts, application: &Application, until: NaiveDateTime) -> Draft {
    let to = application.declaration.notice_phone().as_str();
    Draft::sms(MessageKind::Reminder, to, notice::reminder(texts, application.number.as_str(), until), None)
}

/// A notice to where the account's messages go, on both channels.
pub fn to_holder(account: &Account, kind: MessageKind, notice: Notice) -> Vec<Draft> {
    let sms = Draft::sms(kind, account.notice_phone().as_str(), notice.sms, Some(account.id));
    let mail = account.notice_email().map(|email| Draft::email(kind, email.as_str(), notice.email, Some(account.id)));
    std::iter::once(sms).chain(mail).collect()
}

/// A notice to where the account's messages go now, and to where they went `before`, as far as that is another place.
pub fn to_old_and_new(before: &Account, now: &Account, kind: MessageKind, notice: &Notice) -> Vec<Draft> {
    let mut drafts = to_holder(now, kind, notice.clone());
    let there: Vec<String> = drafts.iter().map(|draft| draft.recipient.clone()).collect();
    drafts
        .extend(to_holder(before, kind, notice.clone()).into_iter().filter(|draft| !there.contains(&draft.recipient)));
    drafts
}

/// A change of information was approved.
pub fn on_change(
    texts: &Texts,
    application: &Application,
    before: &Account,
    now: &Account,
    changes: &[Change],
) -> Vec<Draft> {
    let notice = notice::information_changed(texts, application.number.as_str(), now.code(), changes);
    to_old_and_new(before, now, MessageKind::InformationChanged, &notice)
}

/// To somebody who has never used their account. `body` is the text as it was when it was confirmed.
pub fn invitation(account: &Account, body: &str) -> Draft {
    let text = fill_sms(body, &[(Place::Account, account.code())]);
    Draft::sms(MessageKind::Invitation, account.notice_phone().as_str(), text, Some(account.id))
}

/// A new password by SMS, and by e-mail that there is one.
pub fn on_new_password(texts: &Texts, account: &Account) -> Vec<Draft> {
    let body = notice::new_password_sms(texts, account.code());
    let sms = Draft::sms(MessageKind::NewPassword, account.notice_phone().as_str(), body, Some(account.id));
    let mail = account.notice_email().map(|email| {
        let mail = notice::new_password_email(texts, account.code());
        Draft::email(MessageKind::PasswordNotice, email.as_str(), mail, Some(account.id))
    });
    std::iter::once(sms).chain(mail).collect()
}

/// An account is open again. One whose password never left, because it was locked just then, gets one now.
pub fn on_unlock(texts: &Texts, account: &Account) -> Vec<Draft> {
    let mut drafts = to_holder(account, MessageKind::Unlocked, notice::unlocked(texts, account.code()));
    if !account.has_password {
        drafts.extend(on_new_password(texts, account));
    }
    drafts
}

/// A password by e-mail: only after the SMS with it failed for good. `number` is the application's.
pub fn password_by_email(
    texts: &Texts,
    kind: MessageKind,
    number: &str,
    account: AccountId,
    code: &str,
    to: Option<&numbers::Email>,
) -> Option<Draft> {
    let mail = match kind {
        MessageKind::Credentials => message::credentials_email(texts, number, code, message::PASSWORD_PLACEHOLDER),
        MessageKind::NewPassword => notice::new_password_by_email(texts, code),
        _ => return None,
    };
    Some(Draft::email(kind, to?.as_str(), mail, Some(account)))
}
