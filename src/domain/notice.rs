//! What citizens are told about their accounts and their declarations' deadlines, beside what `message` says of decisions:
//! each as a text message without diacritics and as a mail with the same words.

use chrono::NaiveDateTime;

use super::account::OtpPurpose;
use super::change::{Change, Changeable};
use super::dates::show_time;
use super::message::{Email, PASSWORD_PLACEHOLDER, mail, sms_text};

/// Where a one-time password goes; it is filled in at the moment of sending and stored nowhere.
pub const OTP_PLACEHOLDER: &str = "{otp}";

/// The same on both channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub sms: String,
    pub email: Email,
}

fn notice(sms: &str, subject: String, body: &[String]) -> Notice {
    Notice { sms: format!("BHXH VN: {sms}"), email: mail(subject, body) }
}

/// What somebody should do who did not ask for it.
const NOT_ASKED: &str = "Neu khong phai ong/ba yeu cau, goi ngay 19009068.";
const NOT_ASKED_MAIL: &str = "Nếu không phải Ông/Bà yêu cầu, hãy gọi ngay 19009068 hoặc đến cơ quan BHXH gần nhất.";

/// A new password at the desk. It goes by SMS only.
pub fn new_password_sms(account: &str) -> String {
    format!(
        "BHXH VN: Mat khau moi cua tai khoan {account}: {PASSWORD_PLACEHOLDER}. Mat khau cu khong con dung duoc. Vui long doi mat \
         khau khi dang nhap."
    )
}

/// As [`new_password_sms`], without it.
pub fn new_password_email(account: &str) -> Email {
    mail(
        format!("Tài khoản {account} được cấp lại mật khẩu"),
        &[
            format!(
                "Tài khoản giao dịch điện tử {account} đã được cấp lại mật khẩu tại cơ quan BHXH; mật khẩu cũ không còn dùng được."
            ),
            "Mật khẩu mới được gửi bằng tin nhắn đến số điện thoại đã đăng ký. Vui lòng đổi mật khẩu khi đăng nhập."
                .into(),
            NOT_ASKED_MAIL.into(),
        ],
    )
}

/// The new password by mail: only after the SMS failed for good.
pub fn new_password_by_email(account: &str) -> Email {
    mail(
        format!("Mật khẩu mới của tài khoản {account}"),
        &[
            "Tin nhắn đến số điện thoại đã đăng ký không gửi được.".into(),
            format!("Tên tài khoản: {account}\nMật khẩu mới: {PASSWORD_PLACEHOLDER}"),
            "Mật khẩu cũ không còn dùng được. Vui lòng đổi mật khẩu khi đăng nhập.".into(),
        ],
    )
}

/// What was changed, in words.
fn fields(changes: &[Change]) -> String {
    changes.iter().map(|change| change.field.label().to_lowercase()).collect::<Vec<_>>().join(", ")
}

/// A change of information was approved.
pub fn information_changed(number: &str, account: &str, changes: &[Change]) -> Notice {
    let what = fields(changes);
    let mut body = vec![format!(
        "Thông tin của tài khoản giao dịch điện tử {account} đã được cập nhật theo hồ sơ số {number}: {what}."
    )];
    if changes.iter().any(|change| change.field.needs_608a()) {
        body.push(
            "Thay đổi họ tên, giới tính hoặc ngày sinh cần thêm thủ tục 608a để điều chỉnh trên sổ BHXH, thẻ BHYT."
                .into(),
        );
    }
    body.push(NOT_ASKED_MAIL.into());
    notice(
        &format!("Tai khoan {account} da duoc cap nhat theo ho so {number}: {}. {NOT_ASKED}", sms_text(&what)),
        format!("Tài khoản {account} đã được cập nhật thông tin"),
        &body,
    )
}

/// A telephone or an e-mail address was changed at the desk.
pub fn contact_changed(account: &str, phone: bool, email: bool) -> Notice {
    let what = match (phone, email) {
        (true, true) => "số điện thoại và email",
        (true, false) => "số điện thoại",
        (false, _) => "email",
    };
    notice(
        &format!("Da doi {} nhan tin cua tai khoan {account}. {NOT_ASKED}", sms_text(what)),
        format!("Tài khoản {account} đã đổi {what}"),
        &[format!("Đã đổi {what} nhận tin của tài khoản giao dịch điện tử {account}."), NOT_ASKED_MAIL.into()],
    )
}

/// Locked at the desk.
pub fn locked(account: &str, reason: &str) -> Notice {
    notice(
        &format!(
            "Tai khoan {account} da bi khoa. Ly do: {}. Can ho tro, goi 19009068 hoac den co quan BHXH gan nhat.",
            sms_text(reason).trim_end_matches(['.', ' '])
        ),
        format!("Tài khoản {account} đã bị khóa"),
        &[format!("Tài khoản giao dịch điện tử {account} đã bị khóa."), format!("Lý do: {reason}")],
    )
}

/// Locked because the password was wrong too often.
pub fn locked_by_tries(account: &str) -> Notice {
    notice(
        &format!(
            "Tai khoan {account} da bi khoa vi nhap sai mat khau 5 lan. Den co quan BHXH gan nhat de duoc cap lai mat khau. {NOT_ASKED}"
        ),
        format!("Tài khoản {account} đã bị khóa"),
        &[
            format!("Tài khoản giao dịch điện tử {account} đã bị khóa vì nhập sai mật khẩu 5 lần liên tiếp."),
            "Hãy đến cơ quan BHXH gần nhất để được mở khóa hoặc cấp lại mật khẩu.".into(),
            NOT_ASKED_MAIL.into(),
        ],
    )
}

