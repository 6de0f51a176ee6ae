//! What is on its way to the targets.
//!
//! A row an entry and rule, made in the transaction that takes the entry; it leaves when the target has the entry, or
//! when the rule gives it up: after so many retries, at such an age, or at once if the target refuses it for good. What
//! is given up is a dead letter of the rule and can be sent again.

use std::time::Duration;

use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;

use super::lossy::Fate;
use super::{LocalBus, Rule, Target};
use crate::ledger::LedgerError;
use crate::queue::{LocalQueue, NewDeadLetter, insert_dead_letter};

/// Pause before the first retry; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Longest pause before a retry.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// An entry on its way to a rule's target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    id: i64,
    /// The entry's place in the log.
    pub n: i64,
    taken_at: i64,
    attempts: u32,
    entry_id: String,
    /// The envelope.
    pub entry: String,
}

/// How a delivery went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The target has it.
    Delivered,
    /// It may be tried again.
    Failed(String),
    /// The target will never take it.
    Refused(String),
}

/// How a rule's deliveries stand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleStatus {
    /// The rule.
    pub rule: String,
    /// Where it sends to, if anywhere.
    pub target: Option<Target>,
    /// Entries on their way.
    pub waiting: i64,
    /// Age of the oldest of them.
    pub lag_s: i64,
    /// Deliveries that the target took.
    pub delivered: i64,
    /// Entries that a lossy bus dropped.
    pub dropped: i64,
    /// Entries that a lossy bus delivered twice.
    pub duplicated: i64,
    /// Attempts that failed.
    pub failed_attempts: i64,
    /// How the last of them failed.
    pub last_error: Option<String>,
    /// Entries given up.
    pub dead_letters: i64,
}

/// Puts entry `n` into the outbox of `rule`, as `fate` has it.
pub(super) fn put(t: &Transaction<'_>, rule: &str, n: i64, now: i64, fate: Option<Fate>) -> rusqlite::Result<()> {
    let copies = fate.map_or_else(|| vec![Duration::ZERO], |fate| fate.copies);
    let mut insert = t.prepare_cached("INSERT INTO outbox (rule, n, taken_at, due_at) VALUES (?1, ?2, ?3, ?4)")?;
    for held_back in &copies {
        insert.execute(params![rule, n, now, now.saturating_add(milliseconds(*held_back))])?;
    }
    match copies.len() {
        0 => count(t, rule, "dropped", 1),
        1 => Ok(()),
        _ => count(t, rule, "duplicated", 1),
    }
}

impl LocalBus {
    /// Up to `limit` entries that `rule` is to deliver now.
    pub async fn due(&self, rule: &str, limit: usize) -> Result<Vec<Parcel>, LedgerError> {
        let (rule, now, limit) = (rule.to_owned(), self.now(), i64::try_from(limit).unwrap_or(i64::MAX));
        let due = move |t: &Transaction<'_>| {
            t.prepare_cached(
                "SELECT id, n, taken_at, attempts, entry_id, entry FROM outbox JOIN deliveries USING (n)
                 WHERE rule = ?1 AND due_at <= ?2 ORDER BY due_at, id LIMIT ?3",
            )?
            .query_map(params![rule, now, limit], |row| {
                Ok(Parcel {
                    id: row.get(0)?,
                    n: row.get(1)?,
                    taken_at: row.get(2)?,
                    attempts: row.get(3)?,
                    entry_id: row.get(4)?,
                    entry: row.get(5)?,
                })
            })?
            .collect()
        };
        self.ledger.read(due).await
    }

    /// How long until the next delivery that is not due yet.
    pub async fn next_due_in(&self) -> Result<Option<Duration>, LedgerError> {
        let now = self.now();
        let next = move |t: &Transaction<'_>| {
            t.prepare_cached("SELECT MIN(due_at) FROM outbox WHERE due_at > ?1")?.query_row([now], |row| row.get(0))
        };
        let next: Option<i64> = self.ledger.read(next).await?;
        Ok(next.map(|at| Duration::from_millis(at.saturating_sub(now).unsigned_abs())))
    }

    /// Hands `parcels` to a queue, all of them or none.
    pub async fn hand_over(&self, rule: &Rule, queue: &LocalQueue, parcels: Vec<Parcel>) -> Result<(), LedgerError> {
        let (rule, receiver) = (rule.name.clone(), queue.clone());
        let hand_over = move |t: &Transaction<'_>| {
            let mut handed = 0;
            for parcel in &parcels {
                // Nobody else delivers, but the rule may be gone, and its parcels with it.
                if leave(t, parcel)? {
                    receiver.push_in(t, &receiver.new_id(), &parcel.entry)?;
                    handed += 1;
                }
            }
            count(t, &rule, "delivered", handed)
        };
        self.ledger.write(hand_over).await?;
        queue.wake();
        Ok(())
    }

    /// Learns how the delivery of a parcel went.
    pub async fn settle(&self, rule: &Rule, parcel: Parcel, outcome: Outcome) -> Result<(), LedgerError> {
        let (rule, now) = (rule.clone(), self.now());
        let settle = move |t: &Transaction<'_>| {
            let (reason, for_good) = match outcome {
                Outcome::Delivered => {
                    leave(t, &parcel)?;
                    return count(t, &rule.name, "delivered", 1);
                }
                Outcome::Failed(reason) => (reason, false),
                Outcome::Refused(reason) => (reason, true),
            };
            count(t, &rule.name, "failed_attempts", 1)?;
            t.prepare_cached("UPDATE rule_counts SET last_error = ?2 WHERE rule = ?1")?
                .execute(params![rule.name, reason])?;
            let attempts = parcel.attempts + 1;
            let too_old = now.saturating_sub(parcel.taken_at) >= milliseconds(rule.retry.max_age());
            if for_good || too_old || attempts > rule.retry.max_retries {
                return give_up(t, &rule, &parcel, &reason, (attempts, now));
            }
            let due_at = now.saturating_add(milliseconds(pause(attempts)));
            t.prepare_cached("UPDATE outbox SET attempts = ?2, due_at = ?3 WHERE id = ?1")?
                .execute(params![parcel.id, attempts, due_at])?;
            Ok(())
        };
        self.ledger.write(settle).await
    }

    /// Sends a rule's dead letters again; how many. `None` if there is no such rule with a target.
    pub async fn redrive(&self, rule: &str) -> Result<Option<usize>, LedgerError> {
        if !self.targeted().iter().any(|known| known.name == rule) {
            return Ok(None);
        }
        let (rule, now) = (rule.to_owned(), self.now());
        let redrive = move |t: &Transaction<'_>| {
            t.execute(
                "INSERT INTO outbox (rule, n, taken_at, due_at)
                 SELECT ?1, delivery, ?3, ?3 FROM dead_letters WHERE source = ?2 AND delivery IS NOT NULL ORDER BY n",
                params![rule, source(&rule), now],
            )?;
            t.execute("DELETE FROM dead_letters WHERE source = ?1 AND delivery IS NOT NULL", [source(&rule)])
        };
        let sent = self.ledger.write(redrive).await?;
        self.taken.notify_one();
        Ok(Some(sent))
    }

    /// How every rule's deliveries stand, by name.
    pub async fn standing(&self) -> Result<Vec<RuleStatus>, LedgerError> {
        let (rules, now) = (self.all_rules(), self.now());
        let list = move |t: &Transaction<'_>| rules.into_iter().map(|rule| standing(t, rule, now)).collect();
        self.ledger.read(list).await
    }
}

