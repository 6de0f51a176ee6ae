//! The state: a buyer's leads. Pure.

use std::collections::BTreeMap;

use projection::{Applied, ApplyError, Projection, RecordedEvent};
use serde::{Deserialize, Serialize};

/// How warm a lead is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// An offer was made.
    Low,
    /// The buyer has accepted it.
    High,
}

/// A car a buyer may buy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lead {
    /// Which car.
    pub car: String,
    /// The price offered, as its author wrote it.
    pub price: String,
    /// How warm it is.
    pub priority: Priority,
}

/// The leads of one buyer, by offer. A map in order: equal leads have equal JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leads(pub BTreeMap<String, Lead>);

impl Leads {
    /// The offers that a buyer is to be called about.
    pub fn to_call(&self) -> impl Iterator<Item = (&str, &Lead)> {
        let leads = self.0.iter().map(|(offer, lead)| (offer.as_str(), lead));
        leads.filter(|(_, lead)| lead.priority == Priority::High)
    }
}

#[derive(Deserialize)]
struct OfferMade {
    offer: String,
    car: String,
    price: String,
}

#[derive(Deserialize)]
pub(crate) struct OfOffer {
    pub(crate) offer: String,
}

/// The projection.
#[derive(Clone, Copy, Debug)]
pub struct LeadsByBuyer;

impl Projection for LeadsByBuyer {
    type State = Leads;

    fn name(&self) -> &str {
        "car-sales-leads"
    }

    fn apply(&self, leads: &mut Leads, event: &RecordedEvent) -> Result<Applied, ApplyError> {
        match event.kind() {
            "OfferMade" => {
                let OfferMade { offer, car, price } = event.decode()?;
                leads.0.insert(offer, Lead { car, price, priority: Priority::Low });
            }
            "OfferAccepted" => {
                let OfOffer { offer } = event.decode()?;
                // The stream is in order, so an acceptance of nothing is one of an offer that was withdrawn before.
                if let Some(lead) = leads.0.get_mut(&offer) {
                    lead.priority = Priority::High;
                }
            }
            "OfferWithdrawn" => {
                let OfOffer { offer } = event.decode()?;
                leads.0.remove(&offer);
            }
            _ => return Ok(Applied::Unknown),
        }
        Ok(Applied::Known)
    }
}
