//! *Gửi thử*: an admin sends a message with harmless words, to see whether a gateway works and what becomes of it.

use chrono::{NaiveDateTime, TimeDelta};

use super::message;
use super::outbox::{Draft, MessageChannel, MessageKind};
use super::refusal::Refusal;

/// So many within so long (**decided**).
const TESTS: usize = 5;
pub const TEST_WINDOW: TimeDelta = TimeDelta::minutes(5);

/// Whether an admin may send another one who sent some at these times, all within [`TEST_WINDOW`].
///
/// # Errors
/// With the time from when on they may.
pub fn may_test(recent: &[NaiveDateTime]) -> Result<(), Refusal> {
    let mut recent = recent.to_vec();
    recent.sort_unstable();
    match recent.len().checked_sub(TESTS) {
        Some(oldest) => Err(Refusal::TestedTooOften(recent[oldest] + TEST_WINDOW)),
        None => Ok(()),
    }
}

/// The trial itself: no link, nothing of anybody.
pub fn trial(channel: MessageChannel, to: &str) -> Draft {
    match channel {
        MessageChannel::Sms => {
            let body = "BHXH VN: Tin gui thu cua he thong phe duyet giao dich dien tu. Vui long bo qua tin nay.";
            Draft::sms(MessageKind::Test, to, body.to_owned(), None)
        }
        MessageChannel::Email => {
            let body = "Đây là thư gửi thử của hệ thống phê duyệt giao dịch điện tử. Vui lòng bỏ qua thư này.";
            let mail = message::mail("Thư gửi thử".to_owned(), &[body.to_owned()]);
            Draft::email(MessageKind::Test, to, mail, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_trials_fit_into_five_minutes() {
        let at = |minute| chrono::NaiveDate::from_ymd_opt(2026, 11, 24).unwrap().and_hms_opt(2, minute, 0).unwrap();
        assert_eq!(may_test(&[at(0), at(1), at(2), at(3)]), Ok(()));
        let five = [at(4), at(0), at(1), at(2), at(3)];
        assert_eq!(may_test(&five), Err(Refusal::TestedTooOften(at(5))));
    }

    #[test]
    fn a_trial_costs_one_message() {
        let body = trial(MessageChannel::Sms, "0901234567").body;
        assert!(message::segments(&body).parts == 1 && body.is_ascii(), "{body}");
    }
}
