//! How the holder of an account signs in from the app or the portal (PHỤ LỤC 01, 1.1 to 1.4): with a password of their own
//! that does not last for ever, on one device at a time.

use chrono::{Months, NaiveDateTime, TimeDelta};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::account::{LockCause, OTP_LIFE};
use super::dates::{from_hanoi, to_hanoi};
use super::numbers::Phone;
use super::text::{self, FieldError};

/// When a password that was made or chosen then expires, on Hanoi's calendar: after six months on the same day, or on the last
/// one of a shorter month (the guide, section 3). None when passwords do not expire (`months` is 0). UTC.
pub fn password_expires_at(set_at: NaiveDateTime, months: u32) -> Option<NaiveDateTime> {
    if months == 0 {
        return None;
    }
    let local = to_hanoi(set_at).checked_add_months(Months::new(months))?;
    Some(from_hanoi(local.date(), local.time()))
}

/// Passwords that expire at `until` or before were set then or before; of the last three days of a longer month not all.
pub fn set_before(until: NaiveDateTime, months: u32) -> Option<NaiveDateTime> {
    let local = to_hanoi(until).checked_sub_months(Months::new(months))? + TimeDelta::days(3);
    Some(from_hanoi(local.date(), local.time()))
}

/// So long before a password expires its holder is told (**decided**).
pub const EXPIRY_NOTICE: TimeDelta = TimeDelta::days(7);

/// How many of the two notices, that it will expire and that it has, must have left for a password by now.
pub fn expiry_notices_due(set_at: NaiveDateTime, months: u32, now: NaiveDateTime) -> i32 {
    password_expires_at(set_at, months)
        .map_or(0, |expires_at| i32::from(expires_at - EXPIRY_NOTICE <= now) + i32::from(expires_at <= now))
}

/// A password as somebody gives it: one form, however their keyboard composes letters, and nothing cut off.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[password]")
    }
}

/// The shortest and the longest password (OWASP ASVS 5.0, 6.2.1 and 6.2.9 ask for at least 8 and at least 64).
const PASSWORD_MIN: usize = 8;
const PASSWORD_MAX: usize = 128;

/// What people choose when they are only asked for length (ASVS 6.2.4), in lower case.
const COMMON: [&str; 32] = [
    "12345678",
    "123456789",
    "1234567890",
    "12345679",
    "87654321",
    "123123123",
    "11223344",
    "12341234",
    "password",
    "password1",
    "password123",
    "passw0rd",
    "p@ssw0rd",
    "p@ssword",
    "qwertyui",
    "qwerty123",
    "1q2w3e4r",
    "abcd1234",
    "abc12345",
    "iloveyou",
    "anhyeuem",
    "emyeuanh",
    "matkhau1",
    "matkhau123",
    "khongbiet",
    "vietnam1",
    "vietnam123",
    "bhxh1234",
    "vssid123",
    "vssid1234",
    "baohiemxahoi",
    "baohiem123",
];

impl Password {
    /// # Errors
    /// Nothing, more than 128 characters, or characters that no keyboard gives.
    pub fn parse(raw: &str) -> Result<Self, FieldError> {
        let password: String = raw.nfc().collect();
        if password.is_empty() {
            return Err(FieldError::new("Bắt buộc nhập."));
        }
        text::check(&password, PASSWORD_MAX)?;
        Ok(Self(password))
    }

    /// One that somebody chooses for the account with this name instead of `old`.
    ///
    /// # Errors
    /// As [`Password::parse`]; too short, the first that comes to mind, or nothing new.
    pub fn choose(raw: &str, account: &str, old: &Self) -> Result<Self, FieldError> {
        let new = Self::parse(raw)?;
        let length = new.0.chars().count();
        if length < PASSWORD_MIN {
            return Err(FieldError::new(format!("Mật khẩu cần ít nhất {PASSWORD_MIN} ký tự; đang có {length}.")));
        }
        if new == *old {
            return Err(FieldError::new("Mật khẩu mới phải khác mật khẩu cũ."));
        }
        let lower = new.0.to_lowercase();
        if lower.contains(account) {
            return Err(FieldError::new("Mật khẩu không được chứa tên tài khoản. Hãy chọn mật khẩu khác."));
        }
        let distinct = lower.chars().collect::<std::collections::HashSet<_>>().len();
        if COMMON.contains(&lower.as_str()) || distinct < 4 {
            return Err(FieldError::new("Mật khẩu này quá dễ đoán. Hãy chọn mật khẩu khác."));
        }
        Ok(new)
    }

