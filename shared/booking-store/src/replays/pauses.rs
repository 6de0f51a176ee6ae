//! Waiting on the machine's clock.

use std::time::Duration;

use async_trait::async_trait;

use super::ports::Pauses;
use crate::Timestamp;
use crate::clock::{Clock, System};

/// Waits as long as it takes by the machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemPauses;

#[async_trait]
impl Pauses for SystemPauses {
    #[expect(clippy::disallowed_methods, reason = "the one place where a replay waits for its rate")]
    async fn until(&self, moment: Timestamp) {
        let left = moment.unix_milliseconds() - System.now().unix_milliseconds();
        if let Ok(left @ 1..) = u64::try_from(left) {
            tokio::time::sleep(Duration::from_millis(left)).await;
        }
    }
}
