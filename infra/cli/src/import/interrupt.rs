//! Ctrl-C (and SIGTERM): the first lets what is in flight finish, the second ends at once.
//!
//! Either is safe: what is not in the journal is imported again with the same ids.

use tokio::sync::watch;

use crate::exit::Exit;

/// Turns true at the first interruption.
pub fn watch() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        if !interrupted().await {
            return;
        }
        eprintln!("\ninterrupted: finishing the bookings in flight; interrupt again to stop at once");
        if sender.send(true).is_ok() && interrupted().await {
            std::process::exit(Exit::Interrupted as i32);
        }
    });
    receiver
}

#[cfg(unix)]
async fn interrupted() -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            ctrl_c = tokio::signal::ctrl_c() => ctrl_c.is_ok(),
            _ = terminate.recv() => true,
        },
        Err(_) => tokio::signal::ctrl_c().await.is_ok(),
    }
}

#[cfg(not(unix))]
async fn interrupted() -> bool {
    tokio::signal::ctrl_c().await.is_ok()
}
