//! The price of a booking, as its events tell it: the projection's state and its pure `apply`.
//!
//! A later event replaces what an earlier one said. What an event does not say stays as it was: a cancellation keeps
//! the total, an amendment without a currency keeps the currency.

use booking_store::Timestamp;
use projection::{Applied, ApplyError, Projection, RecordedEvent};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::total::Total;

/// The projection's name, and that of its consumer in an order to replay.
pub const CONSUMER: &str = "price-projection";
/// Longest currency, in characters: ISO 4217 has three, and others are not refused for that.
const MAX_CURRENCY_LEN: usize = 16;

/// What the last event about the price said of the booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// `BookingPriced`
    Priced,
    /// `BookingAmended`
    Amended,
    /// `BookingCancelled`
    Cancelled,
    /// `BookingNoShow`
    NoShow,
    /// `BookingCheckedOut`
    CheckedOut,
}

/// The current price of a booking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// The exact total; `None` as long as no event has named one.
    pub total: Option<Total>,
    /// Its currency; `None` as long as no event has named one.
    pub currency: Option<String>,
    /// How far the booking is.
    pub state: Status,
    /// When the last event about the price happened.
    pub as_of: Timestamp,
}

/// The price projection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Prices;

impl Projection for Prices {
    /// `None`: no event so far was about a price.
    type State = Option<Price>;

    fn name(&self) -> &str {
        CONSUMER
    }

    fn apply(&self, state: &mut Self::State, event: &RecordedEvent) -> Result<Applied, ApplyError> {
        let (status, said) = match event.kind() {
            "BookingPriced" => (Status::Priced, Said::with_total(event)?),
            "BookingAmended" => (Status::Amended, Said::with_total(event)?),
            "BookingCheckedOut" => (Status::CheckedOut, Said::of(event)?),
            "BookingCancelled" => (Status::Cancelled, Said::default()),
            "BookingNoShow" => (Status::NoShow, Said::default()),
            _ => return Ok(Applied::Unknown),
        };
        let (total, currency) = state.take().map_or((None, None), |before| (before.total, before.currency));
        *state = Some(Price {
            total: said.total.or(total),
            currency: said.currency.or(currency),
            state: status,
            as_of: event.occurred_at,
        });
        Ok(Applied::Known)
    }
}

/// What an event says of the price. `null` says as little as nothing.
#[derive(Default)]
struct Said {
    total: Option<Total>,
    currency: Option<String>,
}

impl Said {
    fn of(event: &RecordedEvent) -> Result<Self, ApplyError> {
        /// Kept raw, so that no error repeats a customer's data.
        #[derive(Deserialize)]
        struct Data {
            total: Option<Box<RawValue>>,
            currency: Option<Box<RawValue>>,
        }
        let data = serde_json::from_str::<Data>(event.data.as_str());
        let data = data.map_err(|_| ApplyError::new("data: total or currency is there more than once"))?;
        let total = data.total.map(|total| Total::from_json(&total)).transpose();
        Ok(Self {
            total: total.map_err(|invalid| ApplyError::new(format!("data.total {invalid}")))?,
            currency: data.currency.map(|currency| currency_of(&currency)).transpose()?,
        })
    }

    fn with_total(event: &RecordedEvent) -> Result<Self, ApplyError> {
        let said = Self::of(event)?;
        if said.total.is_some() { Ok(said) } else { Err(ApplyError::new("data.total is missing")) }
    }
}

fn currency_of(value: &RawValue) -> Result<String, ApplyError> {
    let text = serde_json::from_str::<String>(value.get()).ok();
    let text = text.filter(|text| (1..=MAX_CURRENCY_LEN).contains(&text.chars().count()));
    text.ok_or_else(|| ApplyError::new(format!("data.currency must be a text of 1 to {MAX_CURRENCY_LEN} characters")))
}

#[cfg(test)]
#[path = "price_tests.rs"]
mod tests;
