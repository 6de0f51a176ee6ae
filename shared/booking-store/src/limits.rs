//! Every bound of the system, in one place. Nothing else holds a number that limits something.
//!
//! Sizes are bytes, times are [`Duration`]s. The const assertions below are the relations the protocol relies on.

use std::time::Duration;

/// Longest booking code, in characters of `[A-Za-z0-9._-]`.
pub const MAX_BOOKING_CODE_LEN: usize = 64;
/// Longest event type, in characters. EventBridge allows a `detail-type` of 128.
pub const MAX_EVENT_TYPE_LEN: usize = 128;
/// Most events in one append; they are accepted together or not at all.
pub const MAX_EVENTS_PER_APPEND: usize = 25;
/// Largest `data` of one event.
pub const MAX_DATA_BYTES: usize = 64 * 1024;
/// Largest `metadata` of one event.
pub const MAX_METADATA_BYTES: usize = 16 * 1024;
/// Largest request body.
pub const MAX_REQUEST_BYTES: usize = 256 * 1024;
/// Most bytes of unsettled events a reservation item may hold (PROTOCOL: 300 KB a booking).
pub const MAX_PENDING_BYTES: u64 = 300 * 1024;
/// What an event costs in the reservation item besides its type, data and metadata: ids, times, attribute names and
/// its place in the recent ids. An upper bound.
pub const PENDING_EVENT_OVERHEAD: u64 = 256;
/// Largest DynamoDB item (AWS fact).
pub const MAX_ITEM_BYTES: u64 = 400 * 1024;
/// How many of a booking's last event ids the deciding condition checks.
pub const RECENT_EVENTS: usize = 32;
/// Most pending events removed by one trim; keeps the update expression below 4 KB (AWS fact).
pub const MAX_TRIM: usize = 100;

/// Most events in one page of a read, and the number when the reader names none.
pub const MAX_PAGE_EVENTS: usize = 1000;
/// Events in a page when the reader names no limit.
pub const DEFAULT_PAGE_EVENTS: usize = 100;
/// Most bytes of events in one page of a read, escaped as they are in a Lambda answer, which may have 6 MB.
pub const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;
/// Most bytes of conflicts beside the events of a page; the rest can be read by event id.
pub const MAX_PAGE_CONFLICT_BYTES: usize = 1024 * 1024;
/// Times a read looks again when its two halves contradict each other before it says 503.
pub const MAX_READ_ATTEMPTS: usize = 4;

/// Longest wait for one attempt of a store call.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1_500);
/// Longest wait for a store call with all its attempts.
pub const OPERATION_TIMEOUT: Duration = Duration::from_millis(3_500);
/// Longest wait for a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_millis(800);
/// Attempts of one store call.
pub const MAX_ATTEMPTS: u32 = 3;
/// First pause between two attempts; it doubles.
pub const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(40);

/// Longest time one operation spends on recording a booking's events one by one.
pub const RECORD_BUDGET: Duration = Duration::from_secs(4);
/// Longest time an append may take: `Timeout` of the append function in template.yaml.
pub const APPEND_TIMEOUT: Duration = Duration::from_secs(25);

/// Consecutive failures after which a store's circuit opens.
pub const BREAKER_FAILURES: u32 = 3;
/// First time an open circuit stays open; the breaker's crate takes whole seconds.
pub const BREAKER_FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest time an open circuit stays open before it is tried again.
pub const BREAKER_LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// `Retry-After` of a 503.
pub const RETRY_AFTER: Duration = Duration::from_secs(2);

/// First back-off of a queue message that could not be drained.
pub const DRAIN_FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// Longest back-off of a queue message.
pub const DRAIN_LONGEST_BACKOFF: Duration = Duration::from_secs(900);
/// Receives after which the queue itself moves a message to the dead-letter queue: `maxReceiveCount` in template.yaml,
/// the most SQS allows.
pub const DRAIN_MAX_RECEIVES: u32 = 1000;
/// How long the queue keeps a message (AWS fact: at most 14 days).
pub const QUEUE_RETENTION: Duration = Duration::from_secs(14 * 24 * 3600);
/// Largest queue message (AWS fact: 1 MiB).
pub const MAX_QUEUE_MESSAGE_BYTES: usize = 1024 * 1024;

/// Bookings published at a time by one invocation.
pub const PUBLISH_CONCURRENCY: usize = 16;
/// Largest event bus entry (AWS fact: 1 MB, here with room for the envelope).
pub const MAX_BUS_ENTRY_BYTES: usize = 1_000_000;

