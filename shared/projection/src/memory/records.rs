//! Records in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use booking_store::BookingCode;
use booking_store::failure::StoreFailure;

use super::lock;
use crate::ports::{Records, Saved};
use crate::record::Record;

/// A projection's records by booking code.
#[derive(Default)]
pub struct MemoryRecords {
    records: Mutex<BTreeMap<BookingCode, Record>>,
}

impl MemoryRecords {
    /// Everything stored, by booking code.
    pub fn all(&self) -> Vec<Record> {
        lock(&self.records).values().cloned().collect()
    }

    /// The record of a booking.
    pub fn get(&self, booking_code: &BookingCode) -> Option<Record> {
        lock(&self.records).get(booking_code).cloned()
    }

    /// Puts `record` whatever is there: what another version of the code, or a restore, has left behind.
    pub fn set(&self, record: Record) {
        lock(&self.records).insert(record.booking_code.clone(), record);
    }
}

#[async_trait]
impl Records for MemoryRecords {
    async fn load(&self, booking_code: &BookingCode) -> Result<Option<Record>, StoreFailure> {
        Ok(self.get(booking_code))
    }

    async fn save(&self, record: &Record) -> Result<Saved, StoreFailure> {
        let mut records = lock(&self.records);
        let stored = records.get(&record.booking_code);
        // Closes the race of two workers at one booking: a write counts only on top of what its writer has read.
        if stored.map_or(0, |stored| stored.revision) != record.revision - 1 {
            return Ok(Saved::Moved(stored.cloned().map(Box::new)));
        }
        records.insert(record.booking_code.clone(), record.clone());
        Ok(Saved::Done)
    }
}
