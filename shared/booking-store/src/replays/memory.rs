//! The ports of replays in memory, with the semantics of the real ones. They never fail; whoever wants failures wraps them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::pacer::later;
use super::ports::{Bookings, BookingsPage, Created, Listed, Replays, Saved, Turns};
use super::{Replay, ReplayId, Turn};
use crate::Timestamp;
use crate::clock::Clock;
use crate::failure::StoreFailure;
use crate::memory::MemoryReservations;
use crate::ports::Cursor;

/// How long the queue remembers a deduplication id.
const DEDUPLICATION: Duration = Duration::from_secs(5 * 60);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Replays by id.
#[derive(Default)]
pub struct MemoryReplays {
    items: Mutex<BTreeMap<ReplayId, Replay>>,
}

#[async_trait]
impl Replays for MemoryReplays {
    async fn create(&self, replay: &Replay) -> Result<Created, StoreFailure> {
        let mut items = lock(&self.items);
        match items.get(&replay.order.replay_id) {
            Some(before) if before.written_by == replay.written_by => return Ok(Created::New),
            Some(before) => return Ok(Created::Before(Box::new(before.clone()))),
            None => {}
        }
        items.insert(replay.order.replay_id, replay.clone());
        Ok(Created::New)
    }

    async fn get(&self, replay_id: ReplayId) -> Result<Option<Replay>, StoreFailure> {
        Ok(lock(&self.items).get(&replay_id).cloned())
    }

    async fn save(&self, replay: &Replay) -> Result<Saved, StoreFailure> {
        let mut items = lock(&self.items);
        let stored = items.get_mut(&replay.order.replay_id);
        let Some(stored) = stored else { return Ok(Saved::Moved(None)) };
        if stored.revision == replay.revision {
            *stored = Replay { revision: replay.revision + 1, order: stored.order.clone(), ..replay.clone() };
            return Ok(Saved::Done);
        }
        let own = (stored.revision, stored.written_by) == (replay.revision + 1, replay.written_by);
        Ok(if own { Saved::Done } else { Saved::Moved(Some(Box::new(stored.clone()))) })
    }
}

/// A received message of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedTurn {
    /// Names this message for deletion and back-off.
    pub receipt: String,
    /// Its group.
    pub group: String,
    /// Its body.
    pub body: String,
    /// How often it was received, this time included.
    pub receives: u32,
}

struct Message {
    received: ReceivedTurn,
    visible_at: Timestamp,
}

#[derive(Default)]
struct Queue {
    next: u64,
    messages: Vec<Message>,
    seen: Vec<(String, Timestamp)>,
}

/// The FIFO queue of turns.
pub struct MemoryTurns {
    clock: Arc<dyn Clock>,
    queue: Mutex<Queue>,
}

impl MemoryTurns {
    /// An empty queue.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, queue: Mutex::default() }
    }

    /// The first visible message, hidden for `visibility`. A group with a hidden message is blocked.
    pub fn receive(&self, visibility: Duration) -> Option<ReceivedTurn> {
        let now = self.clock.now();
        let mut queue = lock(&self.queue);
        let mut blocked: Vec<String> = Vec::new();
        for message in &mut queue.messages {
            if !blocked.contains(&message.received.group) && message.visible_at <= now {
                message.received.receives += 1;
                message.visible_at = later(now, visibility);
                return Some(message.received.clone());
            }
            blocked.push(message.received.group.clone());
        }
        None
    }

    /// Deletes the message behind `receipt`.
    pub fn delete(&self, receipt: &str) {
        lock(&self.queue).messages.retain(|message| message.received.receipt != receipt);
    }

    /// The bodies in the queue, in order.
    pub fn bodies(&self) -> Vec<String> {
        lock(&self.queue).messages.iter().map(|message| message.received.body.clone()).collect()
    }
}

#[async_trait]
impl Turns for MemoryTurns {
    async fn send(&self, turn: &Turn) -> Result<(), StoreFailure> {
        let now = self.clock.now();
        let id = turn.deduplication_id();
        let mut queue = lock(&self.queue);
        queue.seen.retain(|(_, at)| later(*at, DEDUPLICATION) > now);
        if queue.seen.iter().any(|(seen, _)| *seen == id) {
            return Ok(());
        }
        queue.seen.push((id, now));
        queue.next += 1;
        let receipt = queue.next.to_string();
        let received = ReceivedTurn { receipt, group: turn.group(), body: turn.encode(), receives: 0 };
        queue.messages.push(Message { received, visible_at: now });
        Ok(())
    }

    async fn back_off(&self, receipt: &str, pause: Duration) -> Result<(), StoreFailure> {
        let visible_at = later(self.clock.now(), pause);
        let mut queue = lock(&self.queue);
        if let Some(message) = queue.messages.iter_mut().find(|message| message.received.receipt == receipt) {
            message.visible_at = visible_at;
        }
        Ok(())
    }
}

/// All bookings of a reservations table in memory, by code.
pub struct MemoryBookings {
    reservations: Arc<MemoryReservations>,
}

impl MemoryBookings {
    /// The bookings of this table.
    pub fn new(reservations: Arc<MemoryReservations>) -> Self {
        Self { reservations }
    }
}

#[async_trait]
impl Bookings for MemoryBookings {
    async fn page(&self, after: Option<&Cursor>, limit: usize) -> Result<BookingsPage, StoreFailure> {
        let behind = |code: &str| after.is_none_or(|after| code > after.booking_code.as_str());
        let mut all = self.reservations.all().into_iter().filter(|(code, _)| behind(code.as_str()));
        let looked_at: Vec<_> = all.by_ref().take(limit).collect();
        let last = looked_at.last().map(|(code, _)| code.to_string());
        let next = all.next().and(last).map(|booking_code| Cursor { booking_code, item: "reservation".to_owned() });
        let reservations = looked_at.into_iter().filter_map(|(_, claims)| claims.reservation);
        let listed = reservations.map(|reservation| Listed {
            booking_code: reservation.booking_code,
            head: reservation.head,
            created_at: reservation.created_at,
        });
        Ok(BookingsPage { bookings: listed.collect(), next })
    }

    async fn estimate(&self) -> Result<u64, StoreFailure> {
        Ok(self.reservations.all().len() as u64)
    }
}
