//! The only place that names the tables' attributes. `template.yaml` declares the keys under the same names.

/// Partition key of both tables.
pub const BOOKING_CODE: &str = "booking_code";
/// Sort key of the reservations table: [`RESERVATION`], or [`CONFLICT_PREFIX`] and an event id.
pub const ITEM: &str = "item";
/// Sort key of the events table.
pub const VERSION: &str = "version";

/// The sort key of a booking's reservation.
pub const RESERVATION: &str = "reservation";
/// What the sort key of a conflict item begins with.
pub const CONFLICT_PREFIX: &str = "conflict#";

/// The id of the event that created the booking.
pub const OWNER: &str = "owner";
/// Version of the last accepted event.
pub const HEAD: &str = "head";
/// Everything up to this version is recorded, published and trimmed.
pub const SETTLED: &str = "settled";
/// The unsettled events, in order.
pub const PENDING: &str = "pending";
/// An upper bound of their bytes. "0" keeps an image out of the publisher (event source filter in `template.yaml`).
pub const PENDING_BYTES: &str = "pending_bytes";
/// The last event ids, oldest first, 16 bytes each.
pub const RECENT: &str = "recent";
/// When an event was accepted.
pub const ACCEPTED_AT: &str = "accepted_at";
/// An event's id.
pub const EVENT_ID: &str = "event_id";
