//! Walks over the accounts of invitations that a supervisor confirmed, and queues a message for each. A batch is one
//! transaction with the place in the walk, so that a process that dies neither leaves anybody out nor invites anybody twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::NaiveDateTime;

use crate::clock;
use crate::db::{DbError, invitations};
use crate::startup::Parts;

/// How many people one transaction invites: few enough that no officer waits for it.
const BATCH: i64 = 100;

/// Queues the next messages of each invitation that is under way; returns how many.
pub fn step(parts: &Parts, now: NaiveDateTime) -> Result<usize, DbError> {
    let mut queued = 0;
    for walk in parts.db.read(|conn| Ok::<_, DbError>(invitations::open(conn)?))? {
        let gone_on = parts.db.write(|conn| Ok::<_, DbError>(invitations::go_on(conn, walk, BATCH, now)?))?;
        queued += gone_on.unwrap_or(0);
    }
    Ok(queued)
}

/// Looks every two seconds for something to do, until `leaving` turns true. Blocks.
pub fn run(parts: &Arc<Parts>, leaving: &AtomicBool) {
    const REST: Duration = Duration::from_millis(200);
    const LOOKS: u32 = 10;
    let mut rested = LOOKS;
    while !leaving.load(Ordering::Relaxed) {
        if rested >= LOOKS {
            match step(parts, clock::now()) {
                // Others write too.
                Ok(queued) => rested = if queued == 0 { 0 } else { LOOKS - 1 },
                Err(error) => {
                    tracing::error!("invitations: {error}");
                    rested = 0;
                }
            }
        }
        rested += 1;
        std::thread::sleep(REST);
    }
}
