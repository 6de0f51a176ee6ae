//! What SQS FIFO promises, asked of the queue in the ledger.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use booking_store::{BookingCode, EventId, Timestamp};

use super::*;

const START: i64 = 1_795_000_000_000;

#[derive(Default)]
struct Hand {
    milliseconds: AtomicI64,
    ids: AtomicU64,
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_milliseconds(START + self.milliseconds.load(Ordering::Relaxed)).unwrap()
    }
}

impl Ids for Hand {
    fn event_id(&self) -> EventId {
        EventId::from_bytes(u128::from(self.ids.fetch_add(1, Ordering::Relaxed)).to_be_bytes())
    }
}

struct Bench {
    queue: LocalQueue,
    hand: Arc<Hand>,
    directory: tempfile::TempDir,
}

const MAX_RECEIVES: u32 = 3;

fn settings(fifo: bool) -> QueueSettings {
    QueueSettings {
        name: "Queue".to_owned(),
        fifo,
        visibility_timeout: Duration::from_secs(60),
        max_receives: MAX_RECEIVES,
        deduplicate_within_group: true,
        dead_letters: Some("DeadLetters".to_owned()),
    }
}

impl Bench {
    async fn new() -> Self {
        let (hand, directory) = (Arc::new(Hand::default()), tempfile::tempdir().unwrap());
        let queue = open(&directory, &hand).await;
        Self { queue, hand, directory }
    }

    async fn restart(&mut self) {
        self.queue = open(&self.directory, &self.hand).await;
    }

    fn pass(&self, time: Duration) {
        self.hand.milliseconds.fetch_add(milliseconds(time), Ordering::Relaxed);
    }

    /// Sends messages written as group, then body: `A1`.
    async fn send(&self, messages: &[&str]) {
        for message in messages {
            self.pass(Duration::from_millis(1));
            let (group, _) = message.split_at(1);
            self.queue.enqueue(group.to_owned(), format!("id-{message}"), (*message).to_owned()).await.unwrap();
        }
    }

    async fn receive(&self, most: usize) -> Vec<Received> {
        self.queue.receive(most).await.unwrap()
    }

    async fn bodies(&self, most: usize) -> Vec<String> {
        self.receive(most).await.into_iter().map(|message| message.body).collect()
    }
}

async fn open(directory: &tempfile::TempDir, hand: &Arc<Hand>) -> LocalQueue {
    let ledger = Ledger::open(&directory.path().join("ledger.sqlite")).unwrap();
    LocalQueue::open(ledger, settings(true), hand.clone(), hand.clone()).await.unwrap()
}

#[tokio::test]
async fn keeps_the_order_of_a_group_and_mixes_groups_in_a_batch() {
    let bench = Bench::new().await;
    bench.send(&["A1", "B1", "A2", "C1"]).await;
    assert_eq!(bench.bodies(10).await, ["A1", "A2", "B1", "C1"]);
    assert_eq!(bench.bodies(10).await, [""; 0]);
}

#[tokio::test]
async fn gives_at_most_ten() {
    let bench = Bench::new().await;
    for n in 10..25 {
        bench.queue.enqueue("A".to_owned(), format!("{n}"), format!("A{n}")).await.unwrap();
    }
    assert_eq!(bench.receive(99).await.len(), 10);
    assert_eq!(bench.receive(99).await.len(), 0);
}

#[tokio::test]
async fn a_hidden_message_blocks_its_group_and_no_other() {
    let bench = Bench::new().await;
    bench.send(&["A1", "A2"]).await;
    let first = bench.receive(1).await;
    bench.send(&["A3", "B1"]).await;
    assert_eq!(bench.bodies(10).await, ["B1"]);
    assert!(bench.queue.delete(&first[0].receipt).await.unwrap());
    assert_eq!(bench.bodies(10).await, ["A2", "A3"]);
}

