//! *Messages*: what was made, left, arrived and did not, counted from the steps that are kept of each message and not from how it
//! stands today. A message is counted with the office that made it, also when its application moves on.
//!
//! Every message leaves the queue exactly once: to a gateway, or not at all because it failed or was not needed any more. So in
//! every row *what waited + what was made = sent + failed + not needed + what waits*. What a gateway later tells is counted once
//! each: a message that did not arrive and then does is in both columns.

use super::agencies::number;
use super::{Cell, Column, Row, Table, Unit};
use crate::domain::delivery::MessageState;
use crate::domain::outbox::MessageChannel;

/// What messages did in some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    pub made: i64,
    /// A gateway had it for the first time.
    pub sent: i64,
    /// Given up without having left.
    pub failed: i64,
    /// Not needed any more before it left.
    pub dropped: i64,
    pub delivered: i64,
    pub undelivered: i64,
    pub no_receipt: i64,
    /// By how much those grew that a gateway has and about which nothing is known yet.
    pub pending: i64,
}

impl Flow {
    /// By how much the queue grew.
    pub fn growth(&self) -> i64 {
        self.made - self.sent - self.failed - self.dropped
    }

    pub fn each(&self) -> [i64; 8] {
        let Self { made, sent, failed, dropped, delivered, undelivered, no_receipt, pending } = *self;
        [made, sent, failed, dropped, delivered, undelivered, no_receipt, pending]
    }

    pub fn of(each: [i64; 8]) -> Self {
        let [made, sent, failed, dropped, delivered, undelivered, no_receipt, pending] = each;
        Self { made, sent, failed, dropped, delivered, undelivered, no_receipt, pending }
    }
}

impl std::ops::AddAssign for Flow {
    fn add_assign(&mut self, other: Self) {
        let (mut sums, others) = (self.each(), other.each());
        sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
        *self = Self::of(sums);
    }
}

/// What a step adds when `before` are the states that the same message went through earlier, oldest first.
pub fn on_step(before: &[MessageState], state: MessageState) -> Flow {
    use MessageState::{Accepted, Delivered, Dropped, Expired, Failed, Undelivered};
    let first = |it: MessageState| i64::from(state == it && !before.contains(&it));
    let leaves = !state.is_waiting() && before.iter().all(|it| it.is_waiting());
    let leaves_as = |those: &[MessageState]| i64::from(leaves && those.contains(&state));
    let is_pending = |it: Option<&MessageState>| i64::from(it == Some(&Accepted));
    Flow {
        made: i64::from(before.is_empty()),
        sent: leaves_as(&[Accepted, Delivered, Undelivered, Expired]),
        failed: leaves_as(&[Failed]),
        dropped: leaves_as(&[Dropped]),
        delivered: first(Delivered),
        undelivered: first(Undelivered),
        no_receipt: first(Expired),
        pending: is_pending(Some(&state)) - is_pending(before.last()),
    }
}

/// A period of one office and channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// What waited to be sent before the period, and what was with a gateway without an answer.
    pub waiting: i64,
    pub pending: i64,
    pub flow: Flow,
}

impl Moves {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What comes before the period.
    pub fn open(&mut self, flow: &Flow) {
        self.waiting += flow.growth();
        self.pending += flow.pending;
    }
}

impl std::ops::AddAssign for Moves {
    fn add_assign(&mut self, other: Self) {
        self.waiting += other.waiting;
        self.pending += other.pending;
        self.flow += other.flow;
    }
}

