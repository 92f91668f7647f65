//! Members of staff: their names for signing in, their passwords, and the delay that grows with wrong ones.

use chrono::TimeDelta;

use super::text::{self, FieldError};

/// The shortest password of a member of staff (OWASP ASVS 5.0, 6.2.1 asks for 8 and recommends 15; ours come from a
/// generator or a person who may use a sentence).
pub const PASSWORD_MIN: usize = 12;
const PASSWORD_MAX: usize = 128;

/// What people choose when they are only asked for length.
const COMMON: [&str; 10] = [
    "123456789012",
    "1234567890123",
    "password1234",
    "matkhau12345",
    "baohiemxahoi",
    "baohiem12345",
    "qwertyuiop12",
    "vietnam12345",
    "abcdefghijkl",
    "bhxh12345678",
];

/// The name for signing in: lower case, 3 to 40 letters, digits, dots, dashes.
///
/// # Errors
/// Anything else.
pub fn parse_login(raw: &str) -> Result<String, FieldError> {
    let login = text::required_line(raw, 60)?.to_lowercase();
    let good = (3..=40).contains(&login.len())
        && login.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
        && login.starts_with(|c: char| c.is_ascii_alphanumeric());
    if good {
        Ok(login)
    } else {
        Err(FieldError::new("Tên đăng nhập gồm 3 đến 40 chữ không dấu, chữ số, dấu chấm hoặc gạch, ví dụ hanh.ttm."))
    }
}

/// A password that somebody chooses.
///
/// # Errors
/// Too short, too long, too common, or made of one's own sign-in name.
pub fn check_password(password: &str, login: &str) -> Result<(), FieldError> {
    let length = password.chars().count();
    if length < PASSWORD_MIN {
        return Err(FieldError::new(format!(
            "Mật khẩu cần ít nhất {PASSWORD_MIN} ký tự; đang có {length}. Có thể dùng một câu dễ nhớ."
        )));
    }
    if length > PASSWORD_MAX {
        return Err(FieldError::new(format!("Mật khẩu dài tối đa {PASSWORD_MAX} ký tự.")));
    }
    let lower = password.to_lowercase();
    let distinct = lower.chars().collect::<std::collections::HashSet<_>>().len();
    if COMMON.contains(&lower.as_str()) || distinct < 5 || lower.contains(login) {
        return Err(FieldError::new("Mật khẩu này quá dễ đoán. Hãy chọn mật khẩu khác."));
    }
    Ok(())
}

/// What wrong passwords are counted by. Each has its own patience: a person who mistypes waits a little, a stranger who
/// guesses waits long, and nobody can keep somebody else out for long by guessing in their name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// One name from one address.
    Pair,
    /// One name from anywhere.
    Login,
    /// Any name from one address: an office shares one.
    Address,
}

/// Wrong passwords older than this are forgotten.
pub const FORGET_AFTER: TimeDelta = TimeDelta::hours(24);

/// How long after the last of `failures` wrong passwords the next try must wait.
pub fn delay(counter: Counter, failures: i32) -> TimeDelta {
    let (free, longest) = match counter {
        Counter::Pair => (3, TimeDelta::minutes(15)),
        Counter::Login => (20, TimeDelta::minutes(1)),
        Counter::Address => (50, TimeDelta::minutes(15)),
    };
    match u32::try_from(failures - free) {
        Ok(beyond) => TimeDelta::seconds(2_i64.saturating_pow(beyond.min(20))).min(longest),
        Err(_) => TimeDelta::zero(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_grows_and_has_an_end() {
        let waits: Vec<i64> = (1..=8).map(|failures| delay(Counter::Pair, failures).num_seconds()).collect();
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32]);
        assert_eq!(delay(Counter::Pair, 1_000), TimeDelta::minutes(15));
        assert_eq!(delay(Counter::Login, 19), TimeDelta::zero());
        assert_eq!(delay(Counter::Login, 1_000), TimeDelta::minutes(1));
        assert_eq!(delay(Counter::Address, 52).num_seconds(), 4);
    }

    #[test]
    fn a_password_is_long_and_not_the_first_that_comes_to_mind() {
        assert!(check_password("ba con mèo ngủ trưa", "hanh").is_ok());
        for wrong in ["ngắn", "matkhau12345", "aaaaaaaaaaaaaaa", "hanh-hanh-2026", &"dài".repeat(50)] {
            assert!(check_password(wrong, "hanh").is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_login_is_typed_without_diacritics() {
        assert_eq!(parse_login(" Hanh.TTM ").unwrap(), "hanh.ttm");
        for wrong in ["", "hạnh", "ab", "a b c", "-abc", "a'--"] {
            assert!(parse_login(wrong).is_err(), "{wrong}");
        }
    }
}
