//! How many results a list has, remembered for a moment: counting ten thousand rows costs more than showing twenty-five.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How old a count may be. What this process changes itself is seen at once; what another one changes, after this time.
const FRESH: Duration = Duration::from_secs(5);

/// How many different filters are remembered.
const CAPACITY: usize = 500;

/// Found, and late.
pub type Pair = (i64, i64);

#[derive(Default)]
pub struct Counts(Mutex<HashMap<String, (Instant, Pair)>>);

impl Counts {
    pub fn get(&self, key: &str) -> Option<Pair> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(key).filter(|(at, _)| at.elapsed() < FRESH).map(|(_, pair)| *pair)
    }

    pub fn put(&self, key: String, pair: Pair) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= CAPACITY {
            counts.clear();
        }
        counts.insert(key, (Instant::now(), pair));
    }

    /// To be called after every change to an application.
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
