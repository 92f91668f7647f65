//! `file:DIR` as a gateway: one readable file per message, for trying the system out. The file's name is made from the
//! message's idempotency key, so that a message sent twice after a crash is one file.

use std::path::Path;

use super::SendError;
use crate::config::{private_folder, write_private};

/// Writes the message whole or not at all.
pub fn deliver(folder: &Path, name: &str, content: &str) -> Result<(), SendError> {
    let write = || -> std::io::Result<()> {
        private_folder(folder)?;
        let temporary = folder.join(format!(".{name}.tmp"));
        write_private(&temporary, content.as_bytes())?;
        std::fs::rename(&temporary, folder.join(name))
    };
    write().map_err(|error| SendError::Retry(format!("cannot write into {}: {error}", folder.display())))
}
