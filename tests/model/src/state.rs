//! The state of the model: what the stores hold, what every process is at, and what clients were told.
//!
//! One booking code. An event is its writer's number, from 1; versions begin at 1. Everything is bounded and small.

use std::hash::{Hash, Hasher};

use arrayvec::ArrayVec;

/// Most writers, and so most events.
pub(crate) const MOST: usize = 3;

/// An event: the number of its writer, from 1.
pub(crate) type Event = u8;
/// A version, from 1; 0 is none.
pub(crate) type Version = u8;
/// Events in order of their versions.
pub(crate) type Events = ArrayVec<Event, MOST>;

/// What a look at the reservation item shows; also an image of its stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reservation {
    /// Every version up to here is settled.
    pub settled: Version,
    /// The accepted events above.
    pub pending: Events,
}

impl Reservation {
    /// The last accepted version.
    pub fn head(&self) -> Version {
        self.settled + count(&self.pending)
    }

    /// The pending event of a version.
    pub fn at(&self, version: Version) -> Option<Event> {
        let position = usize::from(version.checked_sub(self.settled + 1)?);
        self.pending.get(position).copied()
    }
}

/// How many they are, as a version.
pub(crate) fn count(events: &Events) -> Version {
    // At most three.
    Version::try_from(events.len()).unwrap_or(Version::MAX)
}

/// A message of the fallback queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Message {
    /// Settle what is pending; named by the last pending event.
    Settle(Event),
    /// Accept a new booking.
    Deferred(Event),
    /// Publish an event that lost its code.
    Announce(Event),
}

/// What a store is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Call {
    /// Decide on a writer's event.
    Decide(Event),
    /// Look at the reservation item.
    Look,
    /// Read the record.
    Range,
    /// Record an event at its version.
    Record(Version, Event),
    /// Publish an event.
    Publish(Version, Event),
    /// Move `settled`: from, to.
    Trim(Version, Version),
    /// Send a message.
    Send(Message),
    /// Keep an event that lost its code.
    Keep(Event),
    /// Publish an event that lost its code.
    PublishConflict(Event),
    /// Delete a message.
    Delete(Message),
}

/// What a store answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The decision is granted; the item after it.
    Granted(Reservation),
    /// The decision is refused; the version of this very event if it was accepted before.
    Refused(Option<Version>),
    /// The item, or none.
    Item(Option<Reservation>),
    /// The record, by version; 0 where there is none.
    Recorded([Event; MOST]),
    /// The trim's condition has failed; the item as it is.
    Moved(Reservation),
    /// Done.
    Done,
}

/// What a writer is at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Writer {
    /// Before its decision.
    Deciding,
    /// Recording what the item shows, this version next, up to its own.
    Recording(Reservation, Version, Version),
    /// Handing the booking to the queue; its own version.
    Ordering(Event, Version),
    /// Handing its own event to the queue; whether its decision may have had an effect.
    Deferring(bool),
    /// It has answered its client.
    Resting,
    /// It has died, or its client has heard nothing.
    Silent,
}

/// What a writer's client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// Nothing yet.
    Nothing,
    /// Accepted at this version.
    Confirmed(Version),
    /// Deferred.
    Deferred,
    /// Refused: the code is taken.
    Refused,
    /// Not accepted.
    NotAccepted,
    /// Nobody knows.
    Unknown,
}

/// What a drainer is at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Drainer {
    /// Nothing.
    Idle,
    /// Deciding on a deferred event.
    Deciding(Message),
    /// Asking the record whether the deferred event has lost its code: a planted bug.
    AskingRecord(Message),
    /// Looking at the item.
    Looking(Message),
    /// Settling what it has seen.
    Settling(Message, Settling),
    /// Keeping a conflict.
    Keeping(Message),
    /// Publishing a conflict.
    Announcing(Message),
    /// Done; deleting the message.
    Deleting(Message),
    /// Deleting the message before it has done anything: a planted bug.
    DeletingFirst(Message),
}

