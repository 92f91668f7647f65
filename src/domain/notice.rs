//! What citizens are told about their accounts and their declarations' deadlines, beside what `message` says of decisions:
//! each as a text message without diacritics and as a mail with the same words.

use chrono::NaiveDateTime;

use super::account::OtpPurpose;
use super::change::{Change, Changeable};
use super::dates::show_time;
use super::message::Email;
use super::texts::{Place, TextKey, Texts, Values};

/// Where a one-time password goes; it is filled in at the moment of sending and stored nowhere.
pub const OTP_PLACEHOLDER: &str = "{otp}";

/// The same on both channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub sms: String,
    pub email: Email,
}

fn notice(texts: &Texts, (sms, email): (TextKey, TextKey), values: Values<'_>) -> Notice {
    Notice { sms: texts.sms(sms, values), email: texts.mail(email, values) }
}

/// A new password at the desk. It goes by SMS only.
pub fn new_password_sms(texts: &Texts, account: &str) -> String {
    texts.sms(TextKey::NewPassword, &[(Place::Account, account)])
}

/// As [`new_password_sms`], without it.
pub fn new_password_email(texts: &Texts, account: &str) -> Email {
    texts.mail(TextKey::NewPasswordNoticeMail, &[(Place::Account, account)])
}

/// The new password by mail: only after the SMS failed for good.
pub fn new_password_by_email(texts: &Texts, account: &str) -> Email {
    texts.mail(TextKey::NewPasswordMail, &[(Place::Account, account)])
}

/// A change of information was approved.
pub fn information_changed(texts: &Texts, number: &str, account: &str, changes: &[Change]) -> Notice {
    let what = changes.iter().map(|change| change.field.label().to_lowercase()).collect::<Vec<_>>().join(", ");
    let mail = if changes.iter().any(|change| change.field.needs_608a()) {
        TextKey::InformationChanged608aMail
    } else {
        TextKey::InformationChangedMail
    };
    let values = [(Place::Number, number), (Place::Account, account), (Place::What, &what)];
    notice(texts, (TextKey::InformationChanged, mail), &values)
}

/// A telephone or an e-mail address was changed at the desk.
pub fn contact_changed(texts: &Texts, account: &str, phone: bool, email: bool) -> Notice {
    let what = match (phone, email) {
        (true, true) => "số điện thoại và email",
        (true, false) => "số điện thoại",
        (false, _) => "email",
    };
    let values = [(Place::Account, account), (Place::What, what)];
    notice(texts, (TextKey::ContactChanged, TextKey::ContactChangedMail), &values)
}

/// Locked at the desk.
pub fn locked(texts: &Texts, account: &str, reason: &str) -> Notice {
    let values = [(Place::Account, account), (Place::Reason, reason)];
    notice(texts, (TextKey::Locked, TextKey::LockedMail), &values)
}

/// Locked because the password was wrong too often.
pub fn locked_by_tries(texts: &Texts, account: &str) -> Notice {
    notice(texts, (TextKey::LockedByTries, TextKey::LockedByTriesMail), &[(Place::Account, account)])
}

/// Locked because the application is decided anew.
pub fn locked_for_review(texts: &Texts, number: &str, account: &str, reason: &str) -> Notice {
    let values = [(Place::Number, number), (Place::Account, account), (Place::Reason, reason)];
    notice(texts, (TextKey::LockedForReview, TextKey::LockedForReviewMail), &values)
}

pub fn unlocked(texts: &Texts, account: &str) -> Notice {
    notice(texts, (TextKey::Unlocked, TextKey::UnlockedMail), &[(Place::Account, account)])
}

pub fn closed(texts: &Texts, account: &str, reason: &str) -> Notice {
    let values = [(Place::Account, account), (Place::Reason, reason)];
    notice(texts, (TextKey::Closed, TextKey::ClosedMail), &values)
}

/// To somebody who declared and has not come yet. `until` is when the declaration is removed.
pub fn reminder(texts: &Texts, number: &str, until: NaiveDateTime) -> String {
    texts.sms(TextKey::Reminder, &[(Place::Number, number), (Place::Until, &show_time(until))])
}

/// Some days before a password expires.
pub fn password_expires(texts: &Texts, account: &str, at: NaiveDateTime) -> Notice {
    let values = [(Place::Account, account), (Place::Until, &show_time(at))];
    notice(texts, (TextKey::PasswordExpires, TextKey::PasswordExpiresMail), &values)
}

pub fn password_expired(texts: &Texts, account: &str) -> Notice {
    notice(texts, (TextKey::PasswordExpired, TextKey::PasswordExpiredMail), &[(Place::Account, account)])
}

/// The citizen chose a new password.
pub fn password_changed(texts: &Texts, account: &str) -> Notice {
    notice(texts, (TextKey::PasswordChanged, TextKey::PasswordChangedMail), &[(Place::Account, account)])
}

/// A one-time password: by SMS only, to the registered telephone.
pub fn otp(texts: &Texts, account: &str, purpose: OtpPurpose) -> String {
    texts.sms(TextKey::Otp, &[(Place::Account, account), (Place::Purpose, purpose.label())])
}

/// Whether a change touches where messages go: then both the old and the new place are told.
pub fn moves_contact(changes: &[Change]) -> (bool, bool) {
    let has = |field| changes.iter().any(|change| change.field == field);
    (has(Changeable::Phone), has(Changeable::Email))
}

#[cfg(test)]
mod tests {
    use super::super::message::segments;
    use super::*;

    fn at() -> NaiveDateTime {
        chrono::NaiveDate::from_ymd_opt(2026, 11, 30).unwrap().and_hms_opt(2, 0, 0).unwrap()
    }

    #[test]
    fn every_text_message_is_short_plain_and_has_no_link() {
        let texts = &Texts::default();
        let (number, account) = ("03706/2026/07906", "001099012345");
        let phone = Change { field: Changeable::Phone, old: "0900000001".into(), new: "0900000002".into() };
        for (sms, parts) in [
            (new_password_sms(texts, account), 1),
            (contact_changed(texts, account, true, true).sms, 1),
            (information_changed(texts, number, account, &[phone]).sms, 1),
            (locked(texts, account, "Mất điện thoại").sms, 1),
            (locked_by_tries(texts, account).sms, 2),
            (locked_for_review(texts, number, account, "Cần đối chiếu lại ảnh").sms, 1),
            (unlocked(texts, account).sms, 1),
            (closed(texts, account, "Người dân yêu cầu").sms, 1),
            (reminder(texts, number, at()), 1),
            (password_expires(texts, account, at()).sms, 1),
            (password_expired(texts, account).sms, 1),
            (password_changed(texts, account).sms, 1),
            (otp(texts, account, OtpPurpose::Device), 1),
            (texts.sms(TextKey::Invitation, &[(Place::Account, account)]), 1),
        ] {
            let counted = segments(&sms);
            assert!(!counted.ucs2 && counted.parts <= parts, "{} in {}: {sms}", counted.units, counted.parts);
            assert!(!sms.contains("http") && sms.starts_with("BHXH VN: "), "{sms}");
        }
    }
}
