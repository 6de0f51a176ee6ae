//! The event sources: what Lambda's pollers and EventBridge's scheduler do for the functions.
//!
//! Each driver reads its source, makes the event a deployed function would receive, calls the function's own handler
//! and heeds the answer. It stops between two batches.

mod audit;
mod checkpoint;
mod deliver;
mod queue;
mod retries;
mod sqs_event;
mod stream;
mod stream_event;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

pub use audit::AuditDriver;
pub use checkpoint::{Checkpoint, failed_batches};
pub use deliver::DeliverDriver;
pub use queue::{QueueDriver, QueueFunction};
pub use stream::{Stream, StreamDriver, StreamFunction};

/// How long a function may go on when everything stops. What it has not done comes again after the next start, as after
/// a crash.
const GRACE: Duration = Duration::from_secs(3);

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
    async fn pause(&mut self, longest: Duration, wake: impl Future<Output = ()>) {
        let either = async {
            tokio::select! { () = self.wait() => {}, () = wake => {} }
        };
        // Whatever ended it, the driver looks again.
        drop(timeout(longest, either).await);
    }
}

/// Calls the readers of a stream. Clones call the same ones.
#[derive(Clone, Debug)]
pub struct Wake(Arc<watch::Sender<()>>);

/// Hears a [`Wake`], also one that was called while nobody listened.
#[derive(Debug)]
pub struct Listener(watch::Receiver<()>);

impl Default for Wake {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(())))
    }
}

impl Wake {
    /// Calls.
    pub fn call(&self) {
        self.0.send_replace(());
    }

    /// Hears every call from now on.
    pub fn listener(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

impl Listener {
    async fn called(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody will ever call again.
            std::future::pending().await
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

/// The same for a driver: it ends with the driver, at its time-out, and soon after everything is to stop.
async fn invoke_until<T: Send + 'static>(
    name: &str,
    longest: Duration,
    stop: &mut Stop,
    function: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    // Whoever drops the set breaks off the task.
    let mut task = JoinSet::new();
    task.spawn(function);
    let stopped = async {
        stop.wait().await;
        drop(timeout(GRACE, std::future::pending::<()>()).await);
    };
    tokio::select! {
        ended = timeout(longest, task.join_next()) => match ended {
            Ok(Some(Ok(answer))) => Some(answer),
            Ok(Some(Err(crash))) => {
                tracing::error!(function = name, %crash, "function crashed");
                None
            }
            Ok(None) | Err(_) => {
                tracing::error!(function = name, "function timed out");
                None
            }
        },
        () = stopped => {
            tracing::info!(function = name, "function broken off");
            None
        }
    }
}
