//! The workload of a seed: who is there, what the clients do, which stores are down when, how fast everything is.

use std::time::Duration;

use booking_store::failure::{FailureKind, Store};
use booking_store::limits::MAX_EVENTS_PER_APPEND;
use booking_store::{BookingCode, EventId, EventType, JsonObject, NewEvent};

use crate::chance::{Chance, Draw};
use crate::fault::Fault;
use crate::place::{Process, Role};

/// How long calls take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// A few milliseconds each way: everything collides.
    Tight,
    /// Mostly milliseconds, sometimes seconds.
    Mixed,
    /// Anything from a millisecond to a minute.
    Wild,
}

impl Pace {
    /// One way of one call.
    pub(crate) fn way(self, chance: &mut Chance) -> i64 {
        let milliseconds = match self {
            Self::Tight => chance.between(1, 6),
            Self::Mixed => match chance.below(20) {
                0 => chance.between(300, 5_000),
                1..4 => chance.between(10, 300),
                _ => chance.between(1, 10),
            },
            Self::Wild => chance.scale(1, 60_000),
        };
        milliseconds.cast_signed()
    }
}

/// What an append expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expectation {
    /// A new booking.
    New,
    /// Nothing.
    Any,
    /// This version, known or not.
    Exact(u64),
    /// The version the client was told last, or a new booking.
    Told,
}

/// What a client does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Appends, and tries again with the same ids when it feels like it.
    Append {
        /// Which booking code.
        code: usize,
        /// What it expects.
        expected: Expectation,
        /// The events.
        events: Vec<NewEvent>,
        /// How often it may try again.
        retries: u16,
    },
    /// Reads a page.
    Read {
        /// Which booking code.
        code: usize,
        /// The first version wanted.
        from: u64,
        /// The most events wanted.
        limit: usize,
        /// Whether to name the version that clients were told.
        told: bool,
        /// Whether what is known will do.
        eventual: bool,
    },
    /// Looks for one event.
    Event {
        /// Which booking code.
        code: usize,
        /// The event.
        event_id: EventId,
    },
    /// Looks at the booking's state.
    Summary {
        /// Which booking code.
        code: usize,
    },
}

/// A store that is down for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    /// Which store.
    pub store: Store,
    /// For whom; for everyone if absent.
    pub process: Option<Process>,
    /// From when.
    pub from: i64,
    /// Until when.
    pub until: i64,
    /// What every call meets.
    pub fault: Fault,
}

/// Everything a seed decides beforehand.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    /// The booking codes: few, so that claims collide.
    pub codes: Vec<BookingCode>,
    /// The clients and their operations.
    pub scripts: Vec<(Process, Vec<Operation>)>,
    /// Shards of the stream.
    pub shards: usize,
    /// Drainers.
    pub drainers: u16,
    /// Auditors.
    pub auditors: u16,
    /// How long calls take.
    pub pace: Pace,
    /// Faults of a thousand calls.
    pub faults: u64,
    /// Most faults, outages apart.
    pub budget: u32,
    /// The outages.
    pub outages: Vec<Outage>,
    /// The queue's visibility timeout.
    pub visibility: Duration,
    /// How long an invocation for the stream may take before its batch is delivered again.
    pub lease: i64,
    /// Most images of a batch, and most messages.
    pub batch: usize,
    /// Whether a new booking may be deferred.
    pub deferred_accept: bool,
}

