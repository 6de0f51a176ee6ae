//! The recorded payloads: API Gateway HTTP API (payload 2.0), DynamoDB stream, SQS FIFO, EventBridge schedule.

/// `POST /bookings/LH4711/events`, a new booking.
pub(crate) const APPEND_NEW: &str = include_str!("payloads/append-new.json");
/// A later event of it, base64-encoded, by way of a named stage.
pub(crate) const APPEND_BASE64_IN_STAGE: &str = include_str!("payloads/append-base64-in-stage.json");
/// A new booking whose code arrives percent-encoded (`LH-47.11`), as a REST API or a function URL sends it.
pub(crate) const APPEND_ENCODED_CODE: &str = include_str!("payloads/append-encoded-code.json");
/// A code with a space in it, which the gateway has decoded already.
pub(crate) const APPEND_DECODED_SPACE: &str = include_str!("payloads/append-decoded-space.json");
/// `GET /bookings/LH4711/events` with every parameter.
pub(crate) const READ_EVENTS: &str = include_str!("payloads/read-events.json");
/// The same from a client that knows version 1.
pub(crate) const READ_EVENTS_KNOWN: &str = include_str!("payloads/read-events-known.json");
/// `GET /bookings/LH4711`
pub(crate) const READ_BOOKING: &str = include_str!("payloads/read-booking.json");
/// `GET /bookings/LH4711/events/{event_id}` of the first event.
pub(crate) const READ_EVENT: &str = include_str!("payloads/read-event.json");
/// `GET /feed` with a limit.
pub(crate) const FEED_FIRST: &str = include_str!("payloads/feed-first.json");
/// `GET /feed` after a token that stands behind position 1 of partition 14.
pub(crate) const FEED_NEXT: &str = include_str!("payloads/feed-next.json");
/// `GET /feed` of partition 14 after position 1.
pub(crate) const FEED_PARTITION: &str = include_str!("payloads/feed-partition.json");
/// `GET /feed/partitions`
pub(crate) const FEED_PARTITIONS: &str = include_str!("payloads/feed-partitions.json");
/// `GET /health`
pub(crate) const HEALTH: &str = include_str!("payloads/health.json");
/// Seven records: `LH4711` twice, `MUC-7`, `car.99`, a conflict, an image with nothing pending, a removal.
pub(crate) const STREAM_BATCH: &str = include_str!("payloads/stream-batch.json");
/// Seven messages of three groups, two of them malformed, one deferred.
pub(crate) const QUEUE_BATCH: &str = include_str!("payloads/queue-batch.json");
/// `GET /prices/LH4711` by a client that knows version 2.
pub(crate) const READ_PRICE: &str = include_str!("payloads/read-price.json");
/// Eight messages from the bus: `LH4711` in the wrong order, `MUC-7` with an event of another team and one twice,
/// `car.99` without a total, `car.98` replayed, one that is no event.
pub(crate) const PRICE_BATCH: &str = include_str!("payloads/price-batch.json");
/// The daily schedule.
pub(crate) const SCHEDULE: &str = include_str!("payloads/schedule.json");
