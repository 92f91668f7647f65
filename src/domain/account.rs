//! A citizen's account for electronic transactions: its name is the mã số BHXH, one account per code. What a desk may do
//! with it, in which state and how often (the guide, section 3, "Desk acts on an account").

use chrono::{NaiveDateTime, TimeDelta};
use rand::seq::IndexedRandom;
use rand::{CryptoRng, RngExt};

use super::application::Declaration;
use super::ids::{AccountId, AgencyId, ApplicationId};
use super::numbers::{Email, Phone};
use super::refusal::Refusal;

text_enum! {
    pub enum AccountState {
        Active = "active" => "Đang hoạt động",
        Locked = "locked" => "Đã khóa",
        /// For good; a new registration of the same code opens it anew.
        Closed = "closed" => "Đã hủy",
    }
}

text_enum! {
    /// Why an account is locked, which says who may open it.
    pub enum LockCause {
        Desk = "desk" => "Cơ quan BHXH khóa",
        WrongPasswords = "wrong_passwords" => "Nhập sai mật khẩu nhiều lần",
        /// The application that it came from is decided anew.
        Reopened = "reopened" => "Hồ sơ cấp tài khoản đang được xét lại",
    }
}

text_enum! {
    /// What a desk does with an account.
    pub enum AccountAct {
        ResetPassword = "reset-password" => "Cấp lại mật khẩu",
        ChangeContact = "contact" => "Đổi điện thoại, email",
        Lock = "lock" => "Khóa tài khoản",
        Unlock = "unlock" => "Mở khóa tài khoản",
        Close = "close" => "Hủy tài khoản",
    }
}

text_enum! {
    /// What a one-time password is asked for.
    pub enum OtpPurpose {
        Password = "password" => "đổi mật khẩu",
        Device = "device" => "đăng nhập trên thiết bị mới",
    }
}

/// An account as a page shows it: never a password, and no way to one.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: AccountId,
    /// The application that it came from, and the office of that.
    pub application_id: ApplicationId,
    pub agency_id: AgencyId,
    pub agency_name: String,
    pub province_id: Option<AgencyId>,
    /// What was last declared and approved of its holder. Its code is the account's name.
    pub holder: Declaration,
    /// The account of the holder's guardian, unless it was closed.
    pub guardian: Option<GuardianAccount>,
    pub state: AccountState,
    pub lock_cause: Option<LockCause>,
    /// All times are UTC.
    pub created_at: NaiveDateTime,
    pub state_at: NaiveDateTime,
    /// Whether a password has left for the citizen, and when the one that counts was made or chosen.
    pub has_password: bool,
    pub password_set_at: Option<NaiveDateTime>,
    pub must_change_password: bool,
    pub last_sign_in_at: Option<NaiveDateTime>,
    pub has_device: bool,
    /// Rises by one with every act; a form that was made from an older version is refused.
    pub version: i32,
}

/// Where a guardian wants to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardianAccount {
    pub id: AccountId,
    pub phone: Phone,
    pub email: Option<Email>,
}

impl Account {
    /// Where its messages go: a ward's to the guardian, as the guardian's own account says now.
    pub fn notice_phone(&self) -> &Phone {
        self.guardian.as_ref().map_or_else(|| self.holder.notice_phone(), |guardian| &guardian.phone)
    }

    /// Where its mail goes: as for the telephone. A guardian without an address gets none.
    pub fn notice_email(&self) -> Option<&Email> {
        match &self.guardian {
            Some(guardian) => guardian.email.as_ref(),
            None => self.holder.notice_email(),
        }
    }

    pub fn code(&self) -> &str {
        self.holder.code.as_str()
    }

    /// Whether a message with a password may go to its holder once more: while it is in use and none was chosen.
    ///
    /// # Errors
    /// The sentence for whoever tried.
    pub fn awaits_first_password(&self) -> Result<(), Refusal> {
        match (self.state, self.lock_cause) {
            (AccountState::Closed, _) => Err(Refusal::AccountClosed),
            (AccountState::Locked, Some(LockCause::Reopened)) => Err(Refusal::AccountUnderReview),
            (AccountState::Locked, _) => Err(Refusal::AccountLocked),
            (AccountState::Active, _) if !self.must_change_password => Err(Refusal::PasswordChosen),
            (AccountState::Active, _) => Ok(()),
        }
    }

    /// Whether its state lets a desk do this.
    ///
    /// # Errors
    /// The sentence for whoever tried.
    pub fn allows(&self, act: AccountAct) -> Result<(), Refusal> {
        act.allowed_in(self.state, self.lock_cause)
    }
}

impl AccountAct {
    /// Whether an account in this state lets a desk do this.
    ///
    /// # Errors
    /// The sentence for whoever tried.
    pub fn allowed_in(self, state: AccountState, cause: Option<LockCause>) -> Result<(), Refusal> {
        use AccountAct::{ChangeContact, Close, Lock, ResetPassword, Unlock};
        match (state, cause, self) {
            (AccountState::Closed, ..) => Err(Refusal::AccountClosed),
            (AccountState::Locked, Some(LockCause::Reopened), _) => Err(Refusal::AccountUnderReview),
            (AccountState::Active, _, Unlock) => Err(Refusal::AccountNotLocked),
            (AccountState::Active, ..) => Ok(()),
            (AccountState::Locked, _, Lock) => Err(Refusal::AccountLocked),
            // A new password is the remedy of somebody who forgot theirs, and opens the lock. What a desk has locked must be
            // opened by a desk first.
            (AccountState::Locked, Some(LockCause::WrongPasswords), ResetPassword) => Ok(()),
            (AccountState::Locked, _, ResetPassword) => Err(Refusal::AccountLocked),
            (AccountState::Locked, _, ChangeContact | Unlock | Close) => Ok(()),
        }
    }

