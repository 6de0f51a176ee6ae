//! A store call as a value: it can wait, arrive late, arrive twice, or never.

use std::time::Duration;

use booking_store::failure::Store;
use booking_store::memory::Memory;
use booking_store::ports::{
    BusEvent, Claims, ConflictKept, Decided, EventBus, Events, FallbackQueue, Recorded, Reservations, StalePage,
    Trimmed,
};
use booking_store::queue_message::QueueMessage;
use booking_store::reservation::Trim;
use booking_store::{BookingCode, Conflict, Decision, Event, EventId, Timestamp, Version};
use futures::FutureExt;

/// What a store is asked.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// [`Reservations::decide`].
    Decide(Decision),
    /// [`Reservations::claims`].
    Claims(BookingCode),
    /// [`Reservations::trim`].
    Trim(BookingCode, Trim),
    /// [`Reservations::keep_conflict`].
    KeepConflict(Conflict),
    /// [`Reservations::stale`], the first page of a segment.
    Stale(Timestamp, u32, u32),
    /// [`Events::record`].
    Record(BookingCode, Event),
    /// [`Events::highest`].
    Highest(BookingCode),
    /// [`Events::range`].
    Range(BookingCode, Version, usize, usize),
    /// [`FallbackQueue::send`].
    Send(QueueMessage),
    /// [`FallbackQueue::back_off`].
    BackOff(String, Duration),
    /// [`FallbackQueue::dead_letter`]: group, message id, body, reason.
    DeadLetter(String, String, String, String),
    /// The queue's deletion of a message that its function has worked on.
    Delete(String),
    /// [`EventBus::publish`] of an event.
    PublishEvent(BookingCode, Event),
    /// [`EventBus::publish`] of a conflict.
    PublishConflict(Conflict),
}

/// What a store answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// To [`Request::Decide`].
    Decided(Decided),
    /// To [`Request::Claims`].
    Claims(Claims),
    /// To [`Request::Trim`].
    Trimmed(Trimmed),
    /// To [`Request::KeepConflict`].
    Kept(ConflictKept),
    /// To [`Request::Stale`].
    Stale(StalePage),
    /// To [`Request::Record`].
    Recorded(Recorded),
    /// To [`Request::Highest`].
    Highest(Option<(Version, EventId)>),
    /// To [`Request::Range`].
    Events(Vec<Event>),
    /// To everything else.
    Done,
}

/// A kind of store call, named as the ports name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Method {
    Decide,
    Claims,
    Trim,
    KeepConflict,
    Stale,
    Record,
    Highest,
    Range,
    Send,
    BackOff,
    DeadLetter,
    Delete,
    Publish,
}

impl Method {
    /// All of them.
    pub(crate) const ALL: [Self; 13] = [
        Self::Decide,
        Self::Claims,
        Self::Trim,
        Self::KeepConflict,
        Self::Stale,
        Self::Record,
        Self::Highest,
        Self::Range,
        Self::Send,
        Self::BackOff,
        Self::DeadLetter,
        Self::Delete,
        Self::Publish,
    ];

    /// Whose method it is.
    pub(crate) const fn store(self) -> Store {
        match self {
            Self::Decide | Self::Claims | Self::Trim | Self::KeepConflict | Self::Stale => Store::Reservations,
            Self::Record | Self::Highest | Self::Range => Store::Events,
            Self::Send | Self::BackOff | Self::DeadLetter | Self::Delete => Store::Queue,
            Self::Publish => Store::Bus,
        }
    }

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::Claims => "claims",
            Self::Trim => "trim",
            Self::KeepConflict => "keep_conflict",
            Self::Stale => "stale",
            Self::Record => "record",
            Self::Highest => "highest",
            Self::Range => "range",
            Self::Send => "send",
            Self::BackOff => "back_off",
            Self::DeadLetter => "dead_letter",
            Self::Delete => "delete",
            Self::Publish => "publish",
        }
    }

    /// Whether it changes anything.
    pub(crate) const fn writes(self) -> bool {
        !matches!(self, Self::Claims | Self::Stale | Self::Highest | Self::Range)
    }

    /// Whether it is called so seldom that it needs more than its share of faults.
    pub(crate) const fn is_rare(self) -> bool {
        matches!(self, Self::KeepConflict | Self::Stale | Self::BackOff | Self::DeadLetter)
    }
}

impl Request {
    /// Its kind.
    pub(crate) const fn method(&self) -> Method {
        match self {
            Self::Decide(_) => Method::Decide,
            Self::Claims(_) => Method::Claims,
            Self::Trim(..) => Method::Trim,
            Self::KeepConflict(_) => Method::KeepConflict,
            Self::Stale(..) => Method::Stale,
            Self::Record(..) => Method::Record,
            Self::Highest(_) => Method::Highest,
            Self::Range(..) => Method::Range,
            Self::Send(_) => Method::Send,
            Self::BackOff(..) => Method::BackOff,
            Self::DeadLetter(..) => Method::DeadLetter,
            Self::Delete(_) => Method::Delete,
            Self::PublishEvent(..) | Self::PublishConflict(_) => Method::Publish,
        }
    }

    /// The store acts. `None` only if a store in memory waited or failed, which they never do.
    pub(crate) fn act(&self, memory: &Memory) -> Option<Answer> {
        let Memory { reservations, events, queue, bus, .. } = memory;
        match self {
            Self::Decide(decision) => at_once(reservations.decide(decision)).map(Answer::Decided),
            Self::Claims(code) => at_once(reservations.claims(code)).map(Answer::Claims),
            Self::Trim(code, trim) => at_once(reservations.trim(code, trim)).map(Answer::Trimmed),
            Self::KeepConflict(conflict) => at_once(reservations.keep_conflict(conflict)).map(Answer::Kept),
            Self::Stale(before, segment, segments) => {
                at_once(reservations.stale(*before, *segment, *segments, None)).map(Answer::Stale)
            }
            Self::Record(code, event) => at_once(events.record(code, event)).map(Answer::Recorded),
            Self::Highest(code) => at_once(events.highest(code)).map(Answer::Highest),
            Self::Range(code, from, limit, bytes) => {
                at_once(events.range(code, *from, *limit, *bytes)).map(Answer::Events)
            }
            Self::Send(message) => at_once(queue.send(message)).map(|()| Answer::Done),
            Self::BackOff(receipt, pause) => at_once(queue.back_off(receipt, *pause)).map(|()| Answer::Done),
            Self::DeadLetter(group, id, body, reason) => {
                at_once(queue.dead_letter(group, id, body, reason)).map(|()| Answer::Done)
            }
            Self::Delete(receipt) => {
                queue.delete(receipt);
                Some(Answer::Done)
            }
            Self::PublishEvent(code, event) => {
                at_once(bus.publish(BusEvent::Event(code, event))).map(|()| Answer::Done)
            }
            Self::PublishConflict(conflict) => {
                at_once(bus.publish(BusEvent::Conflict(conflict))).map(|()| Answer::Done)
            }
        }
    }
}

fn at_once<T, E>(call: impl Future<Output = Result<T, E>>) -> Option<T> {
    call.now_or_never()?.ok()
}
