//! Bugs to plant: what the protocol would be without one of its rules.

use std::fmt;

use clap::ValueEnum;
use clap::builder::PossibleValue;

/// A bug. The model must fail with each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum)]
pub enum Bug {
    /// The reader does not look again when record and item contradict each other.
    ReadOnce,
    /// The reader takes a silent events table for an empty one.
    SilentRecordIsEmpty,
    /// The reader asks only the events table.
    ReadRecordOnly,
    /// A writer records its own event and not what is pending below it.
    RecordWithoutHelping,
    /// A refused decision is a conflict, without a look whether it is a retry.
    RefusalIsConflict,
    /// A decision without an answer is taken for one that did nothing.
    TimeoutMeansNotDone,
    /// A new booking whose decision got no answer is queued and confirmed at once: two arbiters.
    QueueConfirms,
    /// The events table, not the arbiter, says whether a deferred event has lost its code.
    RecordDecidesConflicts,
    /// The drainer takes every refusal of a deferred event for a lost code.
    DeferredWithoutReplay,
    /// The drainer deletes a message before it works on it.
    DeleteFirst,
    /// The drainer deletes a message it has recorded but not yet published and trimmed.
    DeleteBeforeTrim,
    /// The drainer deletes the messages it has failed to settle too.
    FailedMessageDeleted,
    /// Trim first, publish then.
    TrimBeforePublish,
    /// A trim does not check where `settled` is.
    TrimUnchecked,
    /// Publish first, record then.
    PublishBeforeRecord,
    /// The publisher does not look what is recorded.
    PublishUnrecorded,
    /// The publisher works on the first of several images.
    FirstImageOfBatch,
    /// The publisher does not tell the stream that neither bus nor queue has taken an image.
    StreamFailureSwallowed,
    /// Settle orders are named by the booking, so the queue drops the next one as a twin.
    OneOrderPerBooking,
    /// Nobody works on the stream: only a writer that fails hands its booking to the queue.
    NoStream,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::ReadOnce,
        Self::SilentRecordIsEmpty,
        Self::ReadRecordOnly,
        Self::RecordWithoutHelping,
        Self::RefusalIsConflict,
        Self::TimeoutMeansNotDone,
        Self::QueueConfirms,
        Self::RecordDecidesConflicts,
        Self::DeferredWithoutReplay,
        Self::DeleteFirst,
        Self::DeleteBeforeTrim,
        Self::FailedMessageDeleted,
        Self::TrimBeforePublish,
        Self::TrimUnchecked,
        Self::PublishBeforeRecord,
        Self::PublishUnrecorded,
        Self::FirstImageOfBatch,
        Self::StreamFailureSwallowed,
        Self::OneOrderPerBooking,
        Self::NoStream,
    ];
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().as_ref().map_or("", PossibleValue::get_name))
    }
}
