//! What can go wrong with a store call, and the count of what did.

use std::collections::BTreeSet;
use std::fmt;

use booking_store::failure::{FailureKind, Store, StoreFailure};

use crate::chance::Chance;
use crate::request::Method;

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails before the store acts.
    Before(FailureKind),
    /// The store acts; the answer is lost on the way or is an error.
    After(FailureKind),
    /// An attempt acts and its answer is lost; the last attempt is throttled.
    AfterInDoubt,
    /// No answer in time. The store acts later, when the caller has gone on.
    Late,
    /// An attempt acts and its answer is lost; the next attempt acts again and is answered.
    Twice,
    /// The call is answered, and a copy of it arrives again later.
    Again,
    /// The process dies; the call never arrives.
    CrashBefore,
    /// The store acts; the process dies before it hears of it.
    CrashAfter,
    /// The process dies; the call arrives later.
    CrashLate,
    /// The call takes very long to arrive.
    Slow,
    /// The process stands still before it sees the answer.
    Pause,
}

const ANY: [FailureKind; 9] = [
    FailureKind::Unreachable,
    FailureKind::CircuitOpen,
    FailureKind::NoAnswer,
    FailureKind::ServerError,
    FailureKind::Throttled,
    FailureKind::Contended,
    FailureKind::Refused,
    FailureKind::TooLarge,
    FailureKind::Corrupt,
];

impl Fault {
    /// All faults.
    pub const ALL: [Self; 21] = [
        Self::Before(ANY[0]),
        Self::Before(ANY[1]),
        Self::Before(ANY[2]),
        Self::Before(ANY[3]),
        Self::Before(ANY[4]),
        Self::Before(ANY[5]),
        Self::Before(ANY[6]),
        Self::Before(ANY[7]),
        Self::Before(ANY[8]),
        Self::After(FailureKind::NoAnswer),
        Self::After(FailureKind::ServerError),
        Self::After(FailureKind::Corrupt),
        Self::AfterInDoubt,
        Self::Late,
        Self::Twice,
        Self::Again,
        Self::CrashBefore,
        Self::CrashAfter,
        Self::CrashLate,
        Self::Slow,
        Self::Pause,
    ];

    /// Whether it makes a difference to `method`: reading late or twice is reading.
    pub(crate) fn concerns(self, method: Method) -> bool {
        match self {
            Self::AfterInDoubt | Self::Late | Self::Twice | Self::Again | Self::CrashLate => method.writes(),
            // The queue's own poller deletes; its calls are no port of ours and have no kinds of failure.
            Self::Before(kind) | Self::After(kind) if method == Method::Delete => kind == FailureKind::NoAnswer,
            Self::Before(_) | Self::After(_) | Self::CrashBefore | Self::CrashAfter | Self::Slow | Self::Pause => true,
        }
    }

    /// One of the faults that concern `method`.
    pub(crate) fn draw(chance: &mut Chance, method: Method) -> Self {
        loop {
            let fault = chance.pick(&Self::ALL);
            if fault.concerns(method) {
                return fault;
            }
        }
    }

    /// The failure the caller sees, if it sees one.
    pub(crate) fn failure(self, store: Store) -> Option<StoreFailure> {
        match self {
            Self::Before(kind) | Self::After(kind) => Some(StoreFailure::new(store, kind)),
            Self::Late => Some(StoreFailure::new(store, FailureKind::NoAnswer)),
            Self::AfterInDoubt => {
                let throttled = StoreFailure::new(store, FailureKind::Throttled);
                Some(StoreFailure { effect_possible: true, ..throttled })
            }
            Self::Twice
            | Self::Again
            | Self::CrashBefore
            | Self::CrashAfter
            | Self::CrashLate
            | Self::Slow
            | Self::Pause => None,
        }
    }

    pub(crate) fn position(self) -> usize {
        Self::ALL.iter().position(|fault| *fault == self).unwrap_or(0)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(kind) => write!(f, "fails before acting: {kind:?}"),
            Self::After(kind) => write!(f, "acts, then fails: {kind:?}"),
            Self::AfterInDoubt => f.write_str("acts unheard, then throttled"),
            Self::Late => f.write_str("no answer, acts late"),
            Self::Twice => f.write_str("acts twice, answered once"),
            Self::Again => f.write_str("answered, acts again late"),
            Self::CrashBefore => f.write_str("crash before acting"),
            Self::CrashAfter => f.write_str("acts, then crash"),
            Self::CrashLate => f.write_str("crash, acts late"),
            Self::Slow => f.write_str("slow to act"),
            Self::Pause => f.write_str("pause after acting"),
        }
    }
}

const METHODS: usize = Method::ALL.len();
const FAULTS: usize = Fault::ALL.len();

/// How often each fault has hit each method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    hits: [[u64; FAULTS]; METHODS],
    calls: [u64; METHODS],
}

impl Default for Coverage {
    fn default() -> Self {
        Self { hits: [[0; FAULTS]; METHODS], calls: [0; METHODS] }
    }
}

impl Coverage {
    /// Counts a call.
    pub(crate) fn call(&mut self, method: Method) {
        self.calls[method as usize] += 1;
    }

    /// Counts a fault.
    pub(crate) fn hit(&mut self, method: Method, fault: Fault) {
        self.hits[method as usize][fault.position()] += 1;
    }

    /// Adds what another schedule has counted.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.hits.iter_mut().flatten().zip(other.hits.iter().flatten()) {
            *mine += theirs;
        }
        for (mine, theirs) in self.calls.iter_mut().zip(other.calls) {
            *mine += theirs;
        }
    }

    /// All pairs of a method and a fault that concerns it, with the count.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (Method, Fault, u64)> + '_ {
        let pairs = Method::ALL.into_iter().flat_map(|method| Fault::ALL.into_iter().map(move |fault| (method, fault)));
        let concerned = pairs.filter(|(method, fault)| fault.concerns(*method));
        concerned.map(|(method, fault)| (method, fault, self.hits[method as usize][fault.position()]))
    }

    /// The pairs that never came about.
    pub fn missing(&self) -> Vec<String> {
        let missing = self.pairs().filter(|(_, _, count)| *count == 0);
        missing.map(|(method, fault, _)| format!("{} {}: {fault}", method.store(), method.name())).collect()
    }
}

impl fmt::Display for Coverage {
    /// A table: methods as columns, faults as rows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:34}", "")?;
        for method in Method::ALL {
            write!(f, "{:>14}", method.name())?;
        }
        write!(f, "\n{:34}", "calls")?;
        for method in Method::ALL {
            write!(f, "{:>14}", self.calls[method as usize])?;
        }
        writeln!(f)?;
        let concerned: BTreeSet<_> = self.pairs().map(|(method, fault, _)| (fault.position(), method)).collect();
        for fault in Fault::ALL {
            write!(f, "{:34}", fault.to_string())?;
            for method in Method::ALL {
                if concerned.contains(&(fault.position(), method)) {
                    write!(f, "{:>14}", self.hits[method as usize][fault.position()])?;
                } else {
                    write!(f, "{:>14}", "-")?;
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
