//! Fault switches: each store can be put down, made slow, or made to act without answering; and what the bus delivers to
//! targets can be lost, doubled and shuffled, or not delivered at all.
//!
//! They sit between the adapter and the circuit breaker, so everything above meets the fault as it would
//! meet the real one. Switches are not kept: a restart begins with all stores up.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use booking_store::around::{Around, Call, wrap};
use booking_store::failure::{FailureKind, Store, StoreFailure};
use booking_store::ports::Stores;
use serde::{Deserialize, Serialize};

/// How long a store that is down takes to refuse the connection.
const REFUSAL: Duration = Duration::from_millis(3);
/// How much later a slow store acts.
const SLOWNESS: Duration = Duration::from_millis(400);
/// How long nobody answers before the caller gives up. Shorter than the real time-outs, so that a demo goes on.
const SILENCE: Duration = Duration::from_millis(200);

/// What a store does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It works.
    #[default]
    Up,
    /// It can't be reached: every call fails at once and does nothing.
    Down,
    /// It works, late.
    Slow,
    /// It acts, and the caller gets a time-out; what is read gets lost.
    Unknown,
}

/// What becomes of entries between the bus and the targets of its rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// Each is delivered at least once.
    #[default]
    Up,
    /// About one in ten is dropped, about one in ten comes twice, and neighbours change places.
    Lossy,
    /// No target can be reached.
    Down,
}

/// What is to be switched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The stores named, and what they do from now on.
    pub stores: BTreeMap<Store, Mode>,
    /// What becomes of entries that the bus takes from now on.
    pub delivery: Option<Delivery>,
    /// What the losses follow from.
    pub delivery_seed: Option<u64>,
}

/// All switches, as they are shown.
#[derive(Debug, Default, Serialize)]
pub struct Switches {
    /// What every store does, by name.
    #[serde(flatten)]
    pub stores: BTreeMap<&'static str, Mode>,
    /// What becomes of entries for targets.
    pub delivery: Delivery,
    /// What the losses follow from.
    pub delivery_seed: u64,
}

#[derive(Debug, Default)]
struct State {
    stores: BTreeMap<Store, Mode>,
    delivery: Delivery,
    delivery_seed: u64,
}

/// The switches. Clones are the same switches.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    state: Arc<RwLock<State>>,
}

impl Faults {
    /// What `store` does.
    pub fn mode(&self, store: Store) -> Mode {
        self.state().stores.get(&store).copied().unwrap_or_default()
    }

    /// Whether queues can't be reached; their pollers and senders meet that like everyone else.
    pub fn queues_are_down(&self) -> bool {
        matches!(self.mode(Store::Queue), Mode::Down | Mode::Unknown)
    }

    /// What becomes of entries for targets.
    pub fn delivery(&self) -> Delivery {
        self.state().delivery
    }

    /// The seed of the losses, while there are any.
    pub fn lossy_delivery(&self) -> Option<u64> {
        let state = self.state();
        (state.delivery == Delivery::Lossy).then_some(state.delivery_seed)
    }

    /// Everything.
    pub fn all(&self) -> Switches {
        let stores = Store::ALL.into_iter().map(|store| (store.name(), self.mode(store))).collect();
        let state = self.state();
        Switches { stores, delivery: state.delivery, delivery_seed: state.delivery_seed }
    }

    /// Switches what is named, all at once.
    pub fn switch(&self, change: Change) {
        tracing::info!(?change, "faults switched");
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.stores.extend(change.stores);
        state.delivery = change.delivery.unwrap_or(state.delivery);
        state.delivery_seed = change.delivery_seed.unwrap_or(state.delivery_seed);
    }

    fn state(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// `stores` behind these switches.
    pub fn between(&self, stores: Stores) -> Stores {
        wrap(stores, self.clone())
    }
}

impl Around for Faults {
    async fn around<T: Send>(
        &self,
        call: Call,
        act: impl Future<Output = Result<T, StoreFailure>> + Send,
    ) -> Result<T, StoreFailure> {
        let store = call.store();
        match self.mode(store) {
            Mode::Up => act.await,
            Mode::Down => {
                pause(REFUSAL).await;
                Err(StoreFailure::new(store, FailureKind::Unreachable).because("switched down"))
            }
            Mode::Slow => {
                pause(SLOWNESS).await;
                act.await
            }
            Mode::Unknown => {
                if call.writes() {
                    let lost = act.await;
                    tracing::debug!(store = store.name(), done = lost.is_ok(), "answer lost");
                }
                pause(SILENCE).await;
                Err(StoreFailure::new(store, FailureKind::NoAnswer).because("switched to unknown outcomes"))
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a fault takes its time")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

#[cfg(test)]
mod tests {
    use booking_store::clock::System;
    use booking_store::memory::Memory;
    use booking_store::queue_message::QueueMessage;
    use booking_store::{BookingCode, EventId};

    use super::*;

    fn only<const N: usize>(modes: [(Store, Mode); N]) -> Change {
        Change { stores: BTreeMap::from(modes), ..Change::default() }
    }

    fn message() -> QueueMessage {
        QueueMessage::Settle { booking_code: BookingCode::parse("X").unwrap(), event_id: EventId::from_bytes([1; 16]) }
    }

    #[tokio::test(start_paused = true)]
    async fn each_mode_does_as_it_says() {
        let (memory, faults) = (Memory::new(Arc::new(System)), Faults::default());
        let stores = faults.between(memory.stores());
        let set = |mode| faults.switch(only([(Store::Queue, mode), (Store::Events, mode)]));
        let code = BookingCode::parse("X").unwrap();

        set(Mode::Down);
        let failure = stores.queue.send(&message()).await.unwrap_err();
        assert_eq!((failure.kind, failure.effect_possible), (FailureKind::Unreachable, false));
        assert_eq!(memory.queue.bodies().len(), 0);

        set(Mode::Unknown);
        let failure = stores.queue.send(&message()).await.unwrap_err();
        assert_eq!((failure.kind, failure.effect_possible), (FailureKind::NoAnswer, true));
        assert_eq!(memory.queue.bodies().len(), 1);
        assert_eq!(stores.events.highest(&code).await.unwrap_err().kind, FailureKind::NoAnswer);

        set(Mode::Slow);
        let begun = tokio::time::Instant::now();
        assert!(stores.events.highest(&code).await.unwrap().is_none());
        assert_eq!(begun.elapsed(), SLOWNESS);

        set(Mode::Up);
        assert!(stores.events.highest(&code).await.unwrap().is_none());
        assert!(stores.reservations.claims(&code).await.unwrap().reservation.is_none());
    }

    #[test]
    fn all_are_up_until_switched() {
        let faults = Faults::default();
        faults.switch(only([(Store::Bus, Mode::Slow)]));
        let shown = serde_json::to_string(&faults.all()).unwrap();
        let expected =
            r#"{"bus":"slow","events":"up","queue":"up","reservations":"up","delivery":"up","delivery_seed":0}"#;
        assert_eq!(shown, expected);
        assert_eq!(faults.lossy_delivery(), None);
        faults.switch(Change { delivery: Some(Delivery::Lossy), delivery_seed: Some(7), ..Change::default() });
        assert_eq!((faults.lossy_delivery(), faults.mode(Store::Bus)), (Some(7), Mode::Slow));
    }
}