impl Workload {
    /// The workload of `seed`.
    pub(crate) fn of(seed: u64) -> Self {
        let mut chance = Chance::at(seed, Draw::Workload, 0);
        let pace = chance.pick(&[Pace::Tight, Pace::Tight, Pace::Mixed, Pace::Mixed, Pace::Wild]);
        let codes = chance.pick(&[1, 1, 1, 2, 3]);
        let mut workload = Self {
            codes: ["ALPHA", "BRAVO", "CHARLIE"]
                .iter()
                .take(codes)
                .filter_map(|c| BookingCode::parse(c).ok())
                .collect(),
            scripts: Vec::new(),
            shards: chance.pick(&[1, 1, 2]),
            drainers: chance.pick(&[1, 2, 2, 3]),
            auditors: chance.pick(&[0, 0, 1]),
            pace,
            faults: chance.pick(&[0, 20, 60, 60, 150, 300]),
            budget: chance.pick(&[1, 2, 4, 8, 16]),
            outages: Vec::new(),
            visibility: Duration::from_millis(chance.pick(&[100, 2_000, 30_000])),
            lease: chance.pick(&[200, 5_000, 60_000]),
            batch: chance.pick(&[1, 3, 10]),
            deferred_accept: !chance.one_in(8),
        };
        workload.scripts = scripts(seed, &mut chance, workload.codes.len());
        for _ in 0..chance.pick(&[0, 0, 1, 1, 2]) {
            let outage = outage(&mut chance, &workload);
            workload.outages.push(outage);
        }
        workload
    }
}

fn outage(chance: &mut Chance, workload: &Workload) -> Outage {
    let kinds = [
        Fault::Before(FailureKind::Unreachable),
        Fault::Before(FailureKind::Unreachable),
        Fault::Before(FailureKind::CircuitOpen),
        Fault::Before(FailureKind::NoAnswer),
        Fault::Before(FailureKind::ServerError),
        Fault::Before(FailureKind::Throttled),
        Fault::Before(FailureKind::Refused),
        Fault::After(FailureKind::NoAnswer),
        Fault::Late,
    ];
    let clients: Vec<_> = workload.scripts.iter().map(|(process, _)| *process).collect();
    let from = chance.pick(&[0, 0, 20, 100]) + chance.below(50).cast_signed();
    let stores = [Store::Reservations, Store::Reservations, Store::Events, Store::Events, Store::Queue, Store::Bus];
    Outage {
        store: chance.pick(&stores),
        process: chance.one_in(3).then(|| chance.pick(&clients)),
        from,
        until: from + chance.scale(30, 20_000).cast_signed(),
        fault: chance.pick(&kinds),
    }
}

fn scripts(seed: u64, chance: &mut Chance, codes: usize) -> Vec<(Process, Vec<Operation>)> {
    let mut scripts: Vec<(Process, Vec<Operation>)> = Vec::new();
    // Wide: batches that outrun the recent ids. Heavy: events that fill the item.
    let (wide, heavy) = chance.pick(&[(true, false), (false, true), (false, false)]);
    let (wide, heavy) = if chance.one_in(20) { (wide, heavy) } else { (false, false) };
    for number in 0..chance.pick(&[1, 2, 2, 3, 3, 4]) {
        let process = Process { role: Role::Writer, number };
        let mut script = Vec::new();
        for position in 0..chance.between(1, 3) {
            let mut chance = Chance::at(seed, Draw::Workload, process.key() << 16 | (position + 1));
            let earlier = scripts.iter().flat_map(|(_, operations)| operations).collect::<Vec<_>>();
            script.push(append(&mut chance, codes, &earlier, (number, position), (wide, heavy)));
        }
        scripts.push((process, script));
    }
    let ids: Vec<_> = scripts.iter().flat_map(|(_, operations)| operations).filter_map(first_id).collect();
    for number in 0..chance.between(0, 2) {
        let process = Process { role: Role::Reader, number: u16::try_from(number).unwrap_or(0) };
        let mut script = Vec::new();
        for position in 0..chance.between(1, 4) {
            let mut chance = Chance::at(seed, Draw::Workload, process.key() << 16 | (position + 1));
            script.push(read(&mut chance, codes, &ids));
        }
        scripts.push((process, script));
    }
    scripts
}

fn first_id(operation: &Operation) -> Option<EventId> {
    match operation {
        Operation::Append { events, .. } => events.first().map(|event| event.event_id),
        Operation::Read { .. } | Operation::Event { .. } | Operation::Summary { .. } => None,
    }
}

