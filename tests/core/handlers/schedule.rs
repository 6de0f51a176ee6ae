//! The daily schedule's payload. It carries nothing the audit needs; the deadline is Lambda's.

use std::time::Duration;

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use booking_store::failure::Store;
use booking_tests::{World, draft};
use serde_json::{Value, json};

use super::payloads::SCHEDULE;

#[tokio::test]
async fn the_schedule_runs_the_audit() {
    let event: EventBridgeEvent<Value> = serde_json::from_str(SCHEDULE).expect("the runtime parses it");
    assert_eq!((event.source.as_str(), event.detail_type.as_str()), ("aws.events", "Scheduled Event"));
    let world = World::new();
    world.faults.down(Store::Events);
    let _ = world.append("LH4711", Some(0), &[draft(1)]).await.is(202);
    world.faults.all_up();
    world.lose_stream_and_queue();
    world.wait(Duration::from_secs(18 * 3600));
    let report = audit::handle(&world.stores, None).await;
    let wanted = json!({
        "stale": 1,
        "requeued": 1,
        "booking_codes": ["LH4711"],
        "complete": true,
        "failures": [],
    });
    assert_eq!(serde_json::to_value(&report).expect("JSON"), wanted);
    world.heal().await;
}