fn standing(t: &Transaction<'_>, rule: Rule, now: i64) -> rusqlite::Result<RuleStatus> {
    let (waiting, oldest): (i64, Option<i64>) = t
        .prepare_cached("SELECT COUNT(*), MIN(taken_at) FROM outbox WHERE rule = ?1")?
        .query_row([&rule.name], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let dead_letters = t
        .prepare_cached("SELECT COUNT(*) FROM dead_letters WHERE source = ?1")?
        .query_row([source(&rule.name)], |row| row.get(0))?;
    let mut status = RuleStatus {
        rule: rule.name,
        target: rule.target,
        waiting,
        lag_s: oldest.map_or(0, |oldest| now.saturating_sub(oldest).max(0) / 1000),
        delivered: 0,
        dropped: 0,
        duplicated: 0,
        failed_attempts: 0,
        last_error: None,
        dead_letters,
    };
    t.prepare_cached(
        "SELECT delivered, dropped, duplicated, failed_attempts, last_error FROM rule_counts WHERE rule = ?1",
    )?
    .query_row([&status.rule], |row| {
        (status.delivered, status.dropped, status.duplicated) = (row.get(0)?, row.get(1)?, row.get(2)?);
        (status.failed_attempts, status.last_error) = (row.get(3)?, row.get(4)?);
        Ok(())
    })
    .optional()?;
    Ok(status)
}

/// What a rule's dead letters are listed under.
pub(super) fn source(rule: &str) -> String {
    format!("rule {rule}")
}

/// Takes a parcel out of the outbox; whether it was still there.
fn leave(t: &Transaction<'_>, parcel: &Parcel) -> rusqlite::Result<bool> {
    Ok(t.prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute([parcel.id])? > 0)
}

fn give_up(
    t: &Transaction<'_>,
    rule: &Rule,
    parcel: &Parcel,
    reason: &str,
    (attempts, now): (u32, i64),
) -> rusqlite::Result<()> {
    if !leave(t, parcel)? {
        return Ok(());
    }
    let letter = NewDeadLetter {
        source: source(&rule.name),
        queue: rule.dead_letters.as_deref(),
        message_id: &parcel.entry_id,
        group: None,
        body: &parcel.entry,
        reason,
        receives: attempts,
        delivery: Some(parcel.n),
        at: now,
    };
    insert_dead_letter(t, &letter)
}

/// Adds to one of a rule's counts; `what` is the column's name.
fn count(t: &Transaction<'_>, rule: &str, what: &'static str, more: i64) -> rusqlite::Result<()> {
    let add = format!(
        "INSERT INTO rule_counts (rule, {what}) VALUES (?1, ?2) ON CONFLICT (rule) DO UPDATE SET {what} = {what} + ?2"
    );
    t.prepare_cached(&add)?.execute(params![rule, more]).map(drop)
}

fn pause(attempts: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
