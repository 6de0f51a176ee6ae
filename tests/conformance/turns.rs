//! The queue of turns, in memory and on `ministack` through the adapter that runs on AWS: turns of one replay one at a time,
//! twins dropped, a pause that holds. The embedded system's queue is asked the same of the fallback queue.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use booking_store::replays::memory::MemoryTurns;
use booking_store::replays::{ReplayId, Turn, Turns};
use booking_tests::ManualClock;

use crate::engine::{Inbox, Letter, Received, VISIBILITY};
use crate::given::id;

struct MemoryInbox(Arc<MemoryTurns>, Arc<ManualClock>);

#[async_trait]
impl Inbox for MemoryInbox {
    async fn receive(&self, most: usize) -> Vec<Received> {
        let received = std::iter::from_fn(|| self.0.receive(VISIBILITY)).take(most);
        let messages = received.map(|message| Received {
            receipt: message.receipt,
            group: message.group,
            body: message.body,
            receives: message.receives,
        });
        messages.collect()
    }
    async fn delete(&self, receipt: &str) {
        self.0.delete(receipt);
    }
    async fn dead_letters(&self) -> Vec<Letter> {
        unreachable!("not asked")
    }
    async fn pass(&self, time: Duration) {
        self.1.advance(time);
    }
}

fn turn(replay: u64, turn: u64) -> Turn {
    Turn { replay_id: ReplayId::from(id(replay)), turn }
}

/// The turns of the received messages, each in the group of its replay.
async fn received(inbox: &dyn Inbox, most: usize) -> Vec<(Turn, Received)> {
    let received = inbox.receive(most).await.into_iter();
    let turns = received.map(|message| {
        let turn = Turn::decode(&message.body).unwrap();
        assert_eq!(message.group, turn.group());
        (turn, message)
    });
    turns.collect()
}

async fn turns_come_one_at_a_time(turns: &dyn Turns, inbox: &dyn Inbox) {
    for (replay, n) in [(1, 0), (2, 0), (1, 1)] {
        turns.send(&turn(replay, n)).await.unwrap();
    }
    let first = received(inbox, 1).await;
    assert_eq!((&first[0].0, first[0].1.receives), (&turn(1, 0), 1));
    let other = received(inbox, 1).await;
    assert_eq!(other[0].0, turn(2, 0), "another replay does not wait");
    assert!(received(inbox, 1).await.is_empty(), "turn 1 waits for turn 0");
    inbox.delete(&first[0].1.receipt).await;
    turns.send(&turn(1, 0)).await.unwrap();
    let next = received(inbox, 1).await;
    assert_eq!(next[0].0, turn(1, 1));
    inbox.delete(&next[0].1.receipt).await;
    assert!(received(inbox, 1).await.is_empty(), "the twin of a turn that is gone is dropped");
}

async fn a_turn_comes_back_after_its_pause(turns: &dyn Turns, inbox: &dyn Inbox) {
    let pause = Duration::from_secs(2);
    turns.send(&turn(3, 7)).await.unwrap();
    turns.send(&turn(3, 8)).await.unwrap();
    let first = received(inbox, 1).await;
    turns.back_off(&first[0].1.receipt, pause).await.unwrap();
    assert!(received(inbox, 1).await.is_empty());
    inbox.pass(pause).await;
    let again = received(inbox, 1).await;
    assert_eq!((&again[0].0, again[0].1.receives), (&turn(3, 7), 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory() {
    let clock = Arc::new(ManualClock::default());
    let turns = Arc::new(MemoryTurns::new(clock.clone()));
    let inbox = MemoryInbox(turns.clone(), clock);
    turns_come_one_at_a_time(&*turns, &inbox).await;
    let clock = Arc::new(ManualClock::default());
    let turns = Arc::new(MemoryTurns::new(clock.clone()));
    let inbox = MemoryInbox(turns.clone(), clock);
    a_turn_comes_back_after_its_pause(&*turns, &inbox).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_ministack() {
    let (turns, inbox) = crate::engine::turns().await;
    turns_come_one_at_a_time(&turns, &*inbox).await;
    let (turns, inbox) = crate::engine::turns().await;
    a_turn_comes_back_after_its_pause(&turns, &*inbox).await;
}
