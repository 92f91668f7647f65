//! `file:DIR` as a gateway: one readable file per message, for trying the system out. The file's name is made from the
//! message's idempotency key, so that a message sent twice after a crash is one file.

use std::path::Path;

use super::Answer;
use crate::config::{private_folder, write_private};
use crate::domain::delivery::{Cause, Gateway, Outcome};

/// Writes the message whole or not at all.
pub fn deliver(by: Gateway, folder: &Path, name: &str, content: &[u8]) -> Answer {
    let write = || -> std::io::Result<()> {
        private_folder(folder)?;
        let temporary = folder.join(format!(".{name}.tmp"));
        write_private(&temporary, content)?;
        std::fs::rename(&temporary, folder.join(name))
    };
    match write() {
        Ok(()) => Answer { outcome: Outcome::Accepted { by, receipt: false }, said: None },
        Err(error) => {
            Answer::new(Outcome::NotSent(Cause::Own), format!("cannot write into {}: {error}", folder.display()))
        }
    }
}