    /// To be hashed or compared, and for nothing else.
    pub fn into_clear(self) -> String {
        self.0
    }
}

/// A device: the hash of the name that the client made for it, which itself is kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device(String);

impl Device {
    /// # Errors
    /// Anything but 16 to 128 printable ASCII characters.
    pub fn parse(raw: &str) -> Result<Self, FieldError> {
        if !(16..=128).contains(&raw.len()) || !raw.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return Err(FieldError::new("Mã thiết bị gồm 16 đến 128 ký tự ASCII in được."));
        }
        Ok(Self(sha256_hex(raw)))
    }

    pub fn hash(&self) -> &str {
        &self.0
    }
}

pub(super) fn sha256_hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digits of a one-time password.
///
/// # Errors
/// Anything but six digits; spaces between them mean nothing.
pub fn parse_otp(raw: &str) -> Result<String, FieldError> {
    let digits: String = text::required_line(raw, 20)?.split(' ').collect();
    if digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit()) {
        Ok(digits)
    } else {
        Err(FieldError::new("Mã xác thực gồm 6 chữ số."))
    }
}

text_enum! {
    /// Why a password must be changed before anything else.
    pub enum ChangeFirst {
        /// It was made by the system.
        FirstSignIn = "first_sign_in" => "Đăng nhập lần đầu",
        Expired = "expired" => "Mật khẩu đã hết hạn",
    }
}

/// Whether a right password signs in, or must be changed first.
pub fn must_change(
    must_change_password: bool,
    set_at: Option<NaiveDateTime>,
    months: u32,
    now: NaiveDateTime,
) -> Option<ChangeFirst> {
    let expires_at = set_at.and_then(|at| password_expires_at(at, months));
    if must_change_password {
        Some(ChangeFirst::FirstSignIn)
    } else {
        expires_at.filter(|at| *at <= now).map(|_| ChangeFirst::Expired)
    }
}

/// What the holder of a locked account does about it. Only who gives the right password is told.
pub fn advice(cause: Option<LockCause>) -> &'static str {
    match cause {
        Some(LockCause::WrongPasswords) => {
            "Tài khoản bị khóa vì nhập sai mật khẩu nhiều lần. Hãy mang giấy tờ tùy thân đến cơ quan BHXH gần nhất để được mở khóa hoặc cấp lại mật khẩu."
        }
        Some(LockCause::Reopened) => {
            "Hồ sơ đăng ký đang được xét lại nên tài khoản tạm khóa. Hãy chờ kết quả hoặc gọi 19009068."
        }
        Some(LockCause::Desk) | None => {
            "Cơ quan BHXH đã khóa tài khoản. Hãy gọi 19009068 hoặc đến cơ quan BHXH gần nhất."
        }
    }
}

/// Between two one-time passwords of an account so much time must pass, and in [`OTP_WINDOW`] so many are possible
/// (**decided**): each costs a text message that somebody else may be made to receive.
pub const OTP_AFTER: TimeDelta = TimeDelta::minutes(1);
pub const OTPS: usize = 5;
pub const OTP_WINDOW: TimeDelta = TimeDelta::hours(1);

/// How long an account that was sent one-time passwords at these times must wait for another; None when it need not.
pub fn otp_wait(earlier: &[NaiveDateTime], now: NaiveDateTime) -> Option<TimeDelta> {
    let mut recent: Vec<NaiveDateTime> = earlier.iter().copied().filter(|at| now - *at < OTP_WINDOW).collect();
    recent.sort_unstable();
    let after_last = recent.last().map(|last| *last + OTP_AFTER);
    // The window has room again when the fifth last leaves it.
    let after_many = recent.len().checked_sub(OTPS).map(|oldest| recent[oldest] + OTP_WINDOW);
    after_last.max(after_many).map(|until| until - now).filter(|wait| *wait > TimeDelta::zero())
}

/// How long a one-time password is good, in seconds, as the client is told.
pub const OTP_SECONDS: i64 = OTP_LIFE.num_seconds();

