//! The figures of one office and period, and the identity that holds between them.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

/// What entered and left the queue in a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub filed: i64,
    pub reopened: i64,
    pub moved_in: i64,
    pub moved_out: i64,
    pub approved: i64,
    pub rejected: i64,
    /// Removed because nobody came within ten days.
    pub expired: i64,
    /// Of those approved or rejected: after their deadline.
    pub late: i64,
}

impl Counts {
    /// *Tiếp nhận trong kỳ*: what was filed, reopened or moved here, less what was moved away. Of a province or the country moves
    /// within cancel each other out; of a single office the figure can be negative.
    pub fn received(&self) -> i64 {
        self.filed + self.reopened + self.moved_in - self.moved_out
    }

    pub fn decided(&self) -> i64 {
        self.approved + self.rejected
    }

    pub fn on_time(&self) -> i64 {
        self.decided() - self.late
    }

    /// *Tỷ lệ*: how many of the decisions were in time, 0 to 1; none without decisions.
    pub fn rate_on_time(&self) -> Option<f64> {
        ratio(self.on_time(), self.decided())
    }

    /// By how much the queue grew.
    pub fn growth(&self) -> i64 {
        self.received() - self.decided() - self.expired
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A share, 0 to 1 and above; none of nothing.
#[expect(clippy::cast_precision_loss, reason = "no office counts to 2^53")]
pub fn ratio(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.filed += other.filed;
        self.reopened += other.reopened;
        self.moved_in += other.moved_in;
        self.moved_out += other.moved_out;
        self.approved += other.approved;
        self.rejected += other.rejected;
        self.expired += other.expired;
        self.late += other.late;
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

/// A period of one office, with what waited before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// *Tồn đầu kỳ*.
    pub opening: i64,
    pub counts: Counts,
}

impl Balance {
    /// *Tồn cuối kỳ*. Opening + received = decided + expired + closing.
    pub fn closing(&self) -> i64 {
        self.opening + self.counts.growth()
    }

    pub fn is_empty(&self) -> bool {
        self.opening == 0 && self.counts.is_empty()
    }
}

impl AddAssign for Balance {
    fn add_assign(&mut self, other: Self) {
        self.opening += other.opening;
        self.counts += other.counts;
    }
}
