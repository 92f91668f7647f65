//! Where a message is on its way, and what moves it on: attempts, receipts, time, and a person who sends it again.
//!
//! `queued → sending → accepted → delivered | undelivered | expired`, or `failed`, or `unknown`: it may have left, nobody
//! answered. Only forward: whatever comes late or twice changes nothing. Delivered is the last word, whatever was believed before.

use chrono::{NaiveDateTime, TimeDelta, Timelike};

use super::account::{REPEAT_WINDOW, may_repeat};
use super::dates::to_hanoi;
use super::outbox::MessageKind;
use super::refusal::Refusal;

text_enum! {
    pub enum MessageState {
        Queued = "queued" => "Chờ gửi",
        /// A worker has it to itself, until its lease ends.
        Sending = "sending" => "Đang gửi",
        /// The gateway has it.
        Accepted = "accepted" => "Đã gửi",
        /// It is on the telephone.
        Delivered = "delivered" => "Đã đến máy",
        /// The network gave it up.
        Undelivered = "undelivered" => "Không đến máy",
        /// The gateway had it, and no receipt came.
        Expired = "expired" => "Không có hồi báo",
        /// Refused or given up: a person must do something.
        Failed = "failed" => "Không gửi được",
        /// It may have left: no answer came. It is sent again unless a receipt comes first.
        Unknown = "unknown" => "Chưa rõ, sẽ gửi lại",
        /// Not needed any more: the citizen has chosen a password, or the account is not in use.
        Dropped = "dropped" => "Không cần gửi",
    }
}

impl MessageState {
    /// A worker still has to do something.
    pub const WAITING: [Self; 3] = [Self::Queued, Self::Sending, Self::Unknown];
    /// It did not arrive, for good: a person must do something.
    pub const TROUBLE: [Self; 2] = [Self::Failed, Self::Undelivered];

    pub fn is_waiting(self) -> bool {
        Self::WAITING.contains(&self)
    }

    pub fn is_trouble(self) -> bool {
        Self::TROUBLE.contains(&self)
    }
}

text_enum! {
    /// The ways out of the house.
    pub enum Gateway {
        Sms = "sms" => "Cổng SMS chính",
        /// Tried when the first one does not take a message.
        SmsBackup = "sms_backup" => "Cổng SMS dự phòng",
        Mail = "mail" => "Máy chủ thư",
    }
}

text_enum! {
    /// Why a message did not arrive, or not yet, in words that say what to do about it.
    pub enum Cause {
        Unreachable = "unreachable" => "Không kết nối được",
        NoAnswer = "no_answer" => "Không trả lời kịp",
        Denied = "denied" => "Sai tên hoặc mật khẩu của cổng gửi",
        Busy = "busy" => "Cổng gửi đang bận",
        BadRecipient = "bad_recipient" => "Số điện thoại hoặc địa chỉ không nhận được tin",
        /// It takes the recipient, but not this message.
        Refused = "refused" => "Cổng gửi không nhận nội dung này",
        NotDelivered = "not_delivered" => "Nhà mạng không chuyển được đến máy",
        NoReceipt = "no_receipt" => "Không có hồi báo trong 24 giờ",
        /// The answer says nothing that is known.
        Unclear = "unclear" => "Trả lời không rõ",
        /// The process was asked to stop while the gateway thought about it.
        Stopped = "stopped" => "Máy chủ dừng khi đang gửi",
        /// The folder of `file:` cannot be written, or something else of our own.
        Own = "own" => "Lỗi của máy chủ",
    }
}

/// How one attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A gateway has it. `receipt`: it will tell what became of it.
    Accepted { by: Gateway, receipt: bool },
    /// A gateway says that it had it from an earlier attempt: what this one carried did not leave.
    AlreadySent { by: Gateway, receipt: bool },
    /// It surely has not left, and may later.
    NotSent(Cause),
    /// It may have left.
    MaybeSent(Cause),
    /// It surely has not left, and never will.
    Never(Cause),
    /// It must not leave any more.
    NotNeeded,
}

