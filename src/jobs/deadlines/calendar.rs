//! The days on which offices are closed were changed: every deadline that is counted in working days follows, also those that
//! the change itself did not reach, or that were computed at the same moment.

use std::sync::atomic::Ordering;

use super::Sweep;
use crate::db::{DbError, holidays};
use crate::domain::ids::ApplicationId;

impl Sweep<'_> {
    /// Returns how many deadlines moved. Costs one look when nothing was changed.
    pub fn follow_calendar(&self) -> Result<usize, DbError> {
        let db = &self.parts.db;
        let Some(revision) = db.read(|conn| Ok::<_, DbError>(holidays::unfollowed(conn)?))? else { return Ok(0) };
        let (mut moved, mut last) = (0, ApplicationId(0));
        while !self.leaving.load(Ordering::Relaxed) {
            let waiting = db.read(|conn| Ok::<_, DbError>(holidays::waiting_after(conn, last, self.batch)?))?;
            let Some(end) = waiting.last().map(|waiting| waiting.id) else {
                db.write(|conn| Ok::<_, DbError>(holidays::set_followed(conn, &revision)?))?;
                break;
            };
            moved += db.write(|conn| Ok::<_, DbError>(holidays::follow(conn, &waiting)?))?;
            last = end;
        }
        Ok(moved)
    }
}