    /// How much time must pass before this is done again; None when it may be done as often as one likes.
    pub fn pause(self) -> Option<TimeDelta> {
        match self {
            Self::ResetPassword => Some(REPEAT_AFTER),
            Self::ChangeContact => Some(TimeDelta::zero()),
            Self::Lock | Self::Unlock | Self::Close => None,
        }
    }
}

/// Between two new passwords so much time must pass (**decided**). A mistyped telephone is corrected at once.
pub const REPEAT_AFTER: TimeDelta = TimeDelta::minutes(5);

/// Within [`REPEAT_WINDOW`] so many are possible.
pub const REPEATS: usize = 5;

pub const REPEAT_WINDOW: TimeDelta = TimeDelta::hours(24);

/// Whether an act that was done at the times `earlier` may be done again.
///
/// # Errors
/// With the time from when on it may.
pub fn may_repeat(earlier: &[NaiveDateTime], pause: TimeDelta, now: NaiveDateTime) -> Result<(), Refusal> {
    let mut recent: Vec<NaiveDateTime> = earlier.iter().copied().filter(|at| now - *at < REPEAT_WINDOW).collect();
    recent.sort_unstable();
    let after_last = recent.last().map(|last| *last + pause);
    // The window has room again when the fifth last leaves it.
    let after_many = recent.len().checked_sub(REPEATS).map(|oldest| recent[oldest] + REPEAT_WINDOW);
    match (after_many, after_last.filter(|until| *until > now)) {
        (Some(until), _) => Err(Refusal::TooOften(until)),
        (None, Some(until)) => Err(Refusal::TooSoon(until)),
        (None, None) => Ok(()),
    }
}

/// An officer who received somebody of another office may act on their account for so long (**decided**).
pub const RECEIVED_FOR: TimeDelta = TimeDelta::hours(8);

/// So many wrong pairs of code and papers in a row make an officer wait for [`RECEIVE_WAIT`] (**decided**).
pub const RECEIVE_TRIES: i32 = 5;
pub const RECEIVE_WAIT: TimeDelta = TimeDelta::minutes(15);

/// What a desk confirms before it acts on an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeskCheck {
    pub id_compared: bool,
    /// The holder, or the guardian, asks for it themselves.
    pub asked_by_holder: bool,
}

impl DeskCheck {
    /// # Errors
    /// When something was not confirmed.
    pub fn complete(self) -> Result<(), Refusal> {
        if self.id_compared && self.asked_by_holder { Ok(()) } else { Err(Refusal::DeskCheck) }
    }
}

/// So many wrong passwords in a row lock an account (the guide, section 3).
pub const WRONG_PASSWORDS: i32 = 5;

/// Characters that cannot be taken for each other when read from a small screen or over the telephone, all in GSM-7.
const LOWER: &[u8] = b"abcdefghjkmnpqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const DIGITS: &[u8] = b"23456789";

/// A password that the system makes: 12 characters (about 67 bits), with at least one of each class, made at the moment of sending.
pub fn new_password(rng: &mut impl CryptoRng) -> String {
    let mut password: Vec<u8> = [LOWER, UPPER, DIGITS]
        .iter()
        .chain(std::iter::repeat_n(&[LOWER, UPPER, DIGITS].concat().as_slice(), 9))
        .filter_map(|class| class.choose(rng).copied())
        .collect();
    for last in (1..password.len()).rev() {
        password.swap(last, rng.random_range(0..=last));
    }
    password.into_iter().map(char::from).collect()
}

/// A one-time password: six digits, made at the moment of sending.
pub fn new_otp(rng: &mut impl CryptoRng) -> String {
    format!("{:06}", rng.random_range(0..1_000_000))
}

/// For so long a one-time password is good, and so many wrong ones make it void (**decided**).
pub const OTP_LIFE: TimeDelta = TimeDelta::minutes(5);
pub const OTP_TRIES: i32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_twelve_readable_characters_of_every_class_and_is_never_the_same() {
        let mut rng = rand::rng();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..1_000 {
            let password = new_password(&mut rng);
            assert_eq!(password.len(), 12);
            for class in [LOWER, UPPER, DIGITS] {
                assert!(password.bytes().any(|c| class.contains(&c)));
            }
            assert!(!password.contains(['0', 'O', '1', 'l', 'I', 'o', 'i']));
            assert!(seen.insert(password));
        }
    }

    fn at(minute: i64) -> NaiveDateTime {
        chrono::DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap().naive_utc()
    }

    #[test]
    fn an_act_is_repeated_after_five_minutes_and_five_times_a_day() {
        assert_eq!(may_repeat(&[], REPEAT_AFTER, at(0)), Ok(()));
        assert_eq!(may_repeat(&[at(0)], REPEAT_AFTER, at(4)), Err(Refusal::TooSoon(at(5))));
        assert_eq!(may_repeat(&[at(0)], REPEAT_AFTER, at(5)), Ok(()));
        let five: Vec<_> = [0, 10, 20, 30, 40].map(at).to_vec();
        assert_eq!(may_repeat(&five[..4], REPEAT_AFTER, at(60)), Ok(()));
        assert_eq!(may_repeat(&five, REPEAT_AFTER, at(60)), Err(Refusal::TooOften(at(24 * 60))));
        assert_eq!(may_repeat(&five, REPEAT_AFTER, at(24 * 60)), Ok(()));
    }
}
