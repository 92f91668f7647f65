//! What happens without anybody pressing a button. Each step is a function that a test can call with a clock of its own;
//! [`run`] only repeats them.

pub mod deadlines;
pub mod import;
pub mod outbox;
pub mod recheck;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock;
use crate::startup::Parts;

/// Runs all jobs until `stop` turns true, then finishes what is under way.
pub async fn run(parts: Arc<Parts>, mut stop: watch::Receiver<bool>) {
    let leaving = Arc::new(AtomicBool::new(false));
    let beside = |job: fn(&Arc<Parts>, &AtomicBool)| {
        let (parts, leaving) = (Arc::clone(&parts), Arc::clone(&leaving));
        tokio::task::spawn_blocking(move || job(&parts, &leaving))
    };
    let (imports, deadlines) = (beside(import::run), beside(deadlines::run));
    let mut until_sweep = 0;
    while !*stop.borrow() {
        let busy = match outbox::step(&parts, clock::now()).await {
            Ok(handled) => handled > 0,
            Err(error) => {
                tracing::error!("outbox: {error:#}");
                false
            }
        };
        if until_sweep == 0 {
            sweep_sessions(&parts).await;
            until_sweep = 600;
        }
        if !busy {
            until_sweep -= 1;
            tokio::select! {
                _ = stop.changed() => {}
                () = tokio::time::sleep(Duration::from_millis(500)) => {}
            }
        }
    }
    leaving.store(true, Ordering::Relaxed);
    for (job, ended) in [("imports", imports.await), ("deadlines", deadlines.await)] {
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