/// Each office's name with its channels, in the order in which they are shown.
pub fn by_message(rows: &[(String, MessageChannel, Moves)]) -> Table {
    let mut columns = vec![
        Column::new("STT", 6.0, Unit::Count),
        Column::new("Cơ quan BHXH", 36.0, Unit::Text),
        Column::new("Kênh", 8.0, Unit::Text),
    ];
    columns.extend(
        [
            "Chờ gửi đầu kỳ",
            "Tạo trong kỳ",
            "Đã gửi",
            "Không gửi được",
            "Không cần gửi",
            "Chờ gửi cuối kỳ",
            "Đã đến máy",
            "Không đến máy",
            "Không có hồi báo",
            "Chưa có hồi báo cuối kỳ",
        ]
        .map(|label| Column::new(label, 10.0, Unit::Count)),
    );
    let line = |name: &str, channel: &str, moves: &Moves| {
        let flow = &moves.flow;
        let mut cells = vec![Cell::Empty, Cell::Text(name.to_owned()), Cell::Text(channel.to_owned())];
        let counts = [
            moves.waiting,
            flow.made,
            flow.sent,
            flow.failed,
            flow.dropped,
            moves.waiting + flow.growth(),
            flow.delivered,
            flow.undelivered,
            flow.no_receipt,
            moves.pending + flow.pending,
        ];
        cells.extend(counts.map(Cell::Count));
        Row { cells, is_subtotal: false }
    };
    let mut lines: Vec<_> = rows.iter().map(|(name, channel, moves)| line(name, channel.label(), moves)).collect();
    number(&mut lines);
    let mut total = Moves::default();
    rows.iter().for_each(|(_, _, moves)| total += *moves);
    Table {
        title: "BÁO CÁO TIN NHẮN GỬI NGƯỜI ĐĂNG KÝ".into(),
        columns,
        rows: lines,
        total: Some(line("Tổng cộng", "", &total)),
        notes: vec![
            "Chờ gửi đầu kỳ + Tạo trong kỳ = Đã gửi + Không gửi được + Không cần gửi + Chờ gửi cuối kỳ. Tin được tính cho cơ quan đã tạo \
             tin. Mỗi tin được tính một lần ở mỗi cột, kể cả khi lúc đầu không đến rồi sau đó đến được. Thư điện tử thường không có \
             hồi báo."
                .into(),
        ],
        ..Table::default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use MessageState::{Accepted, Delivered, Dropped, Expired, Failed, Queued, Undelivered, Unknown};

    /// What a whole story adds up to.
    fn told(states: &[MessageState]) -> Flow {
        let mut sum = Flow::default();
        (0..states.len()).for_each(|at| sum += on_step(&states[..at], states[at]));
        sum
    }

    #[test]
    fn a_message_that_fails_and_then_arrives_is_counted_once_in_each_column() {
        let made = Flow { made: 1, ..Flow::default() };
        let sent = Flow { sent: 1, ..made };
        assert_eq!(told(&[Queued, Unknown, Queued]), made);
        assert_eq!(told(&[Queued, Accepted]), Flow { pending: 1, ..sent });
        assert_eq!(told(&[Queued, Queued, Accepted, Delivered]), Flow { delivered: 1, ..sent });
        let late = Flow { no_receipt: 1, delivered: 1, ..sent };
        assert_eq!(told(&[Queued, Accepted, Expired, Delivered]), late);
        assert_eq!(told(&[Queued, Accepted, Undelivered, Delivered]), Flow { undelivered: 1, delivered: 1, ..sent });
        assert_eq!(told(&[Queued, Failed, Delivered]), Flow { failed: 1, delivered: 1, ..made });
        assert_eq!(told(&[Queued, Dropped]), Flow { dropped: 1, ..made });
    }

    proptest! {
        #[test]
        fn a_message_waits_or_has_left_in_one_way_whatever_happens(
            states in prop::collection::vec(prop::sample::select(MessageState::ALL), 1..8)
        ) {
            let flow = told(&states);
            prop_assert_eq!(flow.made, 1);
            prop_assert_eq!(flow.growth(), i64::from(states.iter().all(|state| state.is_waiting())));
            prop_assert_eq!(flow.pending, i64::from(states.last() == Some(&Accepted)));
            prop_assert!(flow.each().iter().all(|count| (0..=1).contains(count)));
        }
    }
}