impl Drainer {
    /// The message it has received.
    pub fn message(&self) -> Option<Message> {
        match self {
            Self::Idle => None,
            Self::Deciding(message)
            | Self::AskingRecord(message)
            | Self::Looking(message)
            | Self::Settling(message, _)
            | Self::Keeping(message)
            | Self::Announcing(message)
            | Self::Deleting(message)
            | Self::DeletingFirst(message) => Some(*message),
        }
    }
}

/// A step of settling what an image of the item shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Settling {
    /// Recording this version next.
    Record(Reservation, Version),
    /// Publishing this version next, up to the last one.
    Publish(Reservation, Version),
    /// Trimming from here to there.
    Trim(Reservation, Version, Version),
}

/// What the publisher is at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Publisher {
    /// Nothing.
    Idle,
    /// Looking what of an image is recorded; the image's place in the stream.
    Looking(Reservation, u8),
    /// Publishing and trimming it.
    Settling(Settling, u8),
    /// Handing the booking to the queue.
    Ordering(Event, u8),
    /// Publishing a conflict.
    Announcing(Event),
    /// Handing the conflict to the queue.
    OrderingConflict(Event),
}

/// What the reader is at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reader {
    /// Nothing.
    Idle,
    /// Waiting for one or both answers; the version that was confirmed when it began.
    Reading {
        /// Confirmed before.
        confirmed: Version,
        /// The item's answer, once it is there.
        item: Option<Option<Reservation>>,
        /// The record's answer, once it is there.
        record: Option<[Event; MOST]>,
    },
}

/// Promises that a step has broken; a state with one is the end of the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Broken {
    /// A client was told what is not true.
    pub answer: bool,
    /// A read hid a confirmed event, or showed what never was.
    pub read: bool,
    /// A first publication out of order, with a gap, or of an event that is not recorded.
    pub publication: bool,
}

/// Things worth to be seen at least once. They say how a state was reached and are no part of what it is: two states
/// that differ in them alone are one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// The queue has dropped a resend.
    pub dropped: bool,
    /// A retry was told from a new request.
    pub replayed: bool,
    /// The reader had to look again.
    pub second_look: bool,
    /// A late call has had its effect.
    pub late: bool,
    /// A trim found that another had been there.
    pub moved: bool,
}

impl PartialEq for Seen {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Seen {}

impl Hash for Seen {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// The whole state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The reservation item.
    pub item: Option<Reservation>,
    /// The item's owner.
    pub owner: Event,
    /// Conflict items, as bits by event.
    pub conflicts: u8,
    /// The record, by version.
    pub record: [Event; MOST],
    /// The queue, first in first out.
    pub queue: ArrayVec<Message, 8>,
    /// Deduplication ids the queue has seen, as bits.
    pub named: u16,
    /// Images of the item that the stream has not got rid of.
    pub stream: ArrayVec<Reservation, 6>,
    /// Images of conflict items, as bits by event.
    pub conflict_stream: u8,
    /// How many versions the bus has seen.
    pub published: Version,
    /// Conflicts the bus has seen, as bits by event.
    pub announced: u8,
    /// Calls that will have their effect although nobody waits for them, in order of kind.
    pub late: ArrayVec<Call, 4>,
    /// Every event ever accepted, by version.
    pub accepted: Events,
    /// The writers.
    pub writers: ArrayVec<Writer, MOST>,
    /// What their clients know.
    pub told: ArrayVec<Told, MOST>,
    /// Requests the clients may still repeat.
    pub retries: u8,
    /// The drainers.
    pub drainers: ArrayVec<Drainer, 2>,
    /// The publisher.
    pub publisher: Publisher,
    /// The reader.
    pub reader: Reader,
    /// Reads left.
    pub reads: u8,
    /// Faults left.
    pub faults: u8,
    /// What is broken.
    pub broken: Broken,
    /// What was seen.
    pub seen: Seen,
}

/// The bit of an event.
pub(crate) fn bit(event: Event) -> u8 {
    1 << event
}