impl Outcome {
    /// Whether what this attempt carried is surely with nobody.
    pub fn surely_not_sent(self) -> bool {
        matches!(self, Self::NotSent(_) | Self::Never(_) | Self::AlreadySent { .. })
    }
}

/// What an attempt makes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    pub state: MessageState,
    /// When it is tried again, of states that wait; otherwise now.
    pub at: NaiveDateTime,
    pub cause: Option<Cause>,
    pub gateway: Option<Gateway>,
    /// Until when a receipt is awaited.
    pub receipt_due: Option<NaiveDateTime>,
}

/// One attempt to send may take this long; it is given up well before its lease ends.
pub const SEND_DEADLINE: std::time::Duration = std::time::Duration::from_secs(30);

/// How long a worker has a message to itself.
pub const LEASE: TimeDelta = TimeDelta::seconds(120);

/// A worker that was asked to stop waits so long for gateways that think; service managers kill after ten seconds.
pub const DRAIN: std::time::Duration = std::time::Duration::from_secs(7);

/// Minutes to wait after the first, second … failed attempt; after the last, again and again.
const BACKOFF_MINUTES: [i64; 5] = [1, 5, 15, 60, 240];

/// A message that has not left so long after it was queued is given up.
pub const GIVE_UP: TimeDelta = TimeDelta::hours(24);

/// A receipt that has not come by then does not come.
pub const RECEIPT_WAIT: TimeDelta = TimeDelta::hours(24);

/// What becomes of a message that was queued at `queued_at` and whose attempt number `attempts` ended so.
pub fn after_attempt(outcome: Outcome, attempts: i32, queued_at: NaiveDateTime, now: NaiveDateTime) -> Next {
    let end = |state, cause| Next { state, at: now, cause, gateway: None, receipt_due: None };
    let again = |state, cause| {
        let nth = usize::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(BACKOFF_MINUTES.len() - 1);
        let at = now + TimeDelta::minutes(BACKOFF_MINUTES[nth]);
        if at > queued_at + GIVE_UP {
            return end(MessageState::Failed, Some(cause));
        }
        Next { state, at, cause: Some(cause), gateway: None, receipt_due: None }
    };
    match outcome {
        Outcome::Accepted { by, receipt } | Outcome::AlreadySent { by, receipt } => Next {
            gateway: Some(by),
            receipt_due: receipt.then_some(now + RECEIPT_WAIT),
            ..end(MessageState::Accepted, None)
        },
        Outcome::NotSent(cause) => again(MessageState::Queued, cause),
        Outcome::MaybeSent(cause) => again(MessageState::Unknown, cause),
        Outcome::Never(cause) => end(MessageState::Failed, Some(cause)),
        Outcome::NotNeeded => end(MessageState::Dropped, None),
    }
}

/// What a gateway tells of a message that it took (Kannel user's guide, "Delivery reports").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    Delivered,
    Undelivered,
    /// The network keeps it for a telephone that is off.
    Buffered,
    /// The network has it.
    Taken,
    /// The network does not take it.
    Refused,
}

/// The state that a receipt about attempt number `of` brings a message into, and why; None when it changes nothing. `attempts`
/// is how many were begun.
pub fn on_receipt(
    state: MessageState,
    attempts: i32,
    of: i32,
    receipt: Receipt,
) -> Option<(MessageState, Option<Cause>)> {
    use MessageState::{Accepted, Delivered, Dropped, Expired, Sending, Undelivered, Unknown};
    let latest = of == attempts;
    match receipt {
        _ if of < 1 || of > attempts => None,
        Receipt::Delivered => (!matches!(state, Delivered | Dropped)).then_some((Delivered, None)),
        // A failure of an attempt that another one followed says nothing of the message.
        Receipt::Undelivered | Receipt::Refused
            if latest && matches!(state, Sending | Accepted | Expired | Unknown) =>
        {
            let cause = if receipt == Receipt::Refused { Cause::Refused } else { Cause::NotDelivered };
            Some((Undelivered, Some(cause)))
        }
        // The answer was lost on the way, or is slower than this: the gateway has it.
        Receipt::Buffered | Receipt::Taken if latest && matches!(state, Sending | Unknown) => Some((Accepted, None)),
        _ => None,
    }
}

