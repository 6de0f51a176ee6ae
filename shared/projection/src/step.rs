//! What to do next for a booking: decided from its record and what is wanted of it, without asking anybody.
//!
//! Deliveries don't drive the engine one by one. They say how far the booking must come; the record says where it is;
//! each step brings it nearer or says why it must wait. So duplicates, disorder and crashes are all the same case: look
//! where the record is and go on from there.

use std::collections::BTreeMap;

use booking_store::{Timestamp, Version};

use crate::delivery::Why;
use crate::event::ReplayId;
use crate::record::{Parked, Record, Stage};
use crate::settings::Mode;

/// How far a booking must come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The highest version that a bus or feed delivered; 0 if none did.
    pub(crate) upto: Version,
    /// The replays that delivered, each with its highest version.
    pub(crate) replays: BTreeMap<ReplayId, Version>,
    /// As far as the source goes.
    pub(crate) to_end: bool,
    /// One try now, also of what is not due or has a dead letter.
    pub(crate) forced: bool,
    /// A rebuild failed in this call. The next one waits, whoever asks for it.
    pub(crate) tried: bool,
}

impl Wanted {
    /// The highest version that a replay delivered.
    pub(crate) fn replayed(&self) -> Version {
        self.replays.values().copied().max().unwrap_or_default()
    }

    /// The replays for which `record` has yet to be made.
    pub(crate) fn asked<'a>(&'a self, record: &'a Record) -> impl DoubleEndedIterator<Item = &'a ReplayId> {
        let asked = self.replays.iter().filter(|(replay, version)| !record.is_made_for(replay, **version));
        asked.map(|(replay, _)| replay)
    }
}

/// What else decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) state_version: u32,
    /// Whether the stored state is of this code's version, and can be read.
    pub(crate) readable: bool,
    /// Whether the projection has reactions.
    pub(crate) reacts: bool,
    pub(crate) mode: Mode,
    pub(crate) now: Timestamp,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing: everything wanted is in the record.
    Settled,
    /// Make the state again from the source.
    Rebuild,
    /// Run the reactions that are owed at or below the position.
    React,
    /// Apply what comes after the position.
    Advance,
    /// Nothing now.
    Wait(Why),
    /// Nothing until somebody resumes the booking.
    Behind,
}

impl Record {
    /// Up to which version nothing is left to be done.
    pub(crate) fn settled(&self, reacts: bool) -> Version {
        if reacts { self.reacted } else { self.position }
    }

    /// What it is parked at, as far as that holds anything back: no reaction that is not owed (any more) does.
    pub(crate) fn standing(&self, reacts: bool) -> Option<&Parked> {
        let owed = |parked: &&Parked| parked.stage != Stage::React || (reacts && parked.version > self.reacted);
        self.parked.as_ref().filter(owed)
    }

    /// Whether it was made for `replay`, and as far as `version`: a rebuild ends before what nobody has asked for yet.
    pub(crate) fn is_made_for(&self, replay: &ReplayId, version: Version) -> bool {
        self.replays.contains(replay) && version <= self.position
    }
}

/// The next step of the booking with `record`.
pub(crate) fn next(record: &Record, wanted: &Wanted, rules: &Rules) -> Step {
    if record.state_version > rules.state_version {
        // Old code that made the state again would be undone by the new code, and so on in turns.
        return Step::Wait(Why::NewerState(record.state_version));
    }
    let held = record.standing(rules.reacts).and_then(|parked| hold(parked, wanted.forced, rules.now));
    let failed_rebuild = record.parked.as_ref().filter(|parked| parked.stage == Stage::Rebuild);
    let mut asked = wanted.asked(record).peekable();
    if asked.peek().is_some() {
        let tried = |replay| failed_rebuild.is_some_and(|parked| parked.replay.as_ref() == Some(replay));
        // A replay that has not been tried may mend what an earlier one could not: it need not wait.
        return held.filter(|_| wanted.tried || asked.all(tried)).unwrap_or(Step::Rebuild);
    }
    if !rules.readable || failed_rebuild.is_some() {
        return held.unwrap_or(Step::Rebuild);
    }
    let settled = record.settled(rules.reacts);
    if wanted.upto <= settled && !wanted.to_end {
        return Step::Settled;
    }
    if let Some(held) = held {
        return held;
    }
    let leased = record.reaction.as_ref().map(|reaction| reaction.leased_until);
    if let Some(until) = leased.filter(|until| rules.reacts && *until > rules.now) {
        return Step::Wait(Why::Leased(until));
    }
    let ahead = wanted.upto > record.position || wanted.to_end;
    // A reaction sees the state right after its event, so the next event waits for it. If only the newest counts, the
    // owed one is superseded.
    let superseded = ahead && rules.mode == Mode::LatestOnly;
    if settled < record.position && !superseded { Step::React } else { Step::Advance }
}

/// Why a parked booking is not tried now.
fn hold(parked: &Parked, forced: bool, now: Timestamp) -> Option<Step> {
    if forced {
        None
    } else if parked.dead_lettered {
        Some(Step::Behind)
    } else {
        (parked.retry_at > now).then_some(Step::Wait(Why::Parked(parked.retry_at)))
    }
}
