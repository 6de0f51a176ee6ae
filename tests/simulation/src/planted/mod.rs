//! Bugs to plant: what the protocol would be without one of its rules. Each replaces one routine of the protocol, or
//! stands between it and a port. A simulation that does not catch every one of them proves nothing.

mod drainer;
mod ports;
mod publisher;
mod reader;
mod writer;

use std::fmt;

use clap::ValueEnum;
use clap::builder::PossibleValue;
pub(crate) use drainer::{drain, is_deleted_first};
pub(crate) use ports::stores;
pub(crate) use publisher::{publish, swallows_failures, takes_first_image};
pub(crate) use reader::read;
pub(crate) use writer::append;

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum)]
pub enum Bug {
    /// A writer records its own events and not what others have left pending below them.
    RecordWithoutHelping,
    /// A refused decision is a conflict, without a look whether it is a retry of one that was granted.
    RefusalIsConflict,
    /// A decision without an answer is taken for one that did nothing.
    TimeoutMeansNotDone,
    /// The drainer asks the events table, not the arbiter, whether a deferred booking has lost its code.
    RecordDecidesConflicts,
    /// The drainer takes every refusal of a deferred booking for a lost code.
    DeferredWithoutReplay,
    /// The drainer keeps a refused batch whole as conflicts, with events that the booking has from another batch.
    KeepWholeBatch,
    /// The drainer deletes a message before it has settled the booking.
    DeleteFirst,
    /// The drainer deletes the messages it has failed to settle too.
    FailedMessagesDeleted,
    /// The drainer trims first and publishes then.
    TrimBeforePublish,
    /// Settle orders are named by the booking, so the queue drops the next one as a twin.
    OneOrderPerBooking,
    /// The publisher does not look whether events are recorded.
    PublishUnrecorded,
    /// The publisher begins with the newest event.
    PublishNewestFirst,
    /// The publisher works on the first of several images of a booking.
    FirstImageOfBatch,
    /// The publisher does not tell the stream what it has failed to publish.
    StreamFailureSwallowed,
    /// Entries the bus has not taken are not looked at.
    BusErrorIgnored,
    /// The reader does not look again when record and reservation contradict each other.
    ReadOnce,
    /// The reader shows what was recorded since it saw the reservation, and so a part of a batch.
    ReadAcrossMoments,
    /// The reader takes a silent events table for an empty one.
    SilentRecordIsEmpty,
    /// The reader takes a silent arbiter for one that knows no such booking.
    SilentArbiterIsEmpty,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::RecordWithoutHelping,
        Self::RefusalIsConflict,
        Self::TimeoutMeansNotDone,
        Self::RecordDecidesConflicts,
        Self::DeferredWithoutReplay,
        Self::KeepWholeBatch,
        Self::DeleteFirst,
        Self::FailedMessagesDeleted,
        Self::TrimBeforePublish,
        Self::OneOrderPerBooking,
        Self::PublishUnrecorded,
        Self::PublishNewestFirst,
        Self::FirstImageOfBatch,
        Self::StreamFailureSwallowed,
        Self::BusErrorIgnored,
        Self::ReadOnce,
        Self::ReadAcrossMoments,
        Self::SilentRecordIsEmpty,
        Self::SilentArbiterIsEmpty,
    ];
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().as_ref().map_or("", PossibleValue::get_name))
    }
}
