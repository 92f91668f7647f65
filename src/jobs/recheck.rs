//! After the registry changed: applications that waited for their code go back before their officers.

use chrono::NaiveDateTime;

use crate::db::decisions::evidence;
use crate::db::events::NewEvent;
use crate::db::{Db, DbError, applications, events};
use crate::domain::assessment::recheck;
use crate::domain::event::EventKind;
use crate::domain::ids::ApplicationId;
use crate::domain::permission::Scope;

/// How many applications one transaction moves.
const BATCH: i64 = 200;

/// Asks the registry again for every waiting application; returns how many went back to their officers. Stopping in the
/// middle loses nothing: what was not reached is still waiting and is found by the next run. Blocks.
pub fn run(db: &Db, now: NaiveDateTime) -> Result<usize, DbError> {
    let mut last = ApplicationId(0);
    let mut found = 0;
    loop {
        let ids = db.read(|conn| Ok::<_, DbError>(applications::awaiting_codes(conn, last, BATCH)?))?;
        let Some(end) = ids.last().copied() else {
            return Ok(found);
        };
        found += db.write(|conn| -> Result<usize, DbError> {
            let mut moved = 0;
            for id in ids {
                let Some(application) = applications::find(conn, Scope::Country, id)? else { continue };
                let evidence = evidence(conn, application)?;
                let Ok(Some(status)) = recheck(&evidence) else { continue };
                if applications::set_status(conn, id, evidence.application.version, status, None)? == 1 {
                    moved += 1;
                    events::add(
                        conn,
                        &NewEvent {
                            application: Some(id),
                            account: None,
                            staff: None,
                            kind: EventKind::RegistryFound,
                            at: now,
                            address: None,
                            before: None,
                            after: None,
                        },
                    )?;
                }
            }
            Ok(moved)
        })?;
        last = end;
    }
}
