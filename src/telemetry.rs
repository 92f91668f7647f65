//! Logging to standard error: ids, never names, codes, telephones or passwords.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;

/// Sets logging up, once.
pub fn init(level: LevelFilter) {
    let stderr = std::io::stderr;
    let colours = stderr().is_terminal();
    let format =
        tracing_subscriber::fmt().with_max_level(level).with_writer(stderr).with_ansi(colours).with_target(false);
    // A second call, as in tests, keeps the first.
    let _ = format.try_init();
}
