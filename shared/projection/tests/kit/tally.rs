//! The projection of the tests: its state shows every event it took and in which order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use booking_store::{BookingCode, EventId, EventType, JsonObject, Timestamp, Version};
use projection::{Applied, ApplyError, Projection, RecordedEvent, UnknownPolicy};
use serde::{Deserialize, Serialize};

/// What a tally knows of a booking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trail {
    pub(crate) amounts: Vec<u64>,
    pub(crate) total: u64,
}

#[derive(Deserialize)]
struct Data {
    amount: u64,
    #[serde(default)]
    poison: bool,
}

/// Adds up amounts. Poisonous events are refused until it is `mended`.
#[derive(Clone)]
pub(crate) struct Tally {
    pub(crate) mended: Arc<AtomicBool>,
    pub(crate) state_version: u32,
    pub(crate) on_unknown: UnknownPolicy,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self { mended: Arc::default(), state_version: 1, on_unknown: UnknownPolicy::Ignore }
    }

    pub(crate) fn mend(&self) {
        self.mended.store(true, Ordering::SeqCst);
    }
}

impl Projection for Tally {
    type State = Trail;

    fn name(&self) -> &str {
        "tally"
    }

    fn state_version(&self) -> u32 {
        self.state_version
    }

    fn on_unknown(&self) -> UnknownPolicy {
        self.on_unknown
    }

    fn apply(&self, trail: &mut Trail, event: &RecordedEvent) -> Result<Applied, ApplyError> {
        if event.kind() != "Added" {
            return Ok(Applied::Unknown);
        }
        let data: Data = event.decode()?;
        // Half done before it fails: the kit must not keep it.
        trail.total += data.amount;
        if data.poison && !self.mended.load(Ordering::SeqCst) {
            return Err(ApplyError::new("poison"));
        }
        trail.amounts.push(data.amount);
        Ok(Applied::Known)
    }
}

/// The state that `events` give, poison or not.
pub(crate) fn fold<'a>(events: impl IntoIterator<Item = &'a RecordedEvent>) -> Trail {
    let tally = Tally::new();
    tally.mend();
    let mut trail = Trail::default();
    events.into_iter().for_each(|event| {
        tally.apply(&mut trail, event).unwrap();
    });
    trail
}

pub(crate) fn code(text: &str) -> BookingCode {
    BookingCode::parse(text).unwrap()
}

/// An event that adds `amount`; its version is the source's to give.
pub(crate) fn added(booking_code: &BookingCode, amount: u64) -> RecordedEvent {
    event(booking_code, "Added", &format!("{{\"amount\":{amount}}}"), amount)
}

pub(crate) fn poison(booking_code: &BookingCode, amount: u64) -> RecordedEvent {
    event(booking_code, "Added", &format!("{{\"amount\":{amount},\"poison\":true}}"), amount)
}

pub(crate) fn event(booking_code: &BookingCode, event_type: &str, data: &str, id: u64) -> RecordedEvent {
    let at = Timestamp::parse("2026-11-21T08:00:00Z").unwrap();
    RecordedEvent {
        booking_code: booking_code.clone(),
        version: Version::NONE,
        event_id: EventId::from_bytes((u128::from(id) << 64 | 0x7000_8000).to_be_bytes()),
        event_type: EventType::parse(event_type).unwrap(),
        occurred_at: at,
        accepted_at: at,
        data: JsonObject::parse(data).unwrap(),
        metadata: None,
    }
}
