//! What goes wrong when: spells in which one store, or both tables, behave in one bad way, calm between them, and now
//! and then a call that fails out of the blue. All of it drawn from the seed.

use std::sync::Mutex;
use std::time::Duration;

use booking_store::failure::Store;
use tokio::time::Instant;

use super::chance::Chance;
use crate::fault_proxy::{Call, ConnectFault, Fault, Garbage, Loss, Passed, Plan, Refusal};

/// Calls of a hundred that meet the spell of their store.
const IN_A_SPELL: u64 = 85;
/// Calls of a hundred that fail in calm.
const OUT_OF_THE_BLUE: u64 = 8;
/// Connections of a hundred that fail.
const CONNECTIONS: u64 = 3;

/// How calls go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Blackhole,
    LostAnswers,
    LateEffects,
    Resets,
    Errors,
    Garbage,
    Refusals,
    Slowness,
    /// Each attempt another way, so that one call's attempts end differently.
    Anything,
}

const KINDS: [Kind; 10] = [
    Kind::Blackhole,
    Kind::LostAnswers,
    Kind::LateEffects,
    Kind::Resets,
    Kind::Errors,
    Kind::Garbage,
    Kind::Refusals,
    Kind::Slowness,
    Kind::Anything,
    Kind::Anything,
];

/// Stores that fail together.
const TOGETHER: [&[Store]; 7] = [
    &[Store::Reservations],
    &[Store::Reservations],
    &[Store::Events],
    &[Store::Events],
    &[Store::Reservations, Store::Events],
    &[Store::Queue],
    &[Store::Bus],
];

#[derive(Clone, Debug)]
struct Spell {
    from: Duration,
    until: Duration,
    stores: &'static [Store],
    kind: Kind,
}

/// Calls of this caller to this store nothing happens to, nor to this caller's connections.
pub type Spared = (&'static str, Store);

/// The weather of a run.
pub(super) struct Weather {
    start: Instant,
    spells: Vec<Spell>,
    chance: Mutex<Chance>,
    spared: Option<Spared>,
}

impl Weather {
    /// For `length` from `start` on.
    pub(super) fn new(seed: u64, start: Instant, length: Duration, spared: Option<Spared>) -> Self {
        let mut chance = Chance::new(seed, u64::MAX);
        let (mut spells, mut from) = (Vec::new(), chance.milliseconds(300, 1500));
        while from < length {
            let until = from + chance.milliseconds(400, 3000);
            spells.push(Spell { from, until, stores: chance.pick(&TOGETHER), kind: chance.pick(&KINDS) });
            // Some begin before the last one is over.
            from = if chance.percent(25) { from + chance.milliseconds(100, 400) } else { until };
            from += chance.milliseconds(200, 1500);
        }
        Self { start, spells, chance: Mutex::new(chance), spared }
    }
}

impl Plan for Weather {
    fn fault(&self, call: &Call) -> Option<Fault> {
        let store = call.store.filter(|store| self.spared != Some((call.caller, *store)))?;
        let now = self.start.elapsed();
        let spell =
            self.spells.iter().find(|spell| (spell.from..spell.until).contains(&now) && spell.stores.contains(&store));
        let mut chance = self.chance.lock().unwrap();
        let kind = match spell {
            Some(spell) if chance.percent(IN_A_SPELL) => spell.kind,
            _ if chance.percent(OUT_OF_THE_BLUE) => chance.pick(&KINDS),
            _ => return None,
        };
        Some(draw(kind, store, call.writes(), &mut chance))
    }

    fn on_connect(&self, caller: &str) -> Option<ConnectFault> {
        let spared = self.spared.is_some_and(|(spared, _)| spared == caller);
        let mut chance = self.chance.lock().unwrap();
        let fails = !spared && chance.percent(CONNECTIONS);
        fails.then(|| chance.pick(&[ConnectFault::Reset, ConnectFault::Noise]))
    }
}

fn draw(kind: Kind, store: Store, writes: bool, chance: &mut Chance) -> Fault {
    let passed = chance.pick(&[Passed::Never, Passed::Before]);
    match kind {
        Kind::Blackhole => Fault::Lost(Passed::Never, Loss::Silence),
        Kind::LostAnswers => Fault::Lost(Passed::Before, chance.pick(&[Loss::Silence, Loss::Reset])),
        Kind::LateEffects => {
            let late = Passed::Late(chance.milliseconds(20, 3000));
            Fault::Lost(late, chance.pick(&[Loss::Silence, Loss::Reset, Loss::ServerError]))
        }
        Kind::Resets => Fault::Lost(passed, Loss::Reset),
        Kind::Errors => Fault::Lost(passed, chance.pick(&[Loss::ServerError, Loss::Unavailable])),
        Kind::Garbage => {
            let garbage = chance.pick(&[Garbage::Html, Garbage::CutJson, Garbage::CutBody]);
            Fault::Lost(passed, Loss::Garbage(garbage))
        }
        Kind::Refusals => Fault::Refused(refusal(store, writes, chance)),
        Kind::Anything => {
            let kind = chance.pick(&KINDS[..KINDS.len() - 2]);
            draw(kind, store, writes, chance)
        }
        Kind::Slowness => Fault::Slow(chance.milliseconds(0, 1200), chance.milliseconds(0, 1200)),
    }
}

/// Everything but the queue and the bus is a table.
fn refusal(store: Store, writes: bool, chance: &mut Chance) -> Refusal {
    if store == Store::Queue {
        Refusal::Throttled
    } else if store == Store::Bus {
        chance.pick(&[Refusal::Throttled, Refusal::EntryThrottled, Refusal::EntryFailed])
    } else if writes {
        chance.pick(&[Refusal::Throughput, Refusal::Throttled, Refusal::Contended])
    } else {
        chance.pick(&[Refusal::Throughput, Refusal::Throttled])
    }
}