/// Age from which a pending event is an audit finding.
pub const AUDIT_MIN_AGE: Duration = Duration::from_secs(3600);
/// Segments of the audit's parallel scan.
pub const AUDIT_SEGMENTS: u32 = 4;
/// Most findings an audit lists by code in its report; all are re-queued and counted.
pub const AUDIT_LISTED_FINDINGS: usize = 100;

/// Partitions of the feed. Never changes: a booking's events stand in the partition of its code for ever.
pub const FEED_PARTITIONS: u8 = 16;
/// Most bookings in one batch of the feed, so that a partition's tip stays small.
pub const FEED_BATCH_RUNS: usize = 100;
/// Times an indexer looks again because others have committed before it, without having committed itself.
pub const FEED_LOST_RACES: u32 = 16;
/// Partitions, bookings or markers that one feed operation works on at a time.
pub const FEED_CONCURRENCY: usize = 16;
/// Time after which a page of the feed is shown as far as it has got.
pub const FEED_READ_BUDGET: Duration = Duration::from_secs(6);
/// Items one page of the feed's sweep looks at.
pub const FEED_SWEEP_PAGE: usize = 500;

/// Most booking codes one replay may name.
pub const MAX_REPLAY_BOOKINGS: usize = 1000;
/// Longest name of a replay's consumer.
pub const MAX_CONSUMER_LEN: usize = 64;
/// Most events a second a replay may send.
pub const MAX_REPLAY_RATE: u32 = 1000;
/// Events a second when the order names no rate.
pub const DEFAULT_REPLAY_RATE: u32 = 100;
/// Bookings of one replay worked on at a time.
pub const REPLAY_CONCURRENCY: usize = 32;
/// Items one page of a replay's scan looks at; booking codes taken from a list at a time.
pub const REPLAY_SCAN_PAGE: usize = 100;
/// Bookings a replay may have begun with and not ended; while there are as many, no further page is taken.
pub const MAX_REPLAY_OPEN: usize = 100;
/// Most events of one booking a replay holds at a time.
pub const REPLAY_PAGE_EVENTS: usize = 100;
/// Most bytes of events of one booking a replay holds at a time, but for the last event of them.
pub const REPLAY_PAGE_BYTES: usize = 256 * 1024;
/// Longest time between two checkpoints of a replay: what a crash sends again, and how soon a cancellation is heeded.
pub const REPLAY_CHECKPOINT: Duration = Duration::from_secs(5);
/// `Timeout` of the replay worker in template.yaml.
pub const REPLAY_WORKER_TIMEOUT: Duration = Duration::from_secs(300);
/// What is left of the worker's time when it stops sending.
pub const REPLAY_TIME_TO_CHECKPOINT: Duration = Duration::from_secs(20);
/// Times a replay tries a booking without sending one of its events before it gives the booking up.
pub const REPLAY_BOOKING_ATTEMPTS: u32 = 5;
/// Pause before a booking is tried again; it doubles.
pub const REPLAY_FIRST_RETRY: Duration = Duration::from_secs(1);
/// Longest time from one event of a replay to the next that the bus's throttling makes it slow down to.
pub const REPLAY_SLOWEST: Duration = Duration::from_secs(1);
/// Most given up bookings a replay lists; all are counted.
pub const REPLAY_LISTED_FAILURES: usize = 100;
/// How long a replay waits for a store without any progress before it has failed.
pub const REPLAY_PATIENCE: Duration = Duration::from_secs(10 * 24 * 3600);
/// Receives after which the replay queue moves a message away: `maxReceiveCount` in template.yaml.
pub const REPLAY_MAX_RECEIVES: u32 = 500;
/// Longest back-off of a replay's message: the queue's visibility timeout, which is the pause of a worker that dies.
pub const REPLAY_LONGEST_BACKOFF: Duration = Duration::from_secs(1800);
/// Times a cancellation looks again because the worker has saved before it.
pub const REPLAY_CANCEL_ATTEMPTS: u32 = 8;

// The last attempt of a store call has time left, whatever the ones before it and the pauses took.
const _: () = assert!(
    (MAX_ATTEMPTS as u128 - 1) * ATTEMPT_TIMEOUT.as_millis()
        + ((1 << (MAX_ATTEMPTS - 1)) - 1) * FIRST_RETRY_PAUSE.as_millis()
        < OPERATION_TIMEOUT.as_millis()
);
// One append must fit into an empty reservation item, or creating a booking could be blocked by its size.
const _: () =
    assert!(MAX_REQUEST_BYTES as u64 + MAX_EVENTS_PER_APPEND as u64 * PENDING_EVENT_OVERHEAD <= MAX_PENDING_BYTES);
