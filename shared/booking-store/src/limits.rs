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
/// Most bytes of events in one page of a read. A Lambda answer may have 6 MB.
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
