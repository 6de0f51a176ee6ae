//! A booking that a replay has begun with, or is about to, and has not ended.

use serde::{Deserialize, Serialize};

use super::ports::Listed;
use crate::{BookingCode, Timestamp, Version};

/// Where a replay stands in one booking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// The booking.
    pub booking_code: BookingCode,
    /// The next version to look at; everything selected below it was sent.
    pub next: Version,
    /// The last version to look at: the booking's head when it was listed, so that a booking which grows faster than it
    /// is sent ends all the same. Unknown until a booking named by its code is looked at.
    pub up_to: Option<Version>,
    /// When the version before `next` counts as accepted.
    pub accepted_at: Option<Timestamp>,
    /// Times in a row it was tried in vain.
    pub attempts: u32,
    /// Not to be tried before.
    pub retry_at: Option<Timestamp>,
}

impl Open {
    /// A booking named by its code.
    pub fn named(booking_code: BookingCode) -> Self {
        Self { booking_code, next: Version::FIRST, up_to: None, accepted_at: None, attempts: 0, retry_at: None }
    }

    /// A booking that a scan has shown.
    pub fn listed(listed: Listed) -> Self {
        Self { up_to: Some(listed.head), ..Self::named(listed.booking_code) }
    }

    /// Whether it may be tried now.
    pub(super) fn is_ready(&self, now: Timestamp) -> bool {
        self.retry_at.is_none_or(|at| at <= now)
    }
}