#[tokio::test]
async fn a_message_is_visible_again_after_its_timeout_in_its_old_place() {
    let bench = Bench::new().await;
    bench.send(&["A1", "A2"]).await;
    let first = bench.receive(1).await;
    bench.pass(Duration::from_secs(60));
    let again = bench.receive(10).await;
    assert_eq!(again.iter().map(|m| (m.body.as_str(), m.receives)).collect::<Vec<_>>(), [("A1", 2), ("A2", 1)]);
    assert_eq!(again[0].first_received_at, first[0].first_received_at);
    // The first receipt is no longer good, the second is.
    assert!(!bench.queue.delete(&first[0].receipt).await.unwrap());
    assert!(bench.queue.delete(&again[0].receipt).await.unwrap());
    assert!(!bench.queue.delete(&again[0].receipt).await.unwrap());
}

#[tokio::test]
async fn backing_off_blocks_the_group_for_just_that_long() {
    let bench = Bench::new().await;
    bench.send(&["A1", "A2"]).await;
    for message in bench.receive(10).await {
        bench.queue.back_off(&message.receipt, Duration::from_secs(5)).await.unwrap();
    }
    bench.pass(Duration::from_millis(4_999));
    assert_eq!(bench.bodies(10).await, [""; 0]);
    bench.pass(Duration::from_millis(1));
    let again = bench.receive(10).await;
    assert_eq!(again.len(), 2);
    bench.pass(Duration::from_secs(61));
    let refused = bench.queue.back_off(&again[0].receipt, Duration::from_secs(5)).await.unwrap_err();
    assert_eq!((refused.kind, refused.effect_possible), (FailureKind::Refused, false));
}

#[tokio::test]
async fn drops_a_twin_of_its_group_for_five_minutes_even_after_deletion() {
    let bench = Bench::new().await;
    bench.send(&["A1", "A1"]).await;
    let only = bench.receive(10).await;
    assert_eq!(only.len(), 1);
    bench.queue.delete(&only[0].receipt).await.unwrap();
    bench.send(&["A1"]).await;
    assert_eq!(bench.bodies(10).await, [""; 0]);
    bench.queue.enqueue("B".to_owned(), "id-A1".to_owned(), "other group".to_owned()).await.unwrap();
    let other = bench.receive(10).await;
    assert_eq!(other[0].body, "other group");
    bench.queue.delete(&other[0].receipt).await.unwrap();
    bench.pass(Duration::from_secs(300));
    bench.send(&["A1"]).await;
    assert_eq!(bench.bodies(10).await, ["A1"]);
}

#[tokio::test]
async fn a_message_received_too_often_moves_to_the_dead_letters_and_unblocks_its_group() {
    let bench = Bench::new().await;
    bench.send(&["A1"]).await;
    for _ in 0..MAX_RECEIVES {
        assert_eq!(bench.bodies(10).await, ["A1"]);
        bench.pass(Duration::from_secs(60));
    }
    bench.send(&["A2"]).await;
    assert_eq!(bench.bodies(10).await, ["A2"]);
    let dead = bench.queue.dead_letters(0, 10).await.unwrap();
    assert_eq!((dead[0].body.as_str(), dead[0].receives), ("A1", 3));
    assert_eq!(bench.queue.depth().await.unwrap(), Depth { messages: 1, in_flight: 1, dead_letters: 1, oldest_s: 0 });
    let source = ("queue Queue", Some("DeadLetters"), Some("A"));
    assert_eq!((dead[0].source.as_str(), dead[0].queue.as_deref(), dead[0].group.as_deref()), source);
}

#[tokio::test]
async fn a_message_is_set_aside_once_with_its_reason() {
    let bench = Bench::new().await;
    for _ in 0..2 {
        bench.queue.dead_letter("A", "m1", "nonsense", "not a message").await.unwrap();
    }
    let dead = bench.queue.dead_letters(0, 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].group.as_deref(), dead[0].reason.as_str()), (Some("A"), "not a message"));
}