/// Who goes first: somebody waits for a one-time password with the telephone in their hand, and nobody for an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    Urgent = 0,
    Usual = 1,
    Bulk = 2,
}

impl Lane {
    /// In the order in which they are served.
    pub const ALL: [Self; 3] = [Self::Urgent, Self::Usual, Self::Bulk];

    /// Whether its messages may leave at this time, whenever they were queued.
    pub fn is_open(self, now: NaiveDateTime) -> bool {
        self != Self::Bulk || by_day(now) == now
    }

    pub fn of(kind: MessageKind) -> Self {
        match kind {
            MessageKind::Otp | MessageKind::Test => Self::Urgent,
            MessageKind::Invitation => Self::Bulk,
            _ => Self::Usual,
        }
    }
}

/// What nobody waits for leaves between 8 and 20 o'clock in Hanoi: now, or when that is next.
pub fn by_day(now: NaiveDateTime) -> NaiveDateTime {
    const OPEN: u32 = 8;
    const CLOSE: u32 = 20;
    let hour = to_hanoi(now).hour();
    if (OPEN..CLOSE).contains(&hour) {
        return now;
    }
    let wait = i64::from((OPEN + 24 - hour) % 24);
    let past = TimeDelta::minutes(now.minute().into()) + TimeDelta::seconds(now.second().into());
    now + TimeDelta::hours(wait) - past
}

/// How long after a message it can be sent again.
pub const RESEND_PAUSE: TimeDelta = TimeDelta::minutes(5);

/// The times that count for [`may_resend`] are those since so long ago.
pub const RESEND_WINDOW: TimeDelta = REPEAT_WINDOW;

