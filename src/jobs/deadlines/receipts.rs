//! A gateway that promised to tell what became of a message, and did not.

use super::Sweep;
use crate::db::{DbError, deliveries};

impl Sweep<'_> {
    /// Messages whose receipt did not come in time; returns how many.
    pub fn expire_receipts(&self) -> Result<usize, DbError> {
        self.batches(
            |conn| Ok(deliveries::unreceipted(conn, self.batch, self.now)?),
            |conn, _, message| Ok(deliveries::expire(conn, message, self.now)?),
        )
    }
}
