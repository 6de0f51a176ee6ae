//! The in-memory stores behind [`Faults`]. Two invariants are checked in every act, because afterwards it is too late:
//! what is recorded never changes and leaves no gap (4), and only what is recorded is published (5).

use std::collections::BTreeMap;
use std::sync::Arc;

use booking_store::around::{Around, Call, wrap};
use booking_store::failure::StoreFailure;
use booking_store::memory::{Memory, Published};
use booking_store::ports::Stores;
use booking_store::{BookingCode, Event, Version};

use crate::faults::Faults;

/// The stores of `memory` as the protocol takes them, behind `faults`.
pub(crate) fn stores(memory: &Memory, faults: Arc<Faults>) -> Stores {
    wrap(wrap(memory.stores(), Checks { memory: memory.clone() }), faults)
}

struct Checks {
    memory: Memory,
}

impl Around for Checks {
    async fn around<T: Send>(
        &self,
        call: Call,
        act: impl Future<Output = Result<T, StoreFailure>> + Send,
    ) -> Result<T, StoreFailure> {
        let before = self.record();
        let published = self.memory.bus.entries().len();
        let answer = act.await;
        if call == Call::Record {
            self.has_only_grown(&before);
        }
        if call == Call::Publish {
            self.was_recorded(&before, published);
        }
        answer
    }
}

impl Checks {
    /// Everything recorded.
    fn record(&self) -> BTreeMap<BookingCode, Vec<Event>> {
        let codes = self.memory.reservations.all().into_iter().map(|(code, _)| code);
        codes.map(|code| (code.clone(), self.memory.events.of(&code))).collect()
    }

    fn has_only_grown(&self, before: &BTreeMap<BookingCode, Vec<Event>>) {
        for (code, after) in self.record() {
            let old = before.get(&code).map_or(&[][..], Vec::as_slice);
            assert_eq!(after.get(..old.len()), Some(old), "a recorded event of {code} changed");
            let versions = after.iter().map(|event| event.version);
            assert!(versions.eq((1..).map(Version::new).take(after.len())), "a gap in the record of {code}");
        }
    }

    fn was_recorded(&self, before: &BTreeMap<BookingCode, Vec<Event>>, published: usize) {
        for entry in self.memory.bus.entries().into_iter().skip(published) {
            if let Published::Event(code, event) | Published::Replay(code, event, _) = entry {
                let recorded = before.get(&code).is_some_and(|events| events.contains(&event));
                assert!(recorded, "{code} {} is published and not recorded", event.version);
            }
        }
    }
}
