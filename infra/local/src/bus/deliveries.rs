//! Reading the log of deliveries.

use booking_store::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Row, Transaction, params};
use serde::Serialize;
use serde_json::value::RawValue;

use super::LocalBus;
use crate::ledger::LedgerError;

/// One entry the bus delivered.
#[derive(Debug, Serialize)]
pub struct Delivery {
    /// Its place in the order of delivery.
    pub n: i64,
    /// When.
    pub delivered_at: Option<Timestamp>,
    /// The rules that matched then.
    pub rules: Vec<String>,
    /// The envelope.
    pub entry: Box<RawValue>,
}

/// A page of deliveries.
#[derive(Debug, Serialize)]
pub struct Deliveries {
    /// In order of delivery.
    pub deliveries: Vec<Delivery>,
    /// Ask for what comes after this place.
    pub next: i64,
}

impl LocalBus {
    /// Up to `limit` deliveries after place `after`, of one rule if it is named.
    pub async fn deliveries(&self, after: i64, limit: u32, rule: Option<&str>) -> Result<Deliveries, LedgerError> {
        let rule = rule.map(str::to_owned);
        let page = move |t: &Transaction<'_>| {
            let mut deliveries: Vec<Delivery> = match rule {
                None => t
                    .prepare_cached("SELECT n, delivered_at, entry FROM deliveries WHERE n > ?1 ORDER BY n LIMIT ?2")?
                    .query_map(params![after, limit], delivery)?
                    .collect::<rusqlite::Result<_>>()?,
                Some(rule) => t
                    .prepare_cached(
                        "SELECT n, delivered_at, entry FROM delivery_rules JOIN deliveries USING (n)
                         WHERE rule = ?3 AND n > ?1 ORDER BY n LIMIT ?2",
                    )?
                    .query_map(params![after, limit, rule], delivery)?
                    .collect::<rusqlite::Result<_>>()?,
            };
            let mut matched = t.prepare_cached("SELECT rule FROM delivery_rules WHERE n = ?1 ORDER BY rule")?;
            for delivery in &mut deliveries {
                delivery.rules = matched.query_map([delivery.n], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            }
            let next = deliveries.last().map_or(after, |last| last.n);
            Ok(Deliveries { deliveries, next })
        };
        self.ledger.read(page).await
    }
}

fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let entry = RawValue::from_string(row.get(2)?);
    let entry = entry.map_err(|error| rusqlite::Error::FromSqlConversionFailure(2, Type::Text, Box::new(error)))?;
    let delivered_at = Timestamp::from_unix_milliseconds(row.get(1)?);
    Ok(Delivery { n: row.get(0)?, delivered_at, rules: Vec::new(), entry })
}
