//! A gateway that fails again and again is left alone for a while, when there is another one.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::delivery::Outcome;

/// So many failures in a row…
const FAILURES: u32 = 5;
/// … and for so long nothing goes there. Then one message tries.
const PAUSE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    failures: u32,
    shut_until: Option<Instant>,
}

impl Breaker {
    /// Whether a message may go there now. After the pause the first one may, and the others wait for what it finds.
    pub fn lets_through(&self, now: Instant) -> bool {
        let mut state = self.state();
        match state.shut_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                state.shut_until = Some(now + PAUSE);
                true
            }
        }
    }

    pub fn is_shut(&self, now: Instant) -> bool {
        self.state().shut_until.is_some_and(|until| now < until)
    }

    /// Learns how a message fared. A refused one was answered: the gateway works.
    pub fn note(&self, outcome: Outcome, now: Instant) {
        let mut state = self.state();
        if matches!(outcome, Outcome::NotSent(_) | Outcome::MaybeSent(_)) {
            state.failures = state.failures.saturating_add(1);
            if state.failures >= FAILURES {
                state.shut_until = Some(now + PAUSE);
            }
        } else {
            *state = State::default();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery::{Cause, Gateway};

    #[test]
    fn five_failures_in_a_row_shut_it_for_a_minute_and_then_one_message_tries() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let (failed, worked) =
            (Outcome::MaybeSent(Cause::NoAnswer), Outcome::Accepted { by: Gateway::Sms, receipt: false });
        let breaker = Breaker::default();
        for outcome in [failed, failed, failed, failed, worked, failed, failed, failed, failed] {
            breaker.note(outcome, start);
        }
        assert!(breaker.lets_through(start), "never five in a row");
        breaker.note(Outcome::NotSent(Cause::Unreachable), start);
        assert!(breaker.is_shut(at(59)) && !breaker.lets_through(at(59)));
        assert!(!breaker.is_shut(at(60)));
        assert!(breaker.lets_through(at(60)), "one tries");
        assert!(!breaker.lets_through(at(60)), "the others wait for it");
        breaker.note(failed, at(61));
        assert!(!breaker.lets_through(at(120)));
        assert!(breaker.lets_through(at(121)));
        breaker.note(Outcome::Never(Cause::BadRecipient), at(122));
        assert!(breaker.lets_through(at(122)), "it answers again");
    }
}
