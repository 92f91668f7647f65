//! How many messages a second a gateway takes. They leave at even distances: whoever comes takes the next turn.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub struct Pace {
    /// Zero: as many as there are.
    gap: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    pub fn new(per_second: Option<NonZeroU32>, now: Instant) -> Self {
        let gap = per_second.map_or(Duration::ZERO, |rate| Duration::from_secs(1) / rate.get());
        Self { gap, next: Mutex::new(now) }
    }

    /// Takes the next turn: how long it is until then.
    pub fn take(&self, now: Instant) -> Duration {
        let mut next = self.next();
        let turn = (*next).max(now);
        *next = turn + self.gap;
        turn - now
    }

    /// How many messages that came now would have their turn within this time.
    pub fn room(&self, within: Duration, now: Instant) -> usize {
        let gap = self.gap.as_nanos();
        if gap == 0 {
            return usize::MAX;
        }
        let (first, end) = ((*self.next()).max(now), now + within);
        end.checked_duration_since(first)
            .map_or(0, |free| usize::try_from(free.as_nanos() / gap + 1).unwrap_or(usize::MAX))
    }

    fn next(&self) -> MutexGuard<'_, Instant> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_leave_at_even_distances_and_a_pause_is_no_credit() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let pace = Pace::new(NonZeroU32::new(4), start);
        let waits: Vec<_> = (0..4).map(|_| pace.take(at(0)).as_millis()).collect();
        assert_eq!(waits, [0, 250, 500, 750]);
        assert_eq!(pace.room(Duration::from_millis(999), at(0)), 0);
        assert_eq!(pace.room(Duration::from_secs(1), at(0)), 1);
        assert_eq!(pace.room(Duration::from_secs(2), at(0)), 5);
        assert_eq!(pace.take(at(10_000)).as_millis(), 0);
        assert_eq!(pace.take(at(10_000)).as_millis(), 250);

        let unlimited = Pace::new(None, start);
        assert_eq!((unlimited.take(start), unlimited.take(start)), (Duration::ZERO, Duration::ZERO));
        assert_eq!(unlimited.room(Duration::ZERO, start), usize::MAX);
    }
}
