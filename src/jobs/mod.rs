//! What happens without anybody pressing a button. Each step is a function that a test can call with a clock of its own;
//! [`run`] only repeats them.

pub mod deadlines;
pub mod exports;
pub mod import;
pub mod invitations;
pub mod outbox;
pub mod recheck;
pub mod subscriptions;
pub mod tallies;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock;
use crate::domain::outbox::MessageChannel;
use crate::startup::Parts;

/// How often sessions that have run out are removed.
const SESSIONS_EVERY: Duration = Duration::from_secs(300);

/// Runs all jobs until `stop` turns true, then finishes what is under way.
pub async fn run(parts: Arc<Parts>, mut stop: watch::Receiver<bool>) {
    let leaving = Arc::new(AtomicBool::new(false));
    let beside = |job: fn(&Arc<Parts>, &AtomicBool)| {
        let (parts, leaving) = (Arc::clone(&parts), Arc::clone(&leaving));
        tokio::task::spawn_blocking(move || job(&parts, &leaving))
    };
    let (imports, deadlines, invitations, tallies) =
        (beside(import::run), beside(deadlines::run), beside(invitations::run), beside(tallies::run));
    let exports = beside(exports::run);
    let sms = outbox::run(Arc::clone(&parts), MessageChannel::Sms, stop.clone());
    let mail = outbox::run(Arc::clone(&parts), MessageChannel::Email, stop.clone());
    let subscriptions = subscriptions::run(Arc::clone(&parts), stop.clone());
    let sessions = async {
        while !*stop.borrow() {
            sweep_sessions(&parts).await;
            tokio::select! {
                _ = stop.changed() => {}
                () = tokio::time::sleep(SESSIONS_EVERY) => {}
            }
        }
        // The threads hear of it at once, not after the outbox is empty.
        leaving.store(true, Ordering::Relaxed);
    };
    tokio::join!(sms, mail, subscriptions, sessions);
    for (job, ended) in [
        ("imports", imports.await),
        ("deadlines", deadlines.await),
        ("invitations", invitations.await),
        ("tallies", tallies.await),
        ("exports", exports.await),
    ] {
        if let Err(error) = ended {
            tracing::error!("{job}: {error}");
        }
    }
}

async fn sweep_sessions(parts: &Arc<Parts>) {
    let (db, idle, max) = (parts.db.clone(), parts.config.session_idle, parts.config.session_max);
    let now = clock::now();
    let swept = tokio::task::spawn_blocking(move || {
        db.write(|conn| Ok::<_, crate::db::DbError>(crate::db::sessions::sweep(conn, now - idle, now - max)?))
    });
    match swept.await {
        Ok(Ok(0)) => {}
        Ok(Ok(ended)) => tracing::info!(ended, "sessions that had run out were removed"),
        Ok(Err(error)) => tracing::error!("sessions: {error}"),
        Err(error) => tracing::error!("sessions: {error}"),
    }
}