/// Whether a person may send a message again. `before` is when it, and whatever it was sent again as, was queued; of one with a
/// password, when any of that account was.
///
/// # Errors
/// It is still on its way, it is of a kind that is asked for anew, or it was sent again just now or too often.
pub fn may_resend(
    kind: MessageKind,
    state: MessageState,
    before: &[NaiveDateTime],
    now: NaiveDateTime,
) -> Result<(), Refusal> {
    match kind {
        MessageKind::Otp => return Err(Refusal::OtpIsAskedAnew),
        kind if MessageKind::NEVER_AGAIN.contains(&kind) => return Err(Refusal::NotSentAgain),
        _ => {}
    }
    if state.is_waiting() {
        return Err(Refusal::MessageOnItsWay);
    }
    if state == MessageState::Dropped {
        return Err(Refusal::NotSentAgain);
    }
    may_repeat(before, RESEND_PAUSE, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u32, minute: u32) -> NaiveDateTime {
        chrono::NaiveDate::from_ymd_opt(2026, 11, 24).unwrap().and_hms_opt(hour, minute, 0).unwrap()
    }

    #[test]
    fn a_message_is_tried_again_at_growing_intervals_and_given_up_after_a_day() {
        let start = at(1, 0);
        let (mut now, mut waits) = (start, Vec::new());
        for attempt in 1.. {
            let next = after_attempt(Outcome::NotSent(Cause::Busy), attempt, start, now);
            assert_eq!(next.cause, Some(Cause::Busy));
            if next.state == MessageState::Failed {
                break;
            }
            assert_eq!(next.state, MessageState::Queued);
            waits.push((next.at - now).num_minutes());
            now = next.at;
        }
        assert_eq!(waits, [1, 5, 15, 60, 240, 240, 240, 240, 240]);
        assert!(now <= start + GIVE_UP && now + TimeDelta::minutes(240) > start + GIVE_UP);
        assert!(SEND_DEADLINE.as_secs() * 2 < LEASE.num_seconds().unsigned_abs());
    }

    #[test]
    fn each_outcome_has_its_state() {
        let of = |outcome| after_attempt(outcome, 1, at(1, 0), at(1, 0));
        let accepted = of(Outcome::Accepted { by: Gateway::Sms, receipt: true });
        assert_eq!((accepted.state, accepted.receipt_due), (MessageState::Accepted, Some(at(1, 0) + RECEIPT_WAIT)));
        let silent = of(Outcome::AlreadySent { by: Gateway::Mail, receipt: false });
        assert_eq!((silent.state, silent.receipt_due), (MessageState::Accepted, None));
        assert_eq!(of(Outcome::MaybeSent(Cause::NoAnswer)).state, MessageState::Unknown);
        assert_eq!(of(Outcome::Never(Cause::BadRecipient)).state, MessageState::Failed);
        assert_eq!(of(Outcome::NotNeeded).state, MessageState::Dropped);
    }

    #[test]
    fn receipts_only_move_a_message_forward() {
        use MessageState::*;
        let now = |state, of, receipt| on_receipt(state, 2, of, receipt).map(|(state, _)| state);
        for state in [Queued, Sending, Accepted, Expired, Failed, Unknown, Undelivered] {
            assert_eq!(now(state, 2, Receipt::Delivered), Some(Delivered), "{state:?}");
            assert_eq!(now(state, 1, Receipt::Delivered), Some(Delivered), "an earlier attempt arrived: {state:?}");
        }
        for late in [Receipt::Taken, Receipt::Buffered, Receipt::Undelivered, Receipt::Refused, Receipt::Delivered] {
            assert_eq!(now(Delivered, 2, late), None, "{late:?}");
            assert_eq!(now(Dropped, 2, late), None, "{late:?}");
            assert_eq!(now(Accepted, 3, late), None, "an attempt that was never made");
            assert_eq!(now(Accepted, 0, late), None);
        }
        assert_eq!(now(Accepted, 2, Receipt::Undelivered), Some(Undelivered));
        assert_eq!(now(Accepted, 1, Receipt::Undelivered), None, "another attempt followed");
        assert_eq!(now(Queued, 2, Receipt::Undelivered), None, "it is tried again anyway");
        assert_eq!(now(Unknown, 2, Receipt::Taken), Some(Accepted), "the answer was lost, the message was not");
        assert_eq!(now(Sending, 2, Receipt::Taken), Some(Accepted), "the answer is slower than the receipt");
        assert_eq!(now(Unknown, 1, Receipt::Taken), None);
        assert_eq!(now(Undelivered, 2, Receipt::Taken), None);
    }

    #[test]
    fn nobody_is_invited_at_night() {
        // Hanoi is seven hours ahead.
        assert_eq!(by_day(at(1, 0)), at(1, 0));
        assert_eq!(by_day(at(0, 59)), at(1, 0));
        assert_eq!(by_day(at(12, 59)), at(12, 59));
        assert_eq!(by_day(at(13, 5)), at(1, 0) + TimeDelta::days(1));
        assert_eq!(by_day(at(18, 30)), at(1, 0) + TimeDelta::days(1));
    }

    #[test]
    fn what_is_under_way_or_asked_for_anew_is_not_sent_again() {
        let now = at(5, 0);
        let minutes_ago = |minutes: i64| now - TimeDelta::minutes(minutes);
        let kind = MessageKind::Rejected;
        for state in [MessageState::Accepted, MessageState::Failed, MessageState::Delivered, MessageState::Expired] {
            assert_eq!(may_resend(kind, state, &[minutes_ago(6)], now), Ok(()));
        }
        for state in MessageState::WAITING {
            assert_eq!(may_resend(kind, state, &[minutes_ago(6)], now), Err(Refusal::MessageOnItsWay));
        }
        assert_eq!(
            may_resend(kind, MessageState::Failed, &[minutes_ago(4)], now),
            Err(Refusal::TooSoon(minutes_ago(-1)))
        );
        assert!(matches!(
            may_resend(kind, MessageState::Failed, &[6, 60, 120, 180, 240].map(minutes_ago), now),
            Err(Refusal::TooOften(_))
        ));
        assert_eq!(may_resend(MessageKind::Otp, MessageState::Failed, &[], now), Err(Refusal::OtpIsAskedAnew));
    }
}
