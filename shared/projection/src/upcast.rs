//! Upcasting: old shapes of events become new ones before anybody sees them.

use booking_store::EventType;

use crate::event::RecordedEvent;
use crate::projection::ApplyError;

type Rule = Box<dyn Fn(RecordedEvent) -> Result<RecordedEvent, ApplyError> + Send + Sync>;

/// A chain of rules, each for one event type. An event passes the chain once, from the first rule to the last; a rule
/// whose type is the event's at that moment changes it. So a rule per step of the history is enough, and a rule may
/// keep the type. Version, id and booking code can't be changed by a rule.
#[derive(Default)]
pub struct Upcasts {
    rules: Vec<(EventType, Rule)>,
}

impl Upcasts {
    /// No rule.
    pub fn none() -> Self {
        Self::default()
    }

    /// The chain with one more rule at its end, for events of type `from`. The rule must be pure.
    #[must_use]
    pub fn then(
        mut self,
        from: EventType,
        rule: impl Fn(RecordedEvent) -> Result<RecordedEvent, ApplyError> + Send + Sync + 'static,
    ) -> Self {
        self.rules.push((from, Box::new(rule)));
        self
    }

    /// `event` in its newest shape.
    ///
    /// # Errors
    /// A rule refused it.
    pub fn upcast(&self, event: &RecordedEvent) -> Result<RecordedEvent, ApplyError> {
        let mut new = event.clone();
        for (from, rule) in &self.rules {
            if new.event_type == *from {
                new = rule(new)?;
            }
        }
        let (booking_code, version, event_id) = (event.booking_code.clone(), event.version, event.event_id);
        Ok(RecordedEvent { booking_code, version, event_id, ..new })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}
