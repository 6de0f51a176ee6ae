//! Fault switches: each store can be put down, made slow, or made to act without answering.
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

/// The switches of the four stores. Clones are the same switches.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    modes: Arc<RwLock<BTreeMap<Store, Mode>>>,
}

impl Faults {
    /// What `store` does.
    pub fn mode(&self, store: Store) -> Mode {
        self.modes.read().unwrap_or_else(PoisonError::into_inner).get(&store).copied().unwrap_or_default()
    }

    /// What every store does, by name.
    pub fn all(&self) -> BTreeMap<&'static str, Mode> {
        Store::ALL.into_iter().map(|store| (store.name(), self.mode(store))).collect()
    }

    /// Switches the named stores, all at once.
    pub fn switch(&self, modes: BTreeMap<Store, Mode>) {
        for (store, mode) in &modes {
            tracing::info!(store = store.name(), ?mode, "fault switched");
        }
        self.modes.write().unwrap_or_else(PoisonError::into_inner).extend(modes);
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

    fn message() -> QueueMessage {
        QueueMessage::Settle { booking_code: BookingCode::parse("X").unwrap(), event_id: EventId::from_bytes([1; 16]) }
    }

    #[tokio::test(start_paused = true)]
    async fn each_mode_does_as_it_says() {
        let (memory, faults) = (Memory::new(Arc::new(System)), Faults::default());
        let stores = faults.between(memory.stores());
        let set = |mode| faults.switch(BTreeMap::from([(Store::Queue, mode), (Store::Events, mode)]));
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
        faults.switch(BTreeMap::from([(Store::Bus, Mode::Slow)]));
        let shown = serde_json::to_string(&faults.all()).unwrap();
        assert_eq!(shown, r#"{"bus":"slow","events":"up","queue":"up","reservations":"up"}"#);
    }
}
