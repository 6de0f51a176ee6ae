//! DynamoDB's largest item, 400 KB by its own way of counting.

use booking_store::failure::{FailureKind, StoreFailure};
use booking_store::limits::MAX_ITEM_BYTES;
use booking_store::ports::Recorded;
use booking_store::{Event, NewEvent, Version};

use crate::decide::{granted, kept, settle};
use crate::engine::Engine;
use crate::given::{self, code, creation, event, extension, of_bytes};

/// How near to the limit the cases go: a number's size is documented as "approximately" so much.
const NEAR: usize = 16;

/// The bytes of an event's item of booking `A1`: names and texts in UTF-8, a short number two.
fn item_bytes(event: &Event) -> usize {
    let texts = [
        ("booking_code", "A1"),
        ("event_id", &event.event_id.to_string()),
        ("type", event.event_type.as_str()),
        ("occurred_at", &event.occurred_at.to_string()),
        ("accepted_at", &event.accepted_at.to_string()),
        ("data", event.data.as_str()),
    ];
    texts.iter().map(|(name, text)| name.len() + text.len()).sum::<usize>() + "version".len() + 2
}

/// The first event, with data that make its item `bytes` long; of two-byte characters, so that whoever counts
/// characters is found out.
fn with_item_of(bytes: usize) -> Event {
    let empty = r#"{"a":""}"#;
    let accept = |event: NewEvent| event.accept(Version::FIRST, given::now());
    let fixed = item_bytes(&accept(given::with_data(1, empty)));
    let rest = bytes - fixed;
    let text = "é".repeat(rest / 2) + if rest.is_multiple_of(2) { "" } else { "x" };
    let event = accept(given::with_data(1, &empty.replace("\"\"", &format!("\"{text}\""))));
    assert_eq!(item_bytes(&event), bytes);
    event
}

fn limit() -> usize {
    usize::try_from(MAX_ITEM_BYTES).unwrap()
}

/// Refused for its size, without a doubt.
fn assert_too_large<T: std::fmt::Debug>(answer: Result<T, StoreFailure>) {
    let failure = answer.expect_err("taken, whatever its size");
    assert_eq!(failure.kind, FailureKind::TooLarge, "{}", failure.chain());
    assert!(!failure.effect_possible, "{}", failure.chain());
}

pub(crate) async fn an_event_just_below_400_kb_is_recorded(engine: &Engine) {
    let event = with_item_of(limit() - NEAR);
    assert_eq!(engine.events.record(&code("A1"), &event).await.unwrap(), Recorded::New);
    assert_eq!(engine.events.record(&code("A1"), &event).await.unwrap(), Recorded::Before(event.event_id));
    assert_eq!(engine.events.range(&code("A1"), Version::FIRST, 9, usize::MAX).await.unwrap(), [event]);
}

pub(crate) async fn an_event_above_400_kb_is_too_large(engine: &Engine) {
    assert_too_large(engine.events.record(&code("A1"), &with_item_of(limit() + NEAR)).await);
    assert_eq!(engine.events.highest(&code("A1")).await.unwrap(), None);
}

pub(crate) async fn an_update_above_400_kb_is_too_large_and_changes_nothing(engine: &Engine) {
    let code = code("A1");
    let first = granted(engine, &creation(&code, vec![event(1)]), None).await;
    let settled = settle(engine, first).await;
    // The condition on pending bytes lets nothing pass that is so large, but an event alone, and the API none.
    assert_too_large(engine.reservations.decide(&extension(&code, vec![of_bytes(2, limit() - 300)])).await);
    assert_eq!(kept(engine, &code).await.as_ref(), Some(&settled));
    granted(engine, &extension(&code, vec![of_bytes(2, limit() - 2000)]), Some(&settled)).await;
}

pub(crate) async fn a_booking_above_400_kb_is_too_large_and_leaves_the_code_free(engine: &Engine) {
    let code = code("A1");
    let large: Vec<_> = (1..=8).map(|n| of_bytes(n, 60_000)).collect();
    assert_too_large(engine.reservations.decide(&creation(&code, large)).await);
    assert_eq!(kept(engine, &code).await, None);
    granted(engine, &creation(&code, vec![event(9)]), None).await;
}