// A full reservation item stays below DynamoDB's limit with the recent ids and the fixed attributes beside it.
const _: () = assert!(MAX_PENDING_BYTES + (RECENT_EVENTS as u64) * 32 + 4096 <= MAX_ITEM_BYTES);
// Recent ids reach back at least over one whole append.
const _: () = assert!(RECENT_EVENTS >= MAX_EVENTS_PER_APPEND);
// A deferred append fits into a queue message, escaped once.
const _: () = assert!(MAX_REQUEST_BYTES * 2 < MAX_QUEUE_MESSAGE_BYTES);
// A message reaches the dead-letter queue, with its fresh 14 days, before the queue would drop it.
const _: () = assert!((DRAIN_MAX_RECEIVES as u64) * DRAIN_LONGEST_BACKOFF.as_secs() < QUEUE_RETENTION.as_secs());
// The longest append fits into its function's time: decide, read what a retry left, look at what is recorded, record (its
// last call may begin just before the budget ends), queue.
const _: () = assert!(5 * OPERATION_TIMEOUT.as_millis() + RECORD_BUDGET.as_millis() < APPEND_TIMEOUT.as_millis());
// An event with the most of everything, and its envelope, fits into one bus entry.
const _: () = assert!(MAX_DATA_BYTES + MAX_METADATA_BYTES + 4096 < MAX_BUS_ENTRY_BYTES);
// One page of the smallest limit holds at least one event of the largest size.
const _: () = assert!(MAX_PAGE_BYTES > MAX_DATA_BYTES + MAX_METADATA_BYTES);
// A tip of the longest codes and the largest numbers stays far below DynamoDB's limit: "code@version+count ".
const _: () = assert!((FEED_BATCH_RUNS * (MAX_BOOKING_CODE_LEN + 2 * 20 + 3)) as u64 * 16 < MAX_ITEM_BYTES);
// A replay's item holds its list of codes, its open bookings and those it lists as given up.
const _: () = assert!(
    (MAX_REPLAY_BOOKINGS * (MAX_BOOKING_CODE_LEN + 4)
        + (MAX_REPLAY_OPEN + REPLAY_SCAN_PAGE) * 256
        + REPLAY_LISTED_FAILURES * 512
        + 4096) as u64
        <= MAX_ITEM_BYTES
);
// When the worker's sending time ends, calls that have begun, the checkpoint and the next message still fit.
const _: () = assert!(5 * OPERATION_TIMEOUT.as_millis() < REPLAY_TIME_TO_CHECKPOINT.as_millis());
const _: () =
    assert!(REPLAY_CHECKPOINT.as_millis() + REPLAY_TIME_TO_CHECKPOINT.as_millis() < REPLAY_WORKER_TIMEOUT.as_millis());
// The replay says that it has failed before its message is moved away, and that before the queue would drop it.
const _: () = assert!(REPLAY_PATIENCE.as_secs() < (REPLAY_MAX_RECEIVES as u64) * REPLAY_LONGEST_BACKOFF.as_secs());
const _: () = assert!((REPLAY_MAX_RECEIVES as u64) * REPLAY_LONGEST_BACKOFF.as_secs() < QUEUE_RETENTION.as_secs());

#[cfg(test)]
mod tests {
    use super::*;

    /// Clients, AWS and template.yaml hold us to these, so they are written out once more.
    #[test]
    fn what_others_rely_on_is_this_much() {
        assert_eq!((MAX_DATA_BYTES, MAX_METADATA_BYTES, MAX_REQUEST_BYTES), (65_536, 16_384, 262_144));
        assert_eq!((MAX_PENDING_BYTES, MAX_ITEM_BYTES), (307_200, 409_600));
        assert_eq!((MAX_PAGE_BYTES, MAX_PAGE_CONFLICT_BYTES), (4_194_304, 1_048_576));
        assert_eq!((MAX_QUEUE_MESSAGE_BYTES, QUEUE_RETENTION.as_secs()), (1_048_576, 1_209_600));
        assert_eq!((REPLAY_PAGE_BYTES, REPLAY_PATIENCE.as_secs()), (262_144, 864_000));
    }
}
