//! Audit: find what neither the stream nor the queue has settled, report it and queue it again.
//!
//! Beyond the stream's 24 hours and the queue's 14 days this is what heals; finding anything is an alarm.

use futures::future::join_all;

use crate::failure::StoreFailure;
use crate::limits::{AUDIT_LISTED_FINDINGS, AUDIT_MIN_AGE, AUDIT_SEGMENTS};
use crate::ports::{Cursor, StalePage, Stores};
use crate::queue_message::QueueMessage;
use crate::{BookingCode, Timestamp};

/// What an audit found.
#[derive(Debug, Default)]
pub struct Report {
    /// Bookings with an event pending for longer than an hour.
    pub stale: u64,
    /// Those that were handed to the queue again.
    pub requeued: u64,
    /// Some of their codes.
    pub booking_codes: Vec<BookingCode>,
    /// Whether the whole table was looked at and every finding queued.
    pub complete: bool,
    /// Why not; some of the reasons.
    pub failures: Vec<StoreFailure>,
}

impl Report {
    /// Lists no more than is worth reading; all are counted.
    fn shorten(&mut self) {
        self.booking_codes.truncate(AUDIT_LISTED_FINDINGS);
        self.failures.truncate(AUDIT_LISTED_FINDINGS);
    }
}

/// Looks at the whole reservations table, in parallel segments, until `deadline`.
pub async fn audit(stores: &Stores, deadline: Timestamp) -> Report {
    let before = stores.clock.now().before(AUDIT_MIN_AGE);
    let segments = (0..AUDIT_SEGMENTS).map(|segment| audit_segment(stores, before, segment, deadline));
    let mut report = Report { complete: true, ..Report::default() };
    for segment in join_all(segments).await {
        report.stale += segment.stale;
        report.requeued += segment.requeued;
        report.booking_codes.extend(segment.booking_codes);
        report.complete &= segment.complete;
        report.failures.extend(segment.failures);
    }
    report.shorten();
    report
}

async fn audit_segment(stores: &Stores, before: Timestamp, segment: u32, deadline: Timestamp) -> Report {
    let mut report = Report { complete: true, ..Report::default() };
    let mut after: Option<Cursor> = None;
    loop {
        if stores.clock.now() >= deadline {
            report.complete = false;
            return report;
        }
        match stores.reservations.stale(before, segment, AUDIT_SEGMENTS, after.as_ref()).await {
            Ok(page) => {
                requeue(stores, &page, &mut report).await;
                let Some(next) = page.next else { return report };
                after = Some(next);
            }
            Err(failure) => {
                report.complete = false;
                report.failures.push(failure);
                return report;
            }
        }
    }
}

async fn requeue(stores: &Stores, page: &StalePage, report: &mut Report) {
    for reservation in &page.reservations {
        report.stale += 1;
        report.booking_codes.push(reservation.booking_code.clone());
        let Some(order) = QueueMessage::settle(reservation) else { continue };
        match stores.queue.send(&order).await {
            Ok(()) => report.requeued += 1,
            Err(failure) => {
                report.complete = false;
                report.failures.push(failure);
            }
        }
    }
    report.shorten();
}