/// Locked because the application is decided anew.
pub fn locked_for_review(number: &str, account: &str, reason: &str) -> Notice {
    notice(
        &format!(
            "Ho so {number} dang duoc xet lai, tai khoan {account} tam khoa. Ly do: {}. Can ho tro, goi 19009068.",
            sms_text(reason).trim_end_matches(['.', ' '])
        ),
        format!("Hồ sơ {number} đang được xét lại"),
        &[
            format!(
                "Hồ sơ đăng ký giao dịch điện tử số {number} đang được xét lại; tài khoản {account} tạm khóa cho đến khi có kết quả."
            ),
            format!("Lý do: {reason}"),
        ],
    )
}

pub fn unlocked(account: &str) -> Notice {
    notice(
        &format!("Tai khoan {account} da duoc mo khoa va dung lai duoc. {NOT_ASKED}"),
        format!("Tài khoản {account} đã được mở khóa"),
        &[format!("Tài khoản giao dịch điện tử {account} đã được mở khóa và dùng lại được."), NOT_ASKED_MAIL.into()],
    )
}

pub fn closed(account: &str, reason: &str) -> Notice {
    notice(
        &format!(
            "Tai khoan {account} da duoc huy. Ly do: {}. {NOT_ASKED}",
            sms_text(reason).trim_end_matches(['.', ' '])
        ),
        format!("Tài khoản {account} đã được hủy"),
        &[
            format!("Tài khoản giao dịch điện tử {account} đã được hủy."),
            format!("Lý do: {reason}"),
            NOT_ASKED_MAIL.into(),
        ],
    )
}

/// To somebody who declared and has not come yet. `until` is when the declaration is removed.
pub fn reminder(number: &str, until: NaiveDateTime) -> String {
    format!(
        "BHXH VN: Ho so {number} het han luc {}. Ong/ba mang to khai da ky va giay to tuy than den co quan BHXH truoc luc do. Hoi dap \
         19009068.",
        show_time(until)
    )
}

/// Some days before a password expires.
pub fn password_expires(account: &str, at: NaiveDateTime) -> Notice {
    let at = show_time(at);
    notice(
        &format!("Mat khau tai khoan {account} het han luc {at}. Vui long doi mat khau truoc luc do."),
        format!("Mật khẩu của tài khoản {account} sắp hết hạn"),
        &[
            format!("Mật khẩu của tài khoản giao dịch điện tử {account} hết hạn lúc {at}."),
            "Vui lòng đăng nhập và đổi mật khẩu trước lúc đó.".into(),
        ],
    )
}

pub fn password_expired(account: &str) -> Notice {
    notice(
        &format!(
            "Mat khau tai khoan {account} da het han. Vui long doi mat khau khi dang nhap. Can ho tro, goi 19009068."
        ),
        format!("Mật khẩu của tài khoản {account} đã hết hạn"),
        &[
            format!("Mật khẩu của tài khoản giao dịch điện tử {account} đã hết hạn."),
            "Vui lòng đổi mật khẩu khi đăng nhập. Nếu không nhớ mật khẩu cũ, hãy đến cơ quan BHXH gần nhất.".into(),
        ],
    )
}

/// The citizen chose a new password.
pub fn password_changed(account: &str) -> Notice {
    notice(
        &format!("Mat khau tai khoan {account} vua duoc doi. {NOT_ASKED}"),
        format!("Mật khẩu của tài khoản {account} vừa được đổi"),
        &[format!("Mật khẩu của tài khoản giao dịch điện tử {account} vừa được đổi."), NOT_ASKED_MAIL.into()],
    )
}

/// A one-time password: by SMS only, to the registered telephone.
pub fn otp(account: &str, purpose: OtpPurpose) -> String {
    format!(
        "BHXH VN: Ma xac thuc {OTP_PLACEHOLDER} de {} cua tai khoan {account}, co hieu luc 5 phut. Tuyet doi khong dua ma nay cho bat \
         ky ai.",
        sms_text(purpose.label())
    )
}

/// To somebody who has never used their account: how to, without a link.
pub const INVITATION: &str = "BHXH VN: Moi ong/ba cai dat ung dung VssID tu kho ung dung tren dien thoai va dang nhap bang tai khoan \
    {tai_khoan}. Can ho tro, goi 19009068.";

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
        let (number, account) = ("03706/2026/07906", "001099012345");
        let phone = Change { field: Changeable::Phone, old: "0900000001".into(), new: "0900000002".into() };
        for (sms, parts) in [
            (new_password_sms(account), 1),
            (contact_changed(account, true, true).sms, 1),
            (information_changed(number, account, &[phone]).sms, 1),
            (locked(account, "Mất điện thoại").sms, 1),
            (locked_by_tries(account).sms, 2),
            (locked_for_review(number, account, "Cần đối chiếu lại ảnh").sms, 1),
            (unlocked(account).sms, 1),
            (closed(account, "Người dân yêu cầu").sms, 1),
            (reminder(number, at()), 1),
            (password_expires(account, at()).sms, 1),
            (password_expired(account).sms, 1),
            (password_changed(account).sms, 1),
            (otp(account, OtpPurpose::Device), 1),
        ] {
            let counted = segments(&sms);
            assert!(!counted.ucs2 && counted.parts <= parts, "{} in {}: {sms}", counted.units, counted.parts);
            assert!(!sms.contains("http") && sms.starts_with("BHXH VN: "), "{sms}");
        }
    }
}
