//! How the queue and the gateways do, in figures and in plain words: what a supervisor or an admin reads first when somebody
//! says that no message comes.

use chrono::{NaiveDateTime, TimeDelta};

use super::dates::to_hanoi;
use super::delivery::{Cause, Gateway, Lane};
use super::outbox::MessageChannel;

impl Lane {
    pub fn label(self) -> &'static str {
        match self {
            Self::Urgent => "Tin khẩn (mã xác thực, gửi thử)",
            Self::Usual => "Tin thường",
            Self::Bulk => "Tin mời hàng loạt",
        }
    }

    /// A message that is due for longer than this is one that nobody sends (**decided**).
    fn patience(self) -> TimeDelta {
        match self {
            Self::Urgent => TimeDelta::minutes(1),
            Self::Usual => TimeDelta::minutes(5),
            Self::Bulk => TimeDelta::hours(2),
        }
    }
}

impl Cause {
    /// Whether it says something of the gateway, and not of one message or recipient.
    fn blames_gateway(self) -> bool {
        match self {
            Self::Unreachable | Self::NoAnswer | Self::Denied | Self::Busy | Self::Unclear | Self::Own => true,
            Self::BadRecipient | Self::Refused | Self::NotDelivered | Self::NoReceipt | Self::Stopped => false,
        }
    }
}

/// What waits in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub lane: Lane,
    /// Exact up to a cap; one more means "more".
    pub count: i64,
    /// When the one that is due for the longest should have left.
    pub due_since: Option<NaiveDateTime>,
}

/// What a gateway took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub gateway: Gateway,
    /// In the last 5 and 60 minutes.
    pub in_5: i64,
    pub in_60: i64,
    /// Within the last day.
    pub last: Option<NaiveDateTime>,
}

/// Why attempts failed: one gateway, or none that could be named, and one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    pub channel: MessageChannel,
    pub gateway: Option<Gateway>,
    pub cause: Cause,
    /// How many attempts, and how many messages did not arrive for good.
    pub attempts: i64,
    pub for_good: i64,
    pub first: NaiveDateTime,
    pub last: NaiveDateTime,
}