/// Enough of a telephone for its owner to know it.
pub fn masked(phone: &Phone) -> String {
    let digits = phone.as_str();
    let shown = digits.len().saturating_sub(4);
    format!("{}{}", "*".repeat(shown), &digits[shown..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDateTime {
        text.parse::<chrono::NaiveDate>().unwrap().and_hms_opt(1, 30, 0).unwrap()
    }

    fn at(text: &str) -> NaiveDateTime {
        let local = NaiveDateTime::parse_from_str(text, "%d/%m/%Y %H:%M").unwrap();
        from_hanoi(local.date(), local.time())
    }

    #[test]
    fn a_password_expires_after_six_months_on_the_same_day_or_the_last_of_the_month() {
        for (set, expires) in [
            ("24/05/2026 09:00", "24/11/2026 09:00"),
            ("31/08/2026 23:59", "28/02/2027 23:59"),
            // In UTC it is still the day before.
            ("31/08/2026 00:30", "28/02/2027 00:30"),
        ] {
            assert_eq!(password_expires_at(at(set), 6), Some(at(expires)), "{set}");
        }
        assert_eq!(password_expires_at(at("24/05/2026 09:00"), 0), None);
    }

    #[test]
    fn its_holder_is_told_seven_days_before_and_when_it_has_expired() {
        let due = |now| expiry_notices_due(at("24/05/2026 09:00"), 6, at(now));
        assert_eq!(due("17/11/2026 08:59"), 0);
        assert_eq!(due("17/11/2026 09:00"), 1);
        assert_eq!(due("24/11/2026 08:59"), 1);
        assert_eq!(due("24/11/2026 09:00"), 2);
        assert_eq!(expiry_notices_due(at("24/05/2020 09:00"), 0, at("24/11/2026 09:00")), 0);
    }

    #[test]
    fn a_password_must_be_changed_at_first_and_when_it_has_expired() {
        let (set_at, expires_at) = (Some(day("2026-05-24")), day("2026-11-24"));
        let before = expires_at - TimeDelta::milliseconds(1);
        assert_eq!(must_change(true, set_at, 6, before), Some(ChangeFirst::FirstSignIn));
        assert_eq!(must_change(false, set_at, 6, before), None);
        assert_eq!(must_change(false, set_at, 6, expires_at), Some(ChangeFirst::Expired));
        assert_eq!(must_change(false, set_at, 0, expires_at), None);
    }

    #[test]
    fn a_chosen_password_is_long_new_and_not_the_first_that_comes_to_mind() {
        let account = "9900000001";
        let old = Password::parse("Mat khau cu 1").unwrap();
        let choose = |raw: &str| Password::choose(raw, account, &old);
        assert!(choose("8 ký tự!").is_ok() && choose(&"đủ dài. ".repeat(16)).is_ok());
        let long = "a1b2 ".repeat(26);
        for wrong in
            ["", "7 ký tự", "12345678", "MatKhau123", "aaaabbbb", "x9900000001", "Mat khau cu 1", &long, "có\0 nul 123"]
        {
            assert!(choose(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_password_is_the_same_from_any_keyboard_and_never_shown() {
        let composed = Password::parse("Mật khẩu mới").unwrap();
        let decomposed = Password::parse(&"Mật khẩu mới".nfd().collect::<String>()).unwrap();
        assert_eq!(composed, decomposed);
        assert_ne!(composed, Password::parse("Mật khẩu mới ").unwrap(), "spaces count");
        assert!(!format!("{composed:?}").contains("khẩu"));
    }

    #[test]
    fn a_device_is_16_to_128_printable_characters_and_only_its_hash_stays() {
        let device = Device::parse("0123456789abcdef").unwrap();
        assert_eq!(device.hash(), "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f");
        assert!(Device::parse(&"~".repeat(128)).is_ok());
        for wrong in
            ["", "0123456789abcde", &"~".repeat(129), "0123456789abcdé0", "0123456789\tabcdef", "0123456789\0abcdef"]
        {
            assert!(Device::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn one_time_passwords_come_one_a_minute_and_five_an_hour() {
        let at = |minute: i64| day("2026-11-24") + TimeDelta::minutes(minute);
        assert_eq!(otp_wait(&[], at(0)), None);
        assert_eq!(otp_wait(&[at(0)], at(0) + TimeDelta::seconds(40)), Some(TimeDelta::seconds(20)));
        assert_eq!(otp_wait(&[at(0)], at(1)), None);
        let five: Vec<_> = [0, 1, 2, 3, 4].map(at).to_vec();
        assert_eq!(otp_wait(&five, at(10)), Some(TimeDelta::minutes(50)));
        assert_eq!(otp_wait(&five, at(60)), None);
    }

    #[test]
    fn a_telephone_is_shown_by_its_last_four_digits() {
        assert_eq!(masked(&Phone::parse("0900 004 567").unwrap()), "******4567");
        assert_eq!(parse_otp(" 012 345 ").unwrap(), "012345");
        for wrong in ["", "12345", "1234567", "12345a", "１２３４５６"] {
            assert!(parse_otp(wrong).is_err(), "{wrong}");
        }
    }
}
