//! The reaction: a call to a buyer who has accepted an offer.

use std::sync::Arc;

use async_trait::async_trait;
use projection::ports::SourcePage;
use projection::{Projection, ReactionError, Reactions, RecordedEvent, Source};

use crate::leads::{Leads, LeadsByBuyer, OfOffer};

/// Whoever makes the calls.
#[async_trait]
pub trait CallDesk: Send + Sync {
    /// Has `buyer` called about `offer`. `idempotency_key` is the same when it is asked again, which happens if the
    /// process dies right after the call.
    ///
    /// # Errors
    /// The desk can't be reached; the kit tries again.
    async fn call(&self, idempotency_key: &str, buyer: &str, offer: &str) -> Result<(), ReactionError>;
}

/// Reacts to acceptances.
pub struct Dealer {
    /// What is true, for a last look before a call.
    pub source: Arc<dyn Source>,
    /// Who calls.
    pub desk: Arc<dyn CallDesk>,
}

#[async_trait]
impl Reactions<Leads> for Dealer {
    fn concerns(&self, event: &RecordedEvent) -> bool {
        event.kind() == "OfferAccepted"
    }

    async fn react(&self, leads: &Leads, event: &RecordedEvent) -> Result<(), ReactionError> {
        let OfOffer { offer } = event.decode().map_err(ReactionError::new)?;
        let wanted = |leads: &Leads| leads.to_call().any(|(to_call, _)| to_call == offer);
        // `leads` is the state at the acceptance. Whether it still holds only the source can tell: the withdrawal may
        // have been accepted and not delivered yet.
        if wanted(leads) && wanted(&self.newest(leads, event).await?) {
            let key = event.event_id.to_string();
            self.desk.call(&key, event.booking_code.as_str(), &offer).await?;
        }
        Ok(())
    }
}

impl Dealer {
    /// `leads` and what happened after `event`.
    async fn newest(&self, leads: &Leads, event: &RecordedEvent) -> Result<Leads, ReactionError> {
        let mut newest = leads.clone();
        let mut from = Some(event.version.next());
        while let Some(version) = from {
            let page = self.source.page(&event.booking_code, version, event.version).await;
            let SourcePage { events, next } = page.map_err(ReactionError::new)?;
            for later in &events {
                LeadsByBuyer.apply(&mut newest, later).map_err(ReactionError::new)?;
            }
            from = next;
        }
        Ok(newest)
    }
}
