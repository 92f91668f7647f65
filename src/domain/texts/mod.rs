//! The texts that citizens receive, as templates: the program's own words (`own`), or those that an admin gave instead, with
//! places that are filled in here and nowhere else. There is no template language: what a text says under a condition is a
//! text of its own.
//!
//! A text message is filled with values without diacritics, so that what leaves is GSM-7 whatever the values are. Password and
//! one-time password stay as places in what is queued; the outbox fills them in at the moment of sending.

mod check;
mod own;

use std::collections::HashMap;

pub use check::{Checked, Foreign, Leaving, MAIL_MAX, SMS_MAX, SUBJECT_MAX, forbidden};

use super::message::{Email, mail, sms_text};
use super::outbox::MessageChannel;

text_enum! {
    /// Every text, in the order of the page: first the text messages, then the mails.
    pub enum TextKey {
        Approved = "approved" => "Hồ sơ được duyệt, cấp tài khoản",
        Rejected = "rejected" => "Hồ sơ không được duyệt",
        Reminder = "reminder" => "Nhắc đến nộp hồ sơ",
        NewPassword = "new_password" => "Cấp lại mật khẩu",
        InformationChanged = "information_changed" => "Cập nhật thông tin",
        ContactChanged = "contact_changed" => "Đổi điện thoại, email nhận tin",
        Locked = "locked" => "Khóa tài khoản",
        LockedByTries = "locked_by_tries" => "Tự khóa vì nhập sai mật khẩu",
        LockedForReview = "locked_for_review" => "Tạm khóa khi mở lại hồ sơ",
        Unlocked = "unlocked" => "Mở khóa tài khoản",
        Closed = "closed" => "Hủy tài khoản",
        PasswordExpires = "password_expires" => "Mật khẩu sắp hết hạn",
        PasswordExpired = "password_expired" => "Mật khẩu hết hạn",
        PasswordChanged = "password_changed" => "Chủ tài khoản đã đổi mật khẩu",
        Otp = "otp" => "Mã xác thực",
        Invitation = "invitation" => "Mời cài đặt VssID",
        AcceptedMail = "accepted_mail" => "Hồ sơ được duyệt",
        CredentialsMail = "credentials_mail" => "Tài khoản và mật khẩu, khi tin nhắn không gửi được",
        RejectedMail = "rejected_mail" => "Hồ sơ không được duyệt",
        NewPasswordNoticeMail = "new_password_notice_mail" => "Báo đã cấp lại mật khẩu",
        NewPasswordMail = "new_password_mail" => "Mật khẩu cấp lại, khi tin nhắn không gửi được",
        InformationChangedMail = "information_changed_mail" => "Cập nhật thông tin",
        InformationChanged608aMail = "information_changed_608a_mail" => "Cập nhật thông tin cần thêm thủ tục 608a",
        ContactChangedMail = "contact_changed_mail" => "Đổi điện thoại, email nhận tin",
        LockedMail = "locked_mail" => "Khóa tài khoản",
        LockedByTriesMail = "locked_by_tries_mail" => "Tự khóa vì nhập sai mật khẩu",
        LockedForReviewMail = "locked_for_review_mail" => "Tạm khóa khi mở lại hồ sơ",
        UnlockedMail = "unlocked_mail" => "Mở khóa tài khoản",
        ClosedMail = "closed_mail" => "Hủy tài khoản",
        PasswordExpiresMail = "password_expires_mail" => "Mật khẩu sắp hết hạn",
        PasswordExpiredMail = "password_expired_mail" => "Mật khẩu hết hạn",
        PasswordChangedMail = "password_changed_mail" => "Chủ tài khoản đã đổi mật khẩu",
    }
}

text_enum! {
    /// What is filled in: the code is the word between braces.
    pub enum Place {
        Number = "so" => "số hồ sơ",
        Account = "tai_khoan" => "tên tài khoản (mã số BHXH)",
        Password = "mat_khau" => "mật khẩu, chỉ được tạo và điền lúc gửi",
        Otp = "otp" => "mã xác thực, chỉ được tạo và điền lúc gửi",
        Reason = "ly_do" => "lý do cán bộ nhập",
        What = "noi_dung" => "những thông tin đã thay đổi",
        Until = "han" => "thời hạn",
        Purpose = "muc_dich" => "việc cần mã xác thực",
    }
}

impl Place {
    /// As it stands in a text.
    pub fn in_text(self) -> String {
        format!("{{{}}}", self.code())
    }

