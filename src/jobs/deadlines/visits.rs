//! Ten days for coming to an office with the signed form (the guide, section 3): reminders on the way, removal at the end.

use super::Sweep;
use crate::db::decisions::Recorded;
use crate::db::{DbError, applications, deadlines, messages, stays};
use crate::domain::application::Status;
use crate::domain::deadline::{awaits_visit, is_removed, reminders_due, removed_at};
use crate::domain::event::EventKind;
use crate::domain::permission::Scope;
use crate::domain::report::Left;
use crate::domain::{outbox, to_json};

impl Sweep<'_> {
    /// Removes declarations whose person did not come. Returns how many.
    pub fn expire(&self) -> Result<usize, DbError> {
        self.batches(
            |conn| Ok(deadlines::overdue(conn, self.now, self.batch)?),
            |conn, _, id| {
                let Some(application) = applications::find(conn, Scope::Country, id)? else { return Ok(false) };
                if !is_removed(&application, self.now) || !deadlines::expire(conn, &application)? {
                    return Ok(false);
                }
                stays::leave(conn, id, Left::Expired, self.now, None)?;
                deadlines::drop_waiting_reminders(conn, id, self.now)?;
                let status = |status| Some(to_json(&Recorded { status, ..Recorded::default() }));
                let change = (status(application.status), status(Status::Expired));
                self.note(conn, (Some(id), None), EventKind::Expired, change)?;
                Ok(true)
            },
        )
    }

    /// Reminds those who have not come, on the seventh and on the ninth day. Whoever was due twice while no worker ran is
    /// reminded once. Returns how many were.
    pub fn remind(&self) -> Result<usize, DbError> {
        self.batches(
            |conn| Ok(deadlines::unreminded(conn, self.now, self.batch)?),
            |conn, texts, id| {
                let Some(application) = applications::find(conn, Scope::Country, id)? else { return Ok(false) };
                let nth = reminders_due(application.submitted_at, self.now);
                if !awaits_visit(&application) || !deadlines::set_reminded(conn, id, nth)? {
                    return Ok(false);
                }
                let draft = outbox::reminder(texts, &application, removed_at(application.submitted_at));
                let key = format!("{id}-reminder-{nth}");
                messages::queue(
                    conn,
                    messages::Occasion { application: id, staff: None, key: &key, at: self.now },
                    &draft,
                )?;
                self.note(conn, (Some(id), None), EventKind::Reminded, (None, None))?;
                Ok(true)
            },
        )
    }
}
