//! Keeps the tallies that reports read close behind the work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::db::tallies;
use crate::startup::Parts;

/// Looks every ten seconds for something to tally, until `leaving` turns true. Blocks.
pub fn run(parts: &Arc<Parts>, leaving: &AtomicBool) {
    const REST: Duration = Duration::from_millis(200);
    const LOOKS: u32 = 50;
    let mut rested = LOOKS;
    while !leaving.load(Ordering::Relaxed) {
        if rested >= LOOKS {
            rested = 0;
            if let Err(error) = tallies::tally_all(&parts.db) {
                tracing::error!("tallies: {error}");
            }
        }
        rested += 1;
        std::thread::sleep(REST);
    }
}
