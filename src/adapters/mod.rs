//! The outside world: gateways for text messages and mail, the photo store, reading and writing spreadsheets, password hashing.

pub mod hasher;
pub mod mail;
pub mod outfile;
pub mod photos;
pub mod registry_export;
pub mod sms;
pub mod spreadsheet;

/// Why a message did not leave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It has not left and may go through later: the gateway refused the connection, or said so.
    #[error("{0}")]
    Retry(String),
    /// It may have left or not: the connection was lost, or no answer came in time.
    #[error("{0}")]
    Unknown(String),
    /// It never will: the number or the address is not accepted.
    #[error("{0}")]
    Permanent(String),
    /// It must not leave any more.
    #[error("no longer needed")]
    NotNeeded,
}
