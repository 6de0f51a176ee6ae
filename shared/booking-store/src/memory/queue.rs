//! The FIFO fallback queue in memory (AWS facts of SQS FIFO): order and blocking by group, deduplication for five
//! minutes within the group, visibility, receive counts.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use super::lock;
use crate::clock::Clock;
use crate::failure::{Store, StoreFailure};
use crate::ports::FallbackQueue;
use crate::queue_message::QueueMessage;
use crate::{BookingCode, Timestamp};

/// How long a deduplication id is remembered.
const DEDUPLICATION_MS: i64 = 5 * 60 * 1000;

struct Message {
    receipt: String,
    group: BookingCode,
    body: String,
    receives: u32,
    visible_at: Timestamp,
}

#[derive(Default)]
struct State {
    next: u64,
    messages: Vec<Message>,
    seen: Vec<(BookingCode, String, Timestamp)>,
    dead: Vec<DeadLetter>,
}

/// A received message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Names this message for deletion and back-off.
    pub receipt: String,
    /// Its group.
    pub group: BookingCode,
    /// Its body.
    pub body: String,
    /// How often it was received, this time included.
    pub receives: u32,
}

/// A message in the dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its body.
    pub body: String,
    /// Why no drainer can work on it.
    pub reason: String,
}

/// The queue and its dead-letter queue.
pub struct MemoryQueue {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

impl MemoryQueue {
    /// An empty queue.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// The first visible message of each group, up to `most`, hidden for `visibility`. A group with a hidden message is
    /// blocked.
    pub fn receive(&self, most: usize, visibility: Duration) -> Vec<Received> {
        let now = self.clock.now();
        let mut state = lock(&self.state);
        let mut groups = Vec::new();
        let mut received = Vec::new();
        for message in &mut state.messages {
            if groups.contains(&message.group) {
                continue;
            }
            groups.push(message.group.clone());
            if message.visible_at > now || received.len() >= most {
                continue;
            }
            message.receives += 1;
            message.visible_at = after(now, visibility);
            received.push(Received {
                receipt: message.receipt.clone(),
                group: message.group.clone(),
                body: message.body.clone(),
                receives: message.receives,
            });
        }
        received
    }

    /// Deletes the message behind `receipt`.
    pub fn delete(&self, receipt: &str) {
        lock(&self.state).messages.retain(|message| message.receipt != receipt);
    }

    /// The bodies in the queue, in order.
    pub fn bodies(&self) -> Vec<String> {
        lock(&self.state).messages.iter().map(|message| message.body.clone()).collect()
    }

    /// What the dead-letter queue holds.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        lock(&self.state).dead.clone()
    }
}

#[async_trait]
impl FallbackQueue for MemoryQueue {
    async fn send(&self, message: &QueueMessage) -> Result<(), StoreFailure> {
        let body = message.encode().map_err(|e| StoreFailure::corrupt(Store::Queue, e))?;
        let now = self.clock.now();
        let (group, id) = (message.booking_code().clone(), message.deduplication_id());
        let mut state = lock(&self.state);
        state.seen.retain(|(_, _, at)| now.unix_milliseconds() - at.unix_milliseconds() < DEDUPLICATION_MS);
        if state.seen.iter().any(|(seen_group, seen, _)| *seen_group == group && *seen == id) {
            return Ok(());
        }
        state.seen.push((group.clone(), id, now));
        state.next += 1;
        let receipt = state.next.to_string();
        state.messages.push(Message { receipt, group, body, receives: 0, visible_at: now });
        Ok(())
    }

    async fn back_off(&self, receipt: &str, pause: Duration) -> Result<(), StoreFailure> {
        let visible_at = after(self.clock.now(), pause);
        let mut state = lock(&self.state);
        if let Some(message) = state.messages.iter_mut().find(|message| message.receipt == receipt) {
            message.visible_at = visible_at;
        }
        Ok(())
    }

    async fn dead_letter(&self, _group: &str, _message_id: &str, body: &str, reason: &str) -> Result<(), StoreFailure> {
        lock(&self.state).dead.push(DeadLetter { body: body.to_owned(), reason: reason.to_owned() });
        Ok(())
    }
}

fn after(now: Timestamp, pause: Duration) -> Timestamp {
    let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_unix_milliseconds(now.unix_milliseconds().saturating_add(pause)).unwrap_or(now)
}
