//! Logs: one JSON line an event, fields at the top level, the level by `RUST_LOG` (`info` if it says nothing).

use tracing_subscriber::EnvFilter;

/// Starts logging. A second call does nothing.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let json = tracing_subscriber::fmt().json().flatten_event(true).with_current_span(false).with_span_list(false);
    // Lambda's own log already carries the time of each line; ours is part of the record.
    let started = json.with_env_filter(filter).with_target(false).try_init();
    drop(started);
}
