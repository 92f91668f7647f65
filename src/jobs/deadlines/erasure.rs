//! The personal data of a declaration that was removed is erased after the retention period; number, dates and agency stay for
//! counting (the guide, section 3).

use super::Sweep;
use crate::db::{DbError, deadlines};
use crate::domain::event::EventKind;

impl Sweep<'_> {
    /// Erases what is old enough. Returns how many declarations.
    ///
    /// Picture files go before the rows that name them: a process that dies in between leaves the names of files that are gone,
    /// and the next sweep goes on. The other way round it would leave a face that nobody finds any more.
    pub fn erase(&self) -> anyhow::Result<usize> {
        let until = self.now - self.parts.config.retention;
        self.batches(
            |conn| {
                let ids = deadlines::to_erase(conn, until, self.batch).map_err(DbError::from)?;
                for picture in deadlines::pictures_to_erase(conn, &ids, until).map_err(DbError::from)? {
                    self.parts.photos.remove(&picture)?;
                }
                Ok::<_, anyhow::Error>(ids)
            },
            |conn, _, id| {
                let erased = deadlines::erase(conn, id, self.now)?;
                if erased {
                    self.note(conn, (Some(id), None), EventKind::Erased, (None, None))?;
                }
                Ok(erased)
            },
        )
    }
}
