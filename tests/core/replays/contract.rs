//! The HTTP contract, and both functions on payloads as Lambda delivers them.

use aws_lambda_events::event::sqs::SqsEvent;
use booking_store::failure::{FailureKind, Store};
use booking_tests::{Call, Delivered, Fault, sqs_event};
use lambda_http::request::from_str;
use serde_json::{Value, json};

use super::rig::{ID, Rig};

const BOOKINGS: [(&str, u64); 2] = [("LH4711", 3), ("MUC-7", 2)];

fn turn() -> SqsEvent {
    serde_json::from_str(include_str!("payloads/turn.json")).expect("the runtime parses it")
}

/// The worker's deadline is Lambda's; without one it stops in time by itself.
async fn work(rig: &Rig, event: SqsEvent) -> Vec<String> {
    let response = replay::worker::handle(&rig.ports, event, None).await;
    let json = serde_json::to_value(&response).expect("JSON");
    let failures = json["batchItemFailures"].as_array().expect("the member Lambda looks for").iter();
    failures.map(|failure| failure["itemIdentifier"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn ordered_worked_on_and_shown_by_recorded_payloads() {
    let rig = Rig::with(&BOOKINGS).await;
    let show = || from_str(include_str!("payloads/show.json")).expect("the runtime parses it");
    rig.send(show()).await.is_problem(404, "replay-not-found");
    let begun = rig.world.now().to_string();
    let ordered = rig.send(from_str(include_str!("payloads/order.json")).expect("the runtime parses it")).await.is(202);
    assert_eq!(ordered.header("location"), Some(format!("/replays/{ID}").as_str()));
    assert_eq!(ordered.header("idempotency-replayed"), None);
    let mut wanted = json!({
        "replay_id": ID,
        "consumer": "price-projection",
        "selection": {"booking_codes": ["LH4711", "MUC-7"]},
        "rate_per_s": 50,
        "status": "running",
        "bookings_done": 0,
        "bookings_total_estimate": 2,
        "events_sent": 0,
        "errors": 0,
        "failed_bookings": [],
        "rate": 0.0,
        "waiting_for": null,
        "failure": null,
        "started_at": begun,
        "updated_at": begun,
        "finished_at": null,
    });
    assert_eq!(ordered.json, wanted);
    assert_eq!(work(&rig, turn()).await, [""; 0]);
    let shown = rig.send(show()).await.is(200).json;
    let ended = rig.world.now().to_string();
    for (name, value) in [
        ("status", json!("done")),
        ("bookings_done", json!(2)),
        ("events_sent", json!(5)),
        ("rate", shown["rate"].clone()),
        ("updated_at", json!(ended)),
        ("finished_at", json!(ended)),
    ] {
        wanted[name] = value;
    }
    assert_eq!(shown, wanted);
    rig.all_sent(&BOOKINGS);
    let cancel = || from_str(include_str!("payloads/cancel.json")).expect("the runtime parses it");
    rig.send(cancel()).await.is_problem(409, "replay-not-running");
}

#[tokio::test]
async fn the_same_order_again_is_the_same_replay() {
    let rig = Rig::with(&BOOKINGS).await;
    let order = json!({"replay_id": ID, "consumer": "c", "all": true});
    let first = rig.order(order.clone()).await.is(202);
    assert_eq!(first.json["rate_per_s"], 100);
    rig.world.wait(std::time::Duration::from_secs(1));
    let again = rig.order(order.clone()).await.is(200);
    assert_eq!((again.header("idempotency-replayed"), &again.json), (Some("true"), &first.json));
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(rig.turns.bodies().len(), 1, "the queue drops the twin");
    rig.run().await;
    let ended = rig.order(order).await.is(200);
    assert_eq!(ended.json["status"], "done");
    assert!(rig.turns.bodies().is_empty(), "what has ended is not queued again");
    for other in [
        json!({"replay_id": ID, "consumer": "d", "all": true}),
        json!({"replay_id": ID, "consumer": "c", "all": true, "rate_per_s": 99}),
        json!({"replay_id": ID, "consumer": "c", "booking_codes": ["LH4711"]}),
    ] {
        rig.order(other).await.is_problem(422, "replay-id-reused");
    }
    assert_eq!(rig.sendings(), 5);
}

#[tokio::test]
async fn without_an_id_every_order_is_a_replay_of_its_own() {
    let rig = Rig::with(&BOOKINGS).await;
    let order = json!({"consumer": "c", "all": true, "rate_per_s": 1000});
    let first = rig.order(order.clone()).await.is(202);
    let second = rig.order(order).await.is(202);
    assert_ne!(first.member("replay_id"), second.member("replay_id"));
    rig.run().await;
    assert_eq!(rig.sendings(), 10);
}

/// Stored, and its turn not queued: the client is told how to find out, and doing so starts the replay.
#[tokio::test]
async fn an_order_whose_turn_is_not_queued_is_revived() {
    for fault in [Fault::Fail(FailureKind::Unreachable), Fault::Unknown] {
        let rig = Rig::with(&BOOKINGS).await;
        rig.world.faults.once(Call::SendTurn, fault);
        let order = json!({"consumer": "c", "all": true, "rate_per_s": 1000});
        let answer = rig.order(order.clone()).await;
        answer.clone().is_problem(503, "store-unavailable");
        assert_eq!((answer.member("outcome"), answer.header("retry-after").is_some()), ("unknown", true));
        let mut again = order;
        again["replay_id"] = answer.json["replay_id"].clone();
        let _ = rig.order(again).await.is(200);
        rig.run().await;
        assert_eq!(rig.sendings(), 5);
    }
}

/// The message of a running replay was lost (a dead-letter queue that nobody read): the same order brings it back.
#[tokio::test]
async fn a_replay_whose_message_is_lost_is_revived() {
    let rig = Rig { budget: std::time::Duration::from_secs(2), ..Rig::with(&BOOKINGS).await };
    rig.order_all_at(1).await;
    rig.deliver().await;
    let lost = rig.receive().expect("its next turn");
    rig.turns.delete(&lost.receipt);
    rig.world.wait(std::time::Duration::from_secs(600));
    let order = json!({"replay_id": ID, "consumer": "prices", "all": true, "rate_per_s": 1});
    let _ = rig.order(order).await.is(200);
    rig.run().await;
    rig.done(&BOOKINGS).await;
}

#[tokio::test]
async fn its_table_fails() {
    let order = json!({"replay_id": ID, "consumer": "c", "all": true});
    for (kind, outcome) in [(FailureKind::NoAnswer, "unknown"), (FailureKind::Throttled, "not_accepted")] {
        let rig = Rig::with(&BOOKINGS).await;
        rig.world.faults.down_with(Store::Replays, kind);
        let answer = rig.order(order.clone()).await;
        answer.clone().is_problem(503, "store-unavailable");
        assert_eq!((answer.member("outcome"), answer.member("replay_id")), (outcome, ID));
        let shown = rig.get(&format!("/replays/{ID}")).await;
        shown.clone().is_problem(503, "store-unavailable");
        assert!(shown.json.get("outcome").is_none());
    }
}

/// Nobody knows how many bookings there are: that is told, and no reason not to begin.
#[tokio::test]
async fn an_estimate_is_not_needed() {
    let rig = Rig::with(&BOOKINGS).await;
    rig.world.faults.once(Call::BookingsEstimate, Fault::Fail(FailureKind::Refused));
    rig.order_all().await;
    assert_eq!(rig.shown().await["bookings_total_estimate"], Value::Null);
    rig.run().await;
    rig.done(&BOOKINGS).await;
}

#[tokio::test]
async fn routes_and_methods() {
    let rig = Rig::new();
    let delete = |path: &str| {
        let request = lambda_http::http::Request::delete(format!("https://api.example{path}"));
        request.body(lambda_http::Body::Empty).expect("a request")
    };
    for (path, allowed) in [("/replays", "POST"), (&*format!("/replays/{ID}"), "GET"), ("/replays/x/cancel", "POST")] {
        let answer = rig.send(delete(path)).await;
        answer.clone().is_problem(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), Some(allowed), "{path}");
    }
    rig.get("/replays").await.is_problem(405, "method-not-allowed");
    rig.get("/replays/x/y").await.is_problem(404, "route-not-found");
    rig.get("/bookings/x").await.is_problem(404, "route-not-found");
    let answer = rig.get("/replays/x").await;
    answer.clone().is_problem(400, "invalid-request");
    assert_eq!(answer.pointers(), ["{replay_id}"]);
    rig.post("/replays/x/cancel", "").await.is_problem(400, "invalid-request");
    rig.post(&format!("/replays/{ID}/cancel"), "").await.is_problem(404, "replay-not-found");
    for path in [format!("/replays/{ID}?x=1"), format!("/replays/{ID}/cancel?x=1"), "/replays?x".to_owned()] {
        let answer = rig.get(&path).await;
        answer.clone().is_problem(400, "invalid-request");
        assert_eq!(answer.pointers(), ["?x"]);
    }
}

/// What is no turn is kept: the queue moves it to its dead letters in the end. A turn of no replay is nobody's.
#[tokio::test]
async fn messages_that_are_no_turns() {
    let rig = Rig::with(&BOOKINGS).await;
    let message = |receipt: &str, body: &str| Delivered {
        receipt: receipt.to_owned(),
        group: "g".to_owned(),
        body: body.to_owned(),
        receives: 1,
    };
    for body in ["", "null", "{}", r#"{"replay_id":"x","turn":0}"#, r#"{"settle":{"booking_code":"A"}}"#] {
        assert_eq!(work(&rig, sqs_event(&[message("1", body)])).await, ["1"], "{body}");
    }
    let unknown = format!(r#"{{"replay_id":"{ID}","turn":7}}"#);
    assert_eq!(work(&rig, sqs_event(&[message("1", &unknown)])).await, [""; 0]);
    assert_eq!(rig.sendings(), 0);
}

/// A batch of several, should somebody configure it: what is behind a kept message of its group is kept too.
#[tokio::test]
async fn a_batch_keeps_its_groups_in_order() {
    let rig = Rig::with(&BOOKINGS).await;
    rig.order_all().await;
    let body = rig.turns.bodies().remove(0);
    let message = |receipt: &str, group: &str, body: &str| Delivered {
        receipt: receipt.to_owned(),
        group: group.to_owned(),
        body: body.to_owned(),
        receives: 1,
    };
    let batch = [message("1", "x", "no turn"), message("2", ID, &body), message("3", "x", &body)];
    assert_eq!(work(&rig, sqs_event(&batch)).await, ["1", "3"]);
    rig.all_sent(&BOOKINGS);
}