    /// Whether its value is made at the moment of sending and shown to nobody.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Password | Self::Otp)
    }

    /// What a page shows in its place: as long as the real thing can be, and for a reason as long as it usually is.
    pub fn sample(self) -> &'static str {
        match self {
            Self::Number => "03706/2026/07906",
            Self::Account => "001099012345",
            Self::Password => "************",
            Self::Otp => "******",
            Self::Reason => "Ảnh giấy tờ tùy thân bị mờ hoặc thiếu mặt. Đề nghị chụp lại cả hai mặt, rõ nét",
            Self::What => "số điện thoại, email",
            Self::Until => "15/03/2026 17:00",
            Self::Purpose => "đăng nhập trên thiết bị mới",
        }
    }
}

/// The words of a text, with its places.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Words {
    /// Of a mail only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Of a mail: paragraphs with an empty line between. Greeting, signature and the warning below come by themselves.
    pub body: String,
}

impl TextKey {
    pub fn channel(self) -> MessageChannel {
        if own::subject(self).is_some() { MessageChannel::Email } else { MessageChannel::Sms }
    }

    /// The program's own words.
    pub fn own(self) -> Words {
        Words { subject: own::subject(self).map(str::to_owned), body: own::body(self).to_owned() }
    }

    /// What may stand in it, and must stand in its body: what the program's own words tell, no words may leave out.
    pub fn places(self) -> Vec<Place> {
        Place::ALL.iter().copied().filter(|place| own::body(self).contains(&place.in_text())).collect()
    }
}

/// Values for places; a place without one stays as it is.
pub type Values<'a> = &'a [(Place, &'a str)];

/// The texts in force: those that an admin changed; the others are the program's own.
#[derive(Clone, Debug, Default)]
pub struct Texts(HashMap<TextKey, Words>);

impl FromIterator<(TextKey, Words)> for Texts {
    fn from_iter<I: IntoIterator<Item = (TextKey, Words)>>(changed: I) -> Self {
        Self(changed.into_iter().collect())
    }
}

impl Texts {
    pub fn words(&self, key: TextKey) -> Words {
        self.0.get(&key).cloned().unwrap_or_else(|| key.own())
    }

    /// A text message as it is queued.
    pub fn sms(&self, key: TextKey, values: Values<'_>) -> String {
        fill_sms(&self.words(key).body, values)
    }

    /// A mail as it is queued.
    pub fn mail(&self, key: TextKey, values: Values<'_>) -> Email {
        fill_mail(&self.words(key), values)
    }
}

/// A text message with values, without diacritics. A reason gives its full stop to the sentence it stands in.
pub fn fill_sms(body: &str, values: Values<'_>) -> String {
    fill(body, |place| {
        let value = sms_text(value_of(values, place)?);
        Some(match (place, value.trim_end_matches(['.', ' '])) {
            // Only a preview has none yet; the sentence's own dot makes it three.
            (Place::Reason, "") => "..".to_owned(),
            (Place::Reason, reason) => reason.to_owned(),
            _ => value,
        })
    })
}

fn fill_mail(words: &Words, values: Values<'_>) -> Email {
    let filled = |text: &str| fill(text, |place| value_of(values, place).map(str::to_owned));
    let body: Vec<String> = words.body.split("\n\n").map(filled).collect();
    mail(filled(words.subject.as_deref().unwrap_or_default()), &body)
}

fn value_of<'a>(values: Values<'a>, place: Place) -> Option<&'a str> {
    values.iter().find(|(of, _)| *of == place).map(|(_, value)| *value)
}

/// A part of a text.
enum Piece<'a> {
    Words(&'a str),
    /// What stands between braces.
    Name(&'a str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, (name, behind))) =
        rest.split_once('{').and_then(|(before, after)| Some((before, after.split_once('}')?)))
    {
        pieces.extend([Piece::Words(before), Piece::Name(name)]);
        rest = behind;
    }
    pieces.push(Piece::Words(rest));
    pieces
}

/// Fills in each place once: braces in a value stay what they are.
fn fill(text: &str, value: impl Fn(Place) -> Option<String>) -> String {
    let filled = pieces(text).into_iter().map(|piece| match piece {
        Piece::Words(words) => words.to_owned(),
        Piece::Name(name) => Place::from_code(name).and_then(&value).unwrap_or_else(|| format!("{{{name}}}")),
    });
    filled.collect()
}
