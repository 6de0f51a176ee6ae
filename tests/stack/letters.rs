//! Messages nobody can work on, and the audit.

use serde_json::json;

use crate::system::{System, event_id};

/// A malformed message goes to the dead-letter queue with its reason and lets the next one of its group pass.
#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_message_is_set_aside_with_its_reason() {
    let system = System::take().await;
    let id = system.create("L1").await;
    system.settled("L1", &[1]).await;
    let order = json!({"settle": {"booking_code": "L1", "event_id": id}}).to_string();
    for (n, body) in ["not a message", &order].into_iter().enumerate() {
        let send = json!({"QueueUrl": system.stack.outputs["FallbackQueueUrl"], "MessageBody": body,
            "MessageGroupId": "L1", "MessageDeduplicationId": format!("letters-{n}")});
        system.aws.json("sqs", "AmazonSQS.SendMessage", &send).await;
    }
    let receive = json!({"QueueUrl": system.stack.outputs["DeadLetterQueueUrl"], "MessageAttributeNames": ["All"],
        "WaitTimeSeconds": 20});
    let received = system.aws.json("sqs", "AmazonSQS.ReceiveMessage", &receive).await;
    let letters = received["Messages"].as_array().cloned().unwrap_or_default();
    assert_eq!(letters.len(), 1, "{received}");
    assert_eq!(letters[0]["Body"], "not a message");
    let reason = letters[0]["MessageAttributes"]["reason"]["StringValue"].as_str().unwrap();
    assert!(reason.starts_with("not a queue message: "), "{reason}");
    let delete = json!({"QueueUrl": system.stack.outputs["DeadLetterQueueUrl"],
        "ReceiptHandle": letters[0]["ReceiptHandle"]});
    system.aws.json("sqs", "AmazonSQS.DeleteMessage", &delete).await;
    system.until("the fallback queue is empty", || async { depth(&system).await == (0, 0) }).await;
}

/// Messages in the fallback queue, visible and hidden.
async fn depth(system: &System) -> (u64, u64) {
    let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
    let get = json!({"QueueUrl": system.stack.outputs["FallbackQueueUrl"], "AttributeNames": names});
    let got = system.aws.json("sqs", "AmazonSQS.GetQueueAttributes", &get).await;
    let number = |name: &str| got["Attributes"][name].as_str().unwrap().parse().unwrap();
    (number(names[0]), number(names[1]))
}

/// The audit's role may scan, and it finds nothing where everything is younger than an hour.
#[tokio::test(flavor = "multi_thread")]
async fn the_audit_looks_at_the_whole_table() {
    let system = System::take().await;
    system.append("L2", json!(0), &event_id()).await;
    let path = format!("/2015-03-31/functions/{}/invocations", system.stack.resources["AuditFunction"]);
    let report = system.aws.path("lambda", "POST", &path, b"{}".to_vec()).await.json();
    assert_eq!((&report["complete"], &report["stale"]), (&json!(true), &json!(0)), "{report}");
    system.settled("L2", &[1]).await;
}
