//! Time and identity, injected: the protocol takes both from here, so a simulation can own them.

use uuid::Uuid;

use crate::{EventId, Timestamp};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Makes event ids for clients that name none.
pub trait Ids: Send + Sync {
    /// An id nobody has used.
    fn event_id(&self) -> EventId;
}

/// The machine's clock and UUIDs of version 7.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Clock for System {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    fn now(&self) -> Timestamp {
        Timestamp::from(time::OffsetDateTime::now_utc())
    }
}

impl Ids for System {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for randomness")]
    fn event_id(&self) -> EventId {
        EventId::from(Uuid::now_v7())
    }
}
