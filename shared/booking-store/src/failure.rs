//! How a store call fails, on two axes: may it be tried again, and did it certainly have no effect?
//!
//! "Unknown" is an outcome of its own: a write that timed out may have happened. What a client sees is decided by these
//! two answers alone; the source is for the log.

use std::error::Error;
use std::fmt;

/// A store: the protocol's four, and what is built beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Store {
    /// The reservations table, the arbiter.
    Reservations,
    /// The events table, the record.
    Events,
    /// The fallback queue.
    Queue,
    /// The event bus.
    Bus,
    /// The feed's log, which consumers pull from.
    Feed,
    /// The replays' state.
    Replays,
    /// A projection's records.
    Projection,
}

impl Store {
    /// The protocol's four.
    pub const ALL: [Self; 4] = [Self::Reservations, Self::Events, Self::Queue, Self::Bus];

    /// Its name in logs, metrics and fault switches.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reservations => "reservations",
            Self::Events => "events",
            Self::Queue => "queue",
            Self::Bus => "bus",
            Self::Feed => "feed",
            Self::Replays => "replays",
            Self::Projection => "projection",
        }
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The call never left: no connection, or no name.
    Unreachable,
    /// The circuit is open after earlier failures; nothing was sent.
    CircuitOpen,
    /// Sent, and no answer in time, or the connection broke.
    NoAnswer,
    /// The store answered 5xx: it may have acted.
    ServerError,
    /// The store refused for its load; it did nothing.
    Throttled,
    /// Another write was in the way (`TransactionConflict`, `ReplicatedWriteConflict`); this one did nothing.
    Contended,
    /// The store refused the call as such: permission, key, missing table, validation. It did nothing.
    Refused,
    /// The store refused the size of the item, message or entry. It did nothing.
    TooLarge,
    /// The store holds or answered something this code can't read, or that contradicts the protocol.
    Corrupt,
}

impl FailureKind {
    /// Whether the same call may succeed if it is made again.
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::Unreachable | Self::NoAnswer | Self::ServerError | Self::Throttled | Self::Contended => true,
            // An open circuit is retryable by a later request, not by this one.
            Self::CircuitOpen | Self::Refused | Self::TooLarge | Self::Corrupt => false,
        }
    }

    /// Whether the call certainly changed nothing.
    pub const fn certainly_no_effect(self) -> bool {
        match self {
            Self::NoAnswer | Self::ServerError | Self::Corrupt => false,
            Self::Unreachable
            | Self::CircuitOpen
            | Self::Throttled
            | Self::Contended
            | Self::Refused
            | Self::TooLarge => true,
        }
    }

    /// Whether it speaks of the store as a whole, so that a circuit breaker should count it. Throttling and contention
    /// speak of one key; a refused or unreadable item speaks of that item.
    pub const fn is_outage(self) -> bool {
        match self {
            Self::Unreachable | Self::NoAnswer | Self::ServerError => true,
            Self::CircuitOpen | Self::Throttled | Self::Contended | Self::Refused | Self::TooLarge | Self::Corrupt => {
                false
            }
        }
    }
}

/// A store call that failed. `Display` is for people and never prints the source; logs walk the chain.
#[derive(Debug, thiserror::Error)]
#[error("{store}: {}", describe(.kind))]
pub struct StoreFailure {
    /// Whose call.
    pub store: Store,
    /// How the last attempt failed.
    pub kind: FailureKind,
    /// Whether any attempt may have had an effect.
    pub effect_possible: bool,
    /// What the client library said.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreFailure {
    /// A failure of one attempt.
    pub fn new(store: Store, kind: FailureKind) -> Self {
        Self { store, kind, effect_possible: !kind.certainly_no_effect(), source: None }
    }

    /// The same with what the client library said.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Something stored contradicts the protocol.
    pub fn corrupt(store: Store, what: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(store, FailureKind::Corrupt).because(what)
    }

    /// The whole chain on one line, for a log.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = self.source();
        while let Some(error) = next {
            text.push_str(": ");
            text.push_str(&error.to_string());
            next = error.source();
        }
        text
    }
}

fn describe(kind: &FailureKind) -> &'static str {
    match kind {
        FailureKind::Unreachable => "unreachable",
        FailureKind::CircuitOpen => "circuit open after earlier failures",
        FailureKind::NoAnswer => "no answer",
        FailureKind::ServerError => "server error",
        FailureKind::Throttled => "throttled",
        FailureKind::Contended => "another write was in the way",
        FailureKind::Refused => "call refused",
        FailureKind::TooLarge => "too large",
        FailureKind::Corrupt => "unreadable or contradictory content",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind, retryable, certainly without effect, an outage, its words.
    const AXES: [(FailureKind, bool, bool, bool, &str); 9] = [
        (FailureKind::Unreachable, true, true, true, "unreachable"),
        (FailureKind::CircuitOpen, false, true, false, "circuit open after earlier failures"),
        (FailureKind::NoAnswer, true, false, true, "no answer"),
        (FailureKind::ServerError, true, false, true, "server error"),
        (FailureKind::Throttled, true, true, false, "throttled"),
        (FailureKind::Contended, true, true, false, "another write was in the way"),
        (FailureKind::Refused, false, true, false, "call refused"),
        (FailureKind::TooLarge, false, true, false, "too large"),
        (FailureKind::Corrupt, false, false, false, "unreadable or contradictory content"),
    ];

    #[test]
    fn every_kind_says_what_it_proves() {
        for (kind, retryable, no_effect, outage, words) in AXES {
            let axes = (kind.is_retryable(), kind.certainly_no_effect(), kind.is_outage());
            assert_eq!(axes, (retryable, no_effect, outage), "{kind:?}");
            let failure = StoreFailure::new(Store::Events, kind);
            assert_eq!(failure.effect_possible, !no_effect, "{kind:?}");
            assert_eq!(failure.to_string(), format!("events: {words}"));
        }
    }

    #[test]
    fn the_source_is_for_the_log_alone() {
        let io = std::io::Error::other(StoreFailure::corrupt(Store::Queue, "a cause"));
        let failure = StoreFailure::new(Store::Bus, FailureKind::Throttled).because(io);
        assert_eq!(failure.to_string(), "bus: throttled");
        assert_eq!(failure.chain(), "bus: throttled: queue: unreadable or contradictory content: a cause");
    }

    #[test]
    fn a_store_is_shown_by_its_name() {
        let names = Store::ALL.map(|store| store.to_string());
        assert_eq!(names, ["reservations", "events", "queue", "bus"]);
    }
}
