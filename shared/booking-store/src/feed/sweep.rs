//! Sweep: feed what no image of the stream will bring any more.
//!
//! The stream keeps a record for 24 hours, and Lambda gives one up after so many tries. A booking whose last image is lost
//! that way stays out of the feed until its next one. A sweep makes that good: it looks at every booking and ingests its
//! head, which is all that an image says. Harmless at any time and as often as wanted, beside the stream too.

use std::collections::BTreeMap;

use futures::future::try_join_all;

use crate::clock::Clock;
use crate::failure::StoreFailure;
use crate::feed::ingest::ingest;
use crate::feed::{FeedLog, Partition};
use crate::limits::FEED_SWEEP_PAGE;
use crate::ports::Cursor;
use crate::replays::Bookings;
use crate::{BookingCode, Timestamp, Version};

/// How far a sweep has got.
#[derive(Debug, Default)]
pub struct Swept {
    /// Bookings looked at.
    pub bookings: u64,
    /// Events that were not in the feed and now are.
    pub appended: u64,
    /// Where to go on; none if every booking has been looked at.
    pub next: Option<Cursor>,
    /// Why it has stopped before the deadline.
    pub failure: Option<StoreFailure>,
}

/// What a sweep works with.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// All bookings.
    pub bookings: &'a dyn Bookings,
    /// The feed's log.
    pub log: &'a dyn FeedLog,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// Ingests the heads of the bookings behind `after`, page by page, until their end, a failure or `deadline`; one page at
/// least.
pub async fn sweep(ports: Ports<'_>, after: Option<Cursor>, deadline: Timestamp) -> Swept {
    let mut swept = Swept { next: after, ..Swept::default() };
    loop {
        match page(ports, &mut swept).await {
            Ok(next) => swept.next = next,
            Err(failure) => {
                swept.failure = Some(failure);
                return swept;
            }
        }
        if swept.next.is_none() || ports.clock.now() >= deadline {
            return swept;
        }
    }
}

/// Ingests one page, and says where the next one begins.
async fn page(ports: Ports<'_>, swept: &mut Swept) -> Result<Option<Cursor>, StoreFailure> {
    let page = ports.bookings.page(swept.next.as_ref(), FEED_SWEEP_PAGE).await?;
    let mut partitions: BTreeMap<Partition, Vec<(BookingCode, Version)>> = BTreeMap::new();
    let bookings = page.bookings.len() as u64;
    for booking in page.bookings {
        let partition = Partition::of(&booking.booking_code);
        partitions.entry(partition).or_default().push((booking.booking_code, booking.head));
    }
    let ingested = partitions.iter().map(|(partition, heads)| ingest(ports.log, *partition, heads));
    swept.appended += try_join_all(ingested).await?.into_iter().sum::<u64>();
    swept.bookings += bookings;
    Ok(page.next)
}
