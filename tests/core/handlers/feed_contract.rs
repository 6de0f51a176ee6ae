//! The HTTP contract of the feed on requests as API Gateway hands them over: whole bodies.

use booking_store::failure::Store;
use booking_tests::{draft, event_id};
use lambda_http::request::from_str;
use serde_json::json;

use super::payloads;
use crate::feed::Feed;

/// `LH4711` in partition 14 with a recorded and a pending event, `MUC-7` in partition 1.
async fn feed() -> Feed {
    let feed = Feed::new();
    let first = draft(1).at("2026-11-20T12:00:00Z").with_metadata(r#"{"by":"desk"}"#);
    let _ = feed.world.append("LH4711", Some(0), &[first]).await.is(201);
    let _ = feed.world.append("MUC-7", Some(0), &[draft(2)]).await.is(201);
    feed.world.settle().await;
    feed.world.faults.down(Store::Events);
    let _ = feed.world.append("LH4711", None, &[draft(3).of_type("BookingAmended")]).await.is(202);
    feed.world.faults.all_up();
    feed.index().await;
    feed
}

#[tokio::test]
async fn a_page_in_full() {
    let feed = feed().await;
    let page = feed.fetch(from_str(payloads::FEED_FIRST).unwrap()).await.is(200);
    let price = |n| json!({"total": format!("{n}.10"), "currency": "EUR"});
    let wanted = json!({
        "events": [
            {
                "partition": 14,
                "position": 1,
                "booking_code": "LH4711",
                "version": 1,
                "event_id": event_id(1),
                "type": "BookingPriced",
                "occurred_at": "2026-11-20T12:00:00.000Z",
                "accepted_at": "2026-11-21T09:00:00.001Z",
                "status": "recorded",
                "data": price(1),
                "metadata": {"by": "desk"},
            },
            {
                "partition": 1,
                "position": 1,
                "booking_code": "MUC-7",
                "version": 1,
                "event_id": event_id(2),
                "type": "BookingPriced",
                "occurred_at": "2026-11-21T09:00:00.002Z",
                "accepted_at": "2026-11-21T09:00:00.002Z",
                "status": "recorded",
                "data": price(2),
                "metadata": null,
            },
        ],
        "next": "v1-0-1-0-0-0-0-0-0-0-0-0-0-0-0-1-0",
        "end": false,
    });
    assert_eq!(page.json, wanted);
    assert_eq!(page.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn after_a_token_and_after_a_position() {
    let feed = feed().await;
    let rest = feed.fetch(from_str(payloads::FEED_NEXT).unwrap()).await.is(200);
    assert_eq!(rest.event_ids(), [event_id(2), event_id(3)]);
    assert_eq!(rest.json["events"][1]["position"], 2);
    assert_eq!(rest.statuses(), ["recorded", "pending"]);
    assert_eq!((rest.member("next"), &rest.json["end"]), ("v1-0-1-0-0-0-0-0-0-0-0-0-0-0-0-2-0", &json!(true)));
    let one = feed.fetch(from_str(payloads::FEED_PARTITION).unwrap()).await.is(200);
    assert_eq!(one.event_ids(), [event_id(3)]);
    assert_eq!((one.member("next"), &one.json["end"]), ("2", &json!(true)));
    let nothing = feed.get("/feed?partition=14&after=2").await.is(200);
    assert_eq!(nothing.json, json!({"events": [], "next": "2", "end": true}));
}

#[tokio::test]
async fn the_partitions_and_their_heads() {
    let feed = feed().await;
    let heads = feed.fetch(from_str(payloads::FEED_PARTITIONS).unwrap()).await.is(200);
    let wanted = json!({
        "partitions": 16,
        "positions": [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0],
        "next": "v1-0-1-0-0-0-0-0-0-0-0-0-0-0-0-2-0",
    });
    assert_eq!(heads.json, wanted);
}

#[tokio::test]
async fn an_empty_feed() {
    let feed = Feed::new();
    let none = "v1-0-0-0-0-0-0-0-0-0-0-0-0-0-0-0-0";
    for path in ["/feed", "/feed?after=0", &format!("/feed?after={none}")] {
        let page = feed.get(path).await.is(200);
        assert_eq!(page.json, json!({"events": [], "next": none, "end": true}), "{path}");
    }
    assert_eq!(feed.get("/feed?partition=0").await.is(200).json, json!({"events": [], "next": "0", "end": true}));
    assert_eq!(feed.get("/feed/partitions").await.is(200).json["positions"], json!(vec![0; 16]));
}

/// Bytes of the client's own JSON come out as they went in.
#[tokio::test]
async fn payloads_keep_every_byte() {
    let feed = Feed::new();
    let awkward = "{ \"b\":1.10,\"a\": 12345678901234567890.000000000000000001 ,\"é\\u0041\":[]}";
    let event = draft(1).with_data(awkward).with_metadata(r#"{"n": 1E-300 }"#);
    let _ = feed.world.append("LH4711", Some(0), &[event]).await.is(201);
    feed.index().await;
    let page = feed.get("/feed").await.is(200);
    assert!(page.text.contains(&format!("\"data\":{awkward}")), "{}", page.text);
    assert!(page.text.contains(r#""metadata":{"n": 1E-300 }"#), "{}", page.text);
}
