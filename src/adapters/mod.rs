//! The outside world: gateways for text messages and mail, the photo store, reading and writing spreadsheets, password hashing.

pub mod hasher;
pub mod mail;
pub mod outfile;
pub mod pace;
pub mod photos;
pub mod registry_export;
pub mod report_file;
pub mod sms;
pub mod spreadsheet;

use crate::domain::delivery::Outcome;

/// What a gateway made of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub outcome: Outcome,
    /// What it said when it was not accepted: for who runs the server. It may hold a telephone, so it has no place in a log.
    pub said: Option<String>,
}

impl Answer {
    pub fn new(outcome: Outcome, said: impl Into<String>) -> Self {
        Self { outcome, said: Some(said.into()) }
    }
}
