//! Everything the reservations table holds of a code.

use booking_store::ports::{Claims, ConflictKept};
use booking_store::{JsonObject, NewEvent};

use crate::decide::granted;
use crate::engine::Engine;
use crate::given::{self, code, conflict, creation, event, of_bytes};

pub(crate) async fn a_code_nobody_asked_for_has_none(engine: &Engine) {
    granted(engine, &creation(&code("A10"), vec![event(1)]), None).await;
    for text in ["A1", "A100", "a10", "A"] {
        assert_eq!(engine.reservations.claims(&code(text)).await.unwrap(), Claims::default(), "{text}");
    }
}

pub(crate) async fn a_conflict_is_kept_once(engine: &Engine) {
    let first = conflict(&code("A1"), event(1), 9);
    assert_eq!(engine.reservations.keep_conflict(&first).await.unwrap(), ConflictKept::Kept);
    // A drainer that comes again has found out later, and perhaps about another owner: the first word stands.
    let again = booking_store::Conflict { owner: given::id(8), detected_at: given::now(), ..first.clone() };
    assert_eq!(engine.reservations.keep_conflict(&again).await.unwrap(), ConflictKept::Kept);
    let claims = engine.reservations.claims(&code("A1")).await.unwrap();
    assert_eq!(claims, Claims { reservation: None, conflicts: vec![first] });
}

pub(crate) async fn another_payload_does_not_overwrite(engine: &Engine) {
    let first = conflict(&code("A1"), event(1), 9);
    engine.reservations.keep_conflict(&first).await.unwrap();
    let others = [
        given::with_data(1, r#"{"total" :"1.10"}"#),
        NewEvent { metadata: Some(JsonObject::parse("{}").unwrap()), ..event(1) },
        NewEvent { occurred_at: Some(given::now()), ..event(1) },
    ];
    for other in others {
        let kept = engine.reservations.keep_conflict(&conflict(&code("A1"), other, 9)).await.unwrap();
        assert_eq!(kept, ConflictKept::OtherPayload);
    }
    assert_eq!(engine.reservations.claims(&code("A1")).await.unwrap().conflicts, [first]);
}

pub(crate) async fn conflicts_stand_beside_the_reservation(engine: &Engine) {
    let code = code("A1");
    let awkward = NewEvent {
        occurred_at: Some(given::later(std::time::Duration::from_millis(3))),
        metadata: Some(JsonObject::parse(given::AWKWARD).unwrap()),
        ..given::with_data(3, given::AWKWARD)
    };
    let reservation = granted(engine, &creation(&code, vec![event(1)]), None).await;
    let conflicts = [conflict(&code, event(2), 1), conflict(&code, awkward, 1), conflict(&code, event(4), 1)];
    for one in [1, 0, 2] {
        engine.reservations.keep_conflict(&conflicts[one]).await.unwrap();
    }
    // By event id, whatever the order in which they came.
    let whole = Claims { reservation: Some(reservation), conflicts: conflicts.to_vec() };
    assert_eq!(engine.reservations.claims(&code).await.unwrap(), whole);
}

pub(crate) async fn conflicts_of_more_than_1_mb_come_whole(engine: &Engine) {
    let code = code("A1");
    let large = vec![of_bytes(100, 200_000)];
    let reservation = granted(engine, &creation(&code, large), None).await;
    let conflicts: Vec<_> = (1..=40).map(|n| conflict(&code, of_bytes(n, 60_000), 100)).collect();
    for conflict in conflicts.iter().rev() {
        engine.reservations.keep_conflict(conflict).await.unwrap();
    }
    let whole = Claims { reservation: Some(reservation), conflicts };
    assert_eq!(engine.reservations.claims(&code).await.unwrap(), whole);
}
