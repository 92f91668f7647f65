//! Logging to standard error: ids, never names, codes, telephones or passwords.

use tracing::level_filters::LevelFilter;

/// Sets logging up, once. `TNHS_LOG` may be `error`, `warn`, `info` (the default) or `debug`.
pub fn init() {
    let level = std::env::var("TNHS_LOG").ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let format = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_target(false);
    // A second call, as in tests, keeps the first.
    let _ = format.try_init();
}
