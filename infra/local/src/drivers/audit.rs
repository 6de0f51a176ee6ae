//! Runs the audit function on its schedule.

use std::time::Duration;

use booking_store::ports::Stores;

use super::{Stop, invoke};

/// The driver.
pub struct AuditDriver {
    every: Duration,
    stores: Stores,
}

impl AuditDriver {
    /// Audits with these stores, for the first time after `every`.
    pub fn new(every: Duration, stores: Stores) -> Self {
        Self { every, stores }
    }

    /// Runs until asked to stop.
    pub async fn run(self, mut stop: Stop) {
        loop {
            stop.pause(self.every, std::future::pending()).await;
            if stop.requested() {
                return;
            }
            let stores = self.stores.clone();
            // The function logs what it finds.
            let _ = invoke("audit", async move { audit::handle(&stores, None).await }).await;
        }
    }
}
