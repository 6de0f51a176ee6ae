//! The reservations table behind its switch.

use async_trait::async_trait;
use booking_store::failure::StoreFailure;
use booking_store::ports::{Claims, ConflictKept, Cursor, Decided, Reservations, StalePage, Trimmed};
use booking_store::reservation::Trim;
use booking_store::{BookingCode, Conflict, Decision, Timestamp};

use super::Faulty;

#[async_trait]
impl Reservations for Faulty<dyn Reservations> {
    async fn decide(&self, decision: &Decision) -> Result<Decided, StoreFailure> {
        self.write(self.port.decide(decision)).await
    }

    async fn claims(&self, booking_code: &BookingCode) -> Result<Claims, StoreFailure> {
        self.read(self.port.claims(booking_code)).await
    }

    async fn trim(&self, booking_code: &BookingCode, trim: &Trim) -> Result<Trimmed, StoreFailure> {
        self.write(self.port.trim(booking_code, trim)).await
    }

    async fn keep_conflict(&self, conflict: &Conflict) -> Result<ConflictKept, StoreFailure> {
        self.write(self.port.keep_conflict(conflict)).await
    }

    async fn stale(
        &self,
        before: Timestamp,
        segment: u32,
        segments: u32,
        after: Option<&Cursor>,
    ) -> Result<StalePage, StoreFailure> {
        self.read(self.port.stale(before, segment, segments, after)).await
    }
}
