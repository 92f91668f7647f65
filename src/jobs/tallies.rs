//! Keeps the sums that reports read close behind the work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::clock;
use crate::db::{Db, DbError, account_changes, coverage, message_tallies, tallies};
use crate::domain::dates::to_hanoi;
use crate::startup::Parts;

/// Looks every ten seconds for something to tally, until `leaving` turns true. Blocks.
pub fn run(parts: &Arc<Parts>, leaving: &AtomicBool) {
    const REST: Duration = Duration::from_millis(200);
    const LOOKS: u32 = 50;
    let mut rested = LOOKS;
    while !leaving.load(Ordering::Relaxed) {
        if rested >= LOOKS {
            rested = 0;
            if let Err(error) = tally(&parts.db) {
                tracing::error!("tallies: {error}");
            }
        }
        rested += 1;
        std::thread::sleep(REST);
    }
}

/// Tallies what is new of the queues and the accounts, and counts the people of a registry that has changed. Blocks.
///
/// # Errors
/// The database failed.
pub fn tally(db: &Db) -> Result<(), DbError> {
    tallies::tally_all(db)?;
    message_tallies::tally_all(db)?;
    account_changes::tally_all(db)?;
    coverage::count_if_changed(db, to_hanoi(clock::now()).date())?;
    Ok(())
}