/// Whether what it expects is known only when it is made, so that a copy of it would be another request.
fn is_told(operation: &Operation) -> bool {
    matches!(operation, Operation::Append { expected: Expectation::Told, .. })
}

fn append(
    chance: &mut Chance,
    codes: usize,
    earlier: &[&Operation],
    (writer, position): (u16, u64),
    (wide, heavy): (bool, bool),
) -> Operation {
    // Another department's gateway sends the same request again, or a client uses an id for something else.
    let copied = (!earlier.is_empty() && chance.one_in(8)).then(|| earlier[chance.index(earlier.len())]);
    if let Some(Operation::Append { code, expected, events, .. }) = copied.filter(|operation| !is_told(operation)) {
        let mut events = events.clone();
        if let Some(event) = events.first_mut().filter(|_| chance.one_in(4)) {
            event.data = data(1000 + position, heavy);
        }
        // Nor is it always the same batch.
        match chance.below(8) {
            0 if events.len() > 1 => drop(events.pop()),
            1 if events.len() < MAX_EVENTS_PER_APPEND => events.push(event(writer, position, 200, heavy)),
            _ => {}
        }
        return Operation::Append { code: *code, expected: *expected, events, retries: 1 };
    }
    let count = if wide { chance.between(8, 25) } else { chance.pick(&[1, 1, 1, 2, 3]) };
    let first = position == 0 && !chance.one_in(3);
    let expected = match chance.below(6) {
        _ if first => Expectation::New,
        0 => Expectation::New,
        1 | 2 => Expectation::Any,
        3 => Expectation::Exact(chance.between(1, 4)),
        _ => Expectation::Told,
    };
    Operation::Append {
        code: chance.index(codes),
        expected,
        events: (0..count).map(|place| event(writer, position, place, heavy)).collect(),
        retries: chance.pick(&[0, 1, 2, 3]),
    }
}

fn read(chance: &mut Chance, codes: usize, ids: &[EventId]) -> Operation {
    let code = chance.index(codes);
    match chance.below(10) {
        0 => Operation::Summary { code },
        1 | 2 if !ids.is_empty() => Operation::Event { code, event_id: chance.pick(ids) },
        _ => Operation::Read {
            code,
            from: chance.pick(&[1, 1, 1, 1, 2, 3]),
            limit: chance.pick(&[100, 100, 100, 1, 2, 3]),
            told: chance.one_in(4),
            eventual: chance.one_in(6),
        },
    }
}

fn event(writer: u16, position: u64, place: u64, heavy: bool) -> NewEvent {
    NewEvent {
        event_id: event_id(writer, position, place),
        event_type: event_type(),
        occurred_at: None,
        data: data(place, heavy),
        metadata: None,
    }
}

/// The id of the `place`th event of a writer's operation. Its first bytes tell which.
fn event_id(writer: u16, position: u64, place: u64) -> EventId {
    let mut bytes = [0; 16];
    let byte = |number: u64| u8::try_from(number).unwrap_or(u8::MAX);
    bytes[..3].copy_from_slice(&[byte(u64::from(writer)), byte(position), byte(place)]);
    EventId::from_bytes(bytes)
}

/// The short name of an event of this simulation: writer, operation, place in its batch.
pub(crate) fn event_name(event_id: EventId) -> String {
    let [writer, position, place, ..] = event_id.as_bytes();
    format!("e{writer}.{position}.{place}")
}

#[expect(clippy::expect_used, reason = "constant text")]
fn event_type() -> EventType {
    EventType::parse("Priced").expect("a letter, then letters")
}

#[expect(clippy::expect_used, reason = "constant text but for a number")]
fn data(number: u64, heavy: bool) -> JsonObject {
    let filling = if heavy { "x".repeat(50_000) } else { String::new() };
    JsonObject::parse(&format!("{{\"n\":{number},\"x\":\"{filling}\"}}")).expect("an object")
}
