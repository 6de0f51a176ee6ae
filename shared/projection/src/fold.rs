//! Events into a state: upcast, apply, and the policy on unknown types. Pure.

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use booking_store::{EventId, Version};

use crate::event::RecordedEvent;
use crate::projection::{Applied, ApplyError, Projection, UnknownPolicy, shortened};
use crate::record::Stage;
use crate::upcast::Upcasts;

/// An event that could not be taken, or not be reacted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) stage: Stage,
    pub(crate) version: Version,
    pub(crate) event_id: EventId,
    pub(crate) reason: String,
}

impl Failure {
    pub(crate) fn new(stage: Stage, event: &RecordedEvent, reason: impl fmt::Display) -> Self {
        Self { stage, version: event.version, event_id: event.event_id, reason: shortened(reason) }
    }
}

/// Runs `work`, code of the projection's team. A panic is a failure like any other: it stops one booking, not the batch
/// with all its bookings. Its words may hold a payload and are not kept. What `work` leaves half done is thrown away.
pub(crate) fn guarded<T>(name: &str, work: impl FnOnce() -> Result<T, ApplyError>) -> Result<T, ApplyError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(ApplyError::new(format!("{name} panicked"))))
}

/// A projection with its rules at hand.
pub(crate) struct Folder<P> {
    pub(crate) projection: P,
    upcasts: Upcasts,
}

impl<P: Projection> Folder<P> {
    pub(crate) fn new(projection: P) -> Self {
        let upcasts = projection.upcasts();
        Self { projection, upcasts }
    }

    /// `event` in its newest shape.
    pub(crate) fn upcast<'a>(&self, event: &'a RecordedEvent) -> Result<Cow<'a, RecordedEvent>, ApplyError> {
        if self.upcasts.is_empty() {
            return Ok(Cow::Borrowed(event));
        }
        guarded("an upcast", || self.upcasts.upcast(event)).map(Cow::Owned)
    }

    /// Takes `event` into `state`, which on an error stays as it was.
    pub(crate) fn apply(&self, state: &mut P::State, event: &RecordedEvent) -> Result<Applied, Failure> {
        let (next, applied) = self.with(state, event)?;
        *state = next;
        Ok(applied)
    }

    /// `state` with `event`.
    pub(crate) fn with(&self, state: &P::State, event: &RecordedEvent) -> Result<(P::State, Applied), Failure> {
        let refused = |error: ApplyError| Failure::new(Stage::Apply, event, error);
        let shaped = self.upcast(event).map_err(refused)?;
        let mut next = state.clone();
        let applied = guarded("apply", || self.projection.apply(&mut next, &shaped)).map_err(refused)?;
        if applied == Applied::Unknown && self.projection.on_unknown() == UnknownPolicy::Park {
            return Err(Failure::new(Stage::Unknown, event, format!("unknown event type {}", shaped.event_type)));
        }
        Ok((next, applied))
    }
}
