//! Keeps the tallies that reports read close behind the work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::db::{message_tallies, tallies};
use crate::startup::Parts;

/// Looks every ten seconds for something to tally, until `leaving` turns true. Blocks.
pub fn run(parts: &Arc<Parts>, leaving: &AtomicBool) {
    const REST: Duration = Duration::from_millis(200);
    const LOOKS: u32 = 50;
    let mut rested = LOOKS;
    while !leaving.load(Ordering::Relaxed) {
        if rested >= LOOKS {
            rested = 0;
            let tallied = tallies::tally_all(&parts.db).and_then(|_| message_tallies::tally_all(&parts.db));
            if let Err(error) = tallied {
                tracing::error!("tallies: {error}");
            }
        }
        rested += 1;
        std::thread::sleep(REST);
    }
}