impl Failures {
    /// Whom they are put down to.
    pub fn of(&self) -> &'static str {
        match (self.gateway, self.channel) {
            (Some(gateway), _) => gateway.label(),
            (None, MessageChannel::Sms) => "SMS",
            (None, MessageChannel::Email) => Gateway::Mail.label(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Health {
    pub waiting: Vec<Waiting>,
    pub taken: Vec<Taken>,
    /// In the last 24 hours.
    pub failures: Vec<Failures>,
    /// As `failures`, on each channel since a gateway of it last took a message.
    pub since_taken: Vec<Failures>,
    /// Taken by a gateway whose receipt is still awaited.
    pub without_receipt: i64,
    /// From being queued to being taken, of those taken in the last hour: the half, and nine of ten, were no slower.
    pub waits: Option<(TimeDelta, TimeDelta)>,
}

impl Health {
    /// What is wrong, the worst first; nothing when all is as it should be.
    pub fn troubles(&self, now: NaiveDateTime) -> Vec<String> {
        let clock = |at: NaiveDateTime| {
            let (at, today) = (to_hanoi(at), to_hanoi(now).date());
            at.format(if at.date() == today { "%H:%M" } else { "%H:%M ngày %d/%m" }).to_string()
        };
        let mut troubles = Vec::new();
        let blamed = self.since_taken.iter().filter(|failures| failures.cause.blames_gateway());
        for failures in blamed {
            let (of, cause) = (failures.of(), failures.cause.label().to_lowercase());
            let since = clock(failures.first);
            troubles.push(format!(
                "{of}: {cause} từ {since} ({} lần thử), chưa gửi được tin nào sau đó.",
                failures.attempts
            ));
        }
        for waiting in &self.waiting {
            let Some(since) = waiting.due_since.filter(|since| now - *since > waiting.lane.patience()) else {
                continue;
            };
            troubles.push(format!(
                "{}: có tin đến giờ gửi từ {} mà chưa gửi. Kiểm tra tnhs worker có đang chạy không.",
                waiting.lane.label(),
                clock(since)
            ));
        }
        let last = |gateway| self.taken.iter().find(|taken| taken.gateway == gateway).and_then(|taken| taken.last);
        if let Some(backup) = last(Gateway::SmsBackup)
            && last(Gateway::Sms).is_none_or(|main| main < backup)
        {
            let main = last(Gateway::Sms).map_or("không nhận tin nào trong 24 giờ".to_owned(), |main| {
                format!("nhận tin lần cuối lúc {}", clock(main))
            });
            troubles.push(format!("Tin SMS đang đi qua cổng dự phòng; cổng SMS chính {main}."));
        }
        troubles
    }
}

/// The figure that so many of a hundred do not exceed, of figures in order.
pub fn percentile(sorted: &[TimeDelta], percent: usize) -> Option<TimeDelta> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> NaiveDateTime {
        chrono::NaiveDate::from_ymd_opt(2026, 11, 24).unwrap().and_hms_opt(2, 0, 0).unwrap()
            + TimeDelta::minutes(minute)
    }

    fn quiet() -> Health {
        Health {
            waiting: Lane::ALL.map(|lane| Waiting { lane, count: 0, due_since: None }).to_vec(),
            taken: Gateway::ALL
                .iter()
                .map(|gateway| Taken { gateway: *gateway, in_5: 0, in_60: 0, last: None })
                .collect(),
            failures: Vec::new(),
            since_taken: Vec::new(),
            without_receipt: 0,
            waits: None,
        }
    }

    fn failures(cause: Cause) -> Failures {
        Failures {
            channel: MessageChannel::Sms,
            gateway: None,
            cause,
            attempts: 3,
            for_good: 0,
            first: at(12),
            last: at(20),
        }
    }

    #[test]
    fn nothing_is_wrong_where_nothing_happens() {
        assert_eq!(quiet().troubles(at(30)), Vec::<String>::new());
    }

    #[test]
    fn a_gateway_that_is_not_reached_is_named_with_since_when() {
        let health = Health { since_taken: vec![failures(Cause::Unreachable)], ..quiet() };
        assert_eq!(
            health.troubles(at(30)),
            ["SMS: không kết nối được từ 09:12 (3 lần thử), chưa gửi được tin nào sau đó."]
        );
        assert!(health.troubles(at(24 * 60))[0].contains("từ 09:12 ngày 24/11"));
    }

    #[test]
    fn one_wrong_number_is_no_trouble_of_the_gateway() {
        let health = Health { since_taken: vec![failures(Cause::BadRecipient)], ..quiet() };
        assert!(health.troubles(at(30)).is_empty());
    }

    #[test]
    fn what_nobody_sends_points_at_the_worker() {
        let waits = |lane: Lane, minutes: i64| {
            let mut health = quiet();
            health.waiting = vec![Waiting { lane, count: 1, due_since: Some(at(0)) }];
            health.troubles(at(minutes))
        };
        assert!(waits(Lane::Urgent, 1).is_empty() && waits(Lane::Usual, 5).is_empty());
        assert!(waits(Lane::Urgent, 2)[0].starts_with("Tin khẩn (mã xác thực, gửi thử): có tin đến giờ gửi từ 09:00"));
        assert!(waits(Lane::Usual, 6)[0].contains("tnhs worker"));
        assert!(waits(Lane::Bulk, 60).is_empty());
    }

    #[test]
    fn messages_that_go_by_the_backup_say_when_the_first_gateway_stopped() {
        let mut health = quiet();
        health.taken[1].last = Some(at(20));
        assert!(health.troubles(at(30))[0].ends_with("cổng SMS chính không nhận tin nào trong 24 giờ."));
        health.taken[0].last = Some(at(12));
        assert!(health.troubles(at(30))[0].ends_with("cổng SMS chính nhận tin lần cuối lúc 09:12."));
        health.taken[0].last = Some(at(21));
        assert!(health.troubles(at(30)).is_empty(), "one message went by the backup, and the next one did not");
    }

    #[test]
    fn percentiles_are_figures_that_were_measured() {
        let seconds: Vec<TimeDelta> = (1..=10).map(TimeDelta::seconds).collect();
        assert_eq!(percentile(&seconds, 50), Some(TimeDelta::seconds(5)));
        assert_eq!(percentile(&seconds, 90), Some(TimeDelta::seconds(9)));
        assert_eq!(percentile(&seconds[..1], 90), Some(TimeDelta::seconds(1)));
        assert_eq!(percentile(&[], 50), None);
    }
}