#[tokio::test]
async fn whoever_waits_longest_is_served_first() {
    let bench = Bench::new().await;
    bench.send(&["A1", "B1"]).await;
    let first = bench.receive(1).await;
    bench.pass(Duration::from_millis(1));
    bench.queue.back_off(&first[0].receipt, Duration::ZERO).await.unwrap();
    bench.send(&["C1"]).await;
    assert_eq!(bench.bodies(1).await, ["B1"]);
    assert_eq!(bench.bodies(1).await, ["A1"]);
    assert_eq!(bench.bodies(1).await, ["C1"]);
}

#[tokio::test]
async fn a_restart_keeps_everything_and_frees_what_was_in_flight() {
    let mut bench = Bench::new().await;
    bench.send(&["A1", "A2", "B1"]).await;
    bench.receive(1).await;
    bench.restart().await;
    assert_eq!(bench.bodies(10).await, ["A1", "A2", "B1"]);
    bench.restart().await;
    bench.send(&["A1"]).await;
    assert_eq!(bench.queue.depth().await.unwrap().messages, 3);
}

#[tokio::test]
async fn a_message_of_the_protocol_goes_by_its_code_and_id() {
    let bench = Bench::new().await;
    let message = QueueMessage::Settle {
        booking_code: BookingCode::parse("X1").unwrap(),
        event_id: EventId::from_bytes([7; 16]),
    };
    bench.queue.send(&message).await.unwrap();
    bench.queue.send(&message).await.unwrap();
    let received = bench.receive(10).await;
    assert_eq!(received.len(), 1);
    assert_eq!((received[0].group.as_str(), received[0].body.as_str()), ("X1", message.encode().unwrap().as_str()));
    assert_eq!(received[0].deduplication_id, message.deduplication_id());
}

#[tokio::test]
async fn waiting_ends_when_something_can_be_received() {
    let bench = Bench::new().await;
    let (queue, hour) = (bench.queue.clone(), Duration::from_secs(3600));
    let waiting = tokio::spawn(async move { queue.wait(hour).await });
    tokio::task::yield_now().await;
    bench.send(&["A1"]).await;
    waiting.await.unwrap().unwrap();
    bench.queue.wait(hour).await.unwrap();
}

#[tokio::test]
async fn in_a_standard_queue_nobody_waits_for_anybody() {
    let (hand, directory) = (Arc::new(Hand::default()), tempfile::tempdir().unwrap());
    let ledger = Ledger::open(&directory.path().join("ledger.sqlite")).unwrap();
    let queue = LocalQueue::open(ledger, settings(false), hand.clone(), hand.clone()).await.unwrap();
    for body in ["same", "same", "other"] {
        queue.push(body.to_owned()).await.unwrap();
    }
    let first = queue.receive(1).await.unwrap();
    let rest: Vec<String> = queue.receive(10).await.unwrap().into_iter().map(|message| message.body).collect();
    assert_eq!((first.len(), rest.len()), (1, 2), "a twin is no twin here, and a hidden one hides no other");
    assert!(queue.change_visibility(&first[0].receipt, Duration::ZERO).await.unwrap());
    let again = queue.receive_for(10, Duration::from_secs(5)).await.unwrap();
    assert_eq!((again.len(), again[0].receives), (1, 2));
    hand.milliseconds.fetch_add(5_000, Ordering::Relaxed);
    let third = queue.receive(10).await.unwrap();
    assert_eq!((third.len(), third[0].receives), (1, MAX_RECEIVES));
    hand.milliseconds.fetch_add(60_000, Ordering::Relaxed);
    assert!(queue.receive(10).await.unwrap().iter().all(|message| message.message_id != third[0].message_id));
    let dead = queue.dead_letters(0, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].group.as_deref(), dead[0].receives), (1, None, MAX_RECEIVES));
    assert_eq!(queue.redrive().await.unwrap(), 1);
    assert_eq!(queue.dead_letters(0, 10).await.unwrap(), []);
    let again = queue.receive(10).await.unwrap();
    let again: Vec<_> = again.iter().filter(|message| message.body == dead[0].body && message.receives == 1).collect();
    assert_eq!(again.len(), 1, "it begins anew");
}
