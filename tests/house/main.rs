//! The house itself: the template says what the code believes, and the source keeps its own rules.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where it fails")]

mod template;
mod tidy;

use std::path::PathBuf;

/// The workspace's root.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
