//! The FIFO queue: order, blocking, deduplication, visibility. Lambda receives; the inbox stands for it.

use std::time::Duration;

use booking_store::failure::FailureKind;
use booking_store::queue_message::QueueMessage;

use crate::engine::{Engine, Received, VISIBILITY};
use crate::given::{self, code, creation, id};

/// A back-off shorter than the queue's own visibility timeout.
const PAUSE: Duration = Duration::from_secs(2);

/// The order to settle event `n` of booking `text`.
fn settle(text: &str, n: u64) -> QueueMessage {
    QueueMessage::Settle { booking_code: code(text), event_id: id(n) }
}

/// Sends orders written as booking and event.
async fn send(engine: &Engine, orders: &[(&str, u64)]) {
    for (text, n) in orders {
        engine.queue.send(&settle(text, *n)).await.unwrap();
    }
}

/// Booking and event of a received order.
fn order(message: &Received) -> (String, u64) {
    let QueueMessage::Settle { booking_code, event_id } = QueueMessage::decode(&message.body).unwrap() else {
        panic!("not an order: {}", message.body)
    };
    assert_eq!(message.group, booking_code.as_str());
    (booking_code.to_string(), (1..100).find(|n| id(*n) == event_id).unwrap())
}

fn orders(messages: &[Received]) -> Vec<(String, u64)> {
    messages.iter().map(order).collect()
}

fn shown(orders: &[(&str, u64)]) -> Vec<(String, u64)> {
    orders.iter().map(|(text, n)| ((*text).to_owned(), *n)).collect()
}

/// The one message there is to receive.
async fn only(engine: &Engine) -> Received {
    let mut received = engine.inbox.receive(10).await;
    assert_eq!(received.len(), 1, "{received:?}");
    received.remove(0)
}

pub(crate) async fn a_group_keeps_its_order(engine: &Engine) {
    let sent: Vec<_> = (1..=8).flat_map(|n| ["A", "B", "C"].map(|text| (text, n))).collect();
    send(engine, &sent).await;
    let mut came: Vec<(String, u64)> = Vec::new();
    for most in [1, 2, 10].into_iter().cycle().take(100) {
        // A batch may hold several of a group, in order, or only its first.
        let received = engine.inbox.receive(most).await;
        assert!(received.len() <= most);
        came.extend(orders(&received));
        for message in &received {
            engine.inbox.delete(&message.receipt).await;
        }
    }
    assert_eq!(came.len(), sent.len());
    for text in ["A", "B", "C"] {
        let of_group: Vec<_> = came.iter().filter(|(group, _)| group == text).map(|(_, n)| *n).collect();
        assert_eq!(of_group, (1..=8).collect::<Vec<_>>(), "{text}");
    }
}

pub(crate) async fn a_message_in_flight_blocks_its_group_alone(engine: &Engine) {
    send(engine, &[("A", 1), ("A", 2), ("B", 1)]).await;
    let first = engine.inbox.receive(1).await;
    assert_eq!(orders(&first), shown(&[("A", 1)]));
    assert_eq!(orders(&engine.inbox.receive(10).await), shown(&[("B", 1)]));
    assert_eq!(engine.inbox.receive(10).await, []);
    engine.inbox.delete(&first[0].receipt).await;
    assert_eq!(orders(&engine.inbox.receive(10).await), shown(&[("A", 2)]));
}

pub(crate) async fn a_twin_is_dropped_also_after_its_message_is_gone(engine: &Engine) {
    send(engine, &[("A", 1), ("A", 1)]).await;
    let message = only(engine).await;
    engine.inbox.delete(&message.receipt).await;
    send(engine, &[("A", 1), ("A", 2)]).await;
    assert_eq!(order(&only(engine).await), ("A".to_owned(), 2));
}

pub(crate) async fn deduplication_ends_at_the_group(engine: &Engine) {
    send(engine, &[("A", 1), ("B", 1)]).await;
    let mut received = orders(&engine.inbox.receive(10).await);
    received.sort();
    assert_eq!(received, shown(&[("A", 1), ("B", 1)]));
}

pub(crate) async fn another_payload_is_another_message(engine: &Engine) {
    let deferred = |data| QueueMessage::deferred(&creation(&code("A"), vec![given::with_data(1, data)]));
    let sent = [deferred("{}"), deferred("{ }"), deferred("{}")];
    for message in &sent {
        engine.queue.send(message).await.unwrap();
    }
    let mut came = Vec::new();
    for _ in 0..4 {
        for message in engine.inbox.receive(10).await {
            engine.inbox.delete(&message.receipt).await;
            came.push(QueueMessage::decode(&message.body).unwrap());
        }
    }
    assert_eq!(came, sent[..2]);
}

pub(crate) async fn a_message_hides_for_its_visibility_and_counts_its_receives(engine: &Engine) {
    send(engine, &[("A", 1)]).await;
    let first = only(engine).await;
    assert_eq!(first.receives, 1);
    engine.inbox.pass(VISIBILITY / 4).await;
    assert_eq!(engine.inbox.receive(10).await, []);
    engine.inbox.pass(VISIBILITY).await;
    let second = only(engine).await;
    assert_eq!((second.receives, &second.body), (2, &first.body));
}

pub(crate) async fn a_backed_off_message_returns_after_its_pause(engine: &Engine) {
    send(engine, &[("A", 1)]).await;
    let first = only(engine).await;
    engine.queue.back_off(&first.receipt, PAUSE).await.unwrap();
    assert_eq!(engine.inbox.receive(10).await, []);
    engine.inbox.pass(PAUSE).await;
    let second = only(engine).await;
    // A longer pause than the queue's own holds as well.
    engine.queue.back_off(&second.receipt, VISIBILITY * 2).await.unwrap();
    engine.inbox.pass(VISIBILITY).await;
    assert_eq!(engine.inbox.receive(10).await, []);
}

pub(crate) async fn a_backed_off_message_still_blocks_its_group(engine: &Engine) {
    send(engine, &[("A", 1), ("A", 2)]).await;
    let first = engine.inbox.receive(1).await;
    engine.queue.back_off(&first[0].receipt, PAUSE).await.unwrap();
    assert_eq!(engine.inbox.receive(10).await, []);
    engine.inbox.pass(PAUSE).await;
    assert_eq!(orders(&engine.inbox.receive(1).await), shown(&[("A", 1)]));
}

pub(crate) async fn an_old_receipt_deletes_nothing(engine: &Engine) {
    send(engine, &[("A", 1)]).await;
    let slow = only(engine).await;
    engine.inbox.pass(VISIBILITY).await;
    let other = only(engine).await;
    engine.inbox.delete(&slow.receipt).await;
    engine.queue.back_off(&other.receipt, Duration::ZERO).await.unwrap();
    assert_eq!(engine.inbox.receive(10).await.len(), 1, "gone by a receipt that was no longer good");
}

pub(crate) async fn an_old_receipt_is_refused_for_back_off(engine: &Engine) {
    send(engine, &[("A", 1)]).await;
    let slow = only(engine).await;
    engine.inbox.pass(VISIBILITY).await;
    let other = only(engine).await;
    let answer = engine.queue.back_off(&slow.receipt, Duration::ZERO).await;
    let failure = answer.expect_err("taken, though the receipt was no longer good");
    assert_eq!(failure.kind, FailureKind::Refused, "{}", failure.chain());
    assert_eq!(engine.inbox.receive(10).await, []);
    engine.inbox.delete(&other.receipt).await;
}
