//! The reservations table in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;

use super::lock;
use crate::failure::StoreFailure;
use crate::ports::{Claims, ConflictKept, Cursor, Decided, Reservations, StalePage, Trimmed};
use crate::reservation::Trim;
use crate::{BookingCode, Conflict, Decision, Image, Timestamp};

#[derive(Default)]
struct State {
    claims: BTreeMap<BookingCode, Claims>,
    stream: Vec<Image>,
}

/// Reservations and conflict items by code, and the stream of their images.
#[derive(Default)]
pub struct MemoryReservations {
    state: Mutex<State>,
}

impl MemoryReservations {
    /// The images from position `after` on, in the order the writes happened.
    pub fn stream(&self, after: usize) -> Vec<Image> {
        lock(&self.state).stream.get(after..).unwrap_or_default().to_vec()
    }

    /// Everything the table holds.
    pub fn all(&self) -> Vec<(BookingCode, Claims)> {
        lock(&self.state).claims.iter().map(|(code, claims)| (code.clone(), claims.clone())).collect()
    }
}

#[async_trait]
impl Reservations for MemoryReservations {
    async fn decide(&self, decision: &Decision) -> Result<Decided, StoreFailure> {
        let mut state = lock(&self.state);
        let claims = state.claims.entry(decision.booking_code.clone()).or_default();
        if !decision.granted_by(claims.reservation.as_ref()) {
            return Ok(Decided::Refused(claims.reservation.clone().map(Box::new)));
        }
        let new = decision.apply(claims.reservation.as_ref());
        claims.reservation = Some(new.clone());
        state.stream.push(Image::Reservation(Box::new(new.clone())));
        Ok(Decided::Granted(Box::new(new)))
    }

    async fn claims(&self, booking_code: &BookingCode) -> Result<Claims, StoreFailure> {
        Ok(lock(&self.state).claims.get(booking_code).cloned().unwrap_or_default())
    }

    async fn trim(&self, booking_code: &BookingCode, trim: &Trim) -> Result<Trimmed, StoreFailure> {
        let mut state = lock(&self.state);
        let old = state.claims.get_mut(booking_code).and_then(|claims| claims.reservation.as_mut());
        let Some(old) = old else { return Ok(Trimmed::Moved(None)) };
        if old.settled != trim.from {
            return Ok(Trimmed::Moved(Some(Box::new(old.clone()))));
        }
        *old = old.clone().trimmed(trim);
        let image = Image::Reservation(Box::new(old.clone()));
        state.stream.push(image);
        Ok(Trimmed::Done)
    }

    async fn keep_conflict(&self, conflict: &Conflict) -> Result<ConflictKept, StoreFailure> {
        let mut state = lock(&self.state);
        let claims = state.claims.entry(conflict.booking_code.clone()).or_default();
        if let Some(kept) = claims.conflicts.iter().find(|kept| kept.event.event_id == conflict.event.event_id) {
            let same = kept.event == conflict.event;
            return Ok(if same { ConflictKept::Kept } else { ConflictKept::OtherPayload });
        }
        claims.conflicts.push(conflict.clone());
        claims.conflicts.sort_by_key(|kept| kept.event.event_id);
        state.stream.push(Image::Conflict(Box::new(conflict.clone())));
        Ok(ConflictKept::Kept)
    }

    async fn stale(
        &self,
        before: Timestamp,
        segment: u32,
        segments: u32,
        _after: Option<&Cursor>,
    ) -> Result<StalePage, StoreFailure> {
        let state = lock(&self.state);
        let mine =
            state.claims.values().enumerate().filter(|(i, _)| *i as u64 % u64::from(segments) == u64::from(segment));
        let stale = mine
            .filter_map(|(_, claims)| claims.reservation.clone())
            .filter(|reservation| reservation.pending.first().is_some_and(|event| event.accepted_at < before));
        Ok(StalePage { reservations: stale.collect(), next: None })
    }
}
