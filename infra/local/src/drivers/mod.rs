//! The event sources: what Lambda's pollers and EventBridge's scheduler do for the functions.
//!
//! Each driver reads its source, makes the event a deployed function would receive, calls the function's own handler
//! and heeds the answer. It stops between two batches.

mod audit;
mod checkpoint;
mod drain;
mod publish;
mod retries;
mod sqs_event;
mod stream_event;

use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::timeout;

pub use audit::AuditDriver;
pub use checkpoint::Checkpoint;
pub use drain::DrainDriver;
pub use publish::PublishDriver;

/// Tells the drivers to stop.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// The other end of [`Stop`]. Dropping it stops them too.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

impl Stopper {
    /// A new pair.
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(receiver))
    }

    /// Asks everyone to stop.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Whether to stop now.
    pub fn requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Ends when asked to stop.
    pub async fn wait(&mut self) {
        // An error means that whoever could ask is gone, which is the same.
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    /// Waits for `longest`, for `wake`, or to be asked to stop.
    async fn pause(&mut self, longest: Duration, wake: Option<&Notify>) {
        let stopped = self.wait();
        match wake {
            // Whatever ended it, the driver looks again.
            Some(wake) => drop(
                timeout(longest, async {
                    tokio::select! { () = stopped => {}, () = wake.notified() => {} }
                })
                .await,
            ),
            None => drop(timeout(longest, stopped).await),
        }
    }
}

/// Runs a function as a task of its own: one that panics has failed and nothing else has.
pub(crate) async fn invoke<T: Send + 'static>(
    name: &str,
    function: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    match tokio::spawn(function).await {
        Ok(answer) => Some(answer),
        Err(crash) => {
            tracing::error!(function = name, %crash, "function crashed");
            None
        }
    }
}
