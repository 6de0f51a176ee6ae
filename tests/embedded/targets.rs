//! Rules of the bus with targets: webhooks and queues, outages of either, restarts.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::system::{System, event_id, pause};
use crate::webhook::{Webhook, place};

/// Receives up to ten messages.
async fn receive(system: &System, queue: &str, more: &str) -> Vec<Value> {
    let answer = system.get(&format!("/local/queues/{queue}/messages?max=10{more}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["messages"].as_array().unwrap().clone()
}

fn bodies(messages: &[Value]) -> Vec<(String, u64)> {
    let mut places: Vec<_> = messages.iter().map(|message| place(message["body"].as_str().unwrap())).collect();
    places.sort();
    places
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_gets_the_envelopes_of_its_rule_and_nothing_else() {
    let (system, webhook) = (System::start().await, Webhook::listen(0).await);
    let pattern = json!({"source": ["booking.events"], "detail": {"booking_code": [{"prefix": "H"}]}});
    let rule = json!({"pattern": pattern, "target": {"webhook": webhook.url}});
    assert_eq!(system.ask("PUT", "/local/rules/hotels", Some(rule)).await.status, 200);
    for code in ["H1", "F1", "H2"] {
        system.create(code).await;
    }
    assert_eq!(system.append("H1", json!(1), &event_id()).await.status, 201);
    let all = || async { webhook.posted().into_iter().collect::<BTreeSet<_>>().len() == 3 };
    system.until("all posted", all).await;
    system.settled().await;
    system.until("nothing waits", || async { system.rule_status("hotels").await["waiting"] == 0 }).await;
    let mut posted = webhook.posted();
    posted.sort();
    // At least once: an image of H1 read before its first event was trimmed shows that event again.
    let times = posted.len();
    posted.dedup();
    assert_eq!(posted, [("H1".to_owned(), 1), ("H1".to_owned(), 2), ("H2".to_owned(), 1)]);
    let log = system.get("/local/bus?rule=hotels").await;
    for body in webhook.bodies() {
        assert!(log.text.contains(&body), "not as the bus took it: {body}");
    }
    let status = system.rule_status("hotels").await;
    let told = (&status["waiting"], &status["delivered"], &status["dead_letters"]);
    assert_eq!(told, (&json!(0), &json!(times), &json!(0)));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_fails_is_tried_again_and_given_up_with_a_reason() {
    let (system, webhook) = (System::start().await, Webhook::listen(0).await);
    system.rule("all", json!({"webhook": webhook.url}), 2).await;
    webhook.answer(503);
    system.create("A").await;
    system.until("tried twice", || async { webhook.bodies().len() == 2 }).await;
    webhook.answer(204);
    system.until("delivered", || async { system.rule_status("all").await["delivered"] == 1 }).await;
    assert_eq!(webhook.bodies().len(), 3);

    // What is given up: after its retries, or at once if the answer says that none will help.
    webhook.answer(500);
    system.create("B").await;
    system.until("given up", || async { system.rule_status("all").await["dead_letters"] == 1 }).await;
    assert_eq!(webhook.bodies().len(), 6);
    webhook.answer(404);
    system.create("C").await;
    system.until("refused", || async { system.rule_status("all").await["dead_letters"] == 2 }).await;
    assert_eq!(webhook.bodies().len(), 7);
    let letters = system.get("/local/rules/all/dead-letters").await.json();
    let letters = letters["dead_letters"].as_array().unwrap();
    assert_eq!(letters.iter().map(|l| place(l["body"].as_str().unwrap()).0).collect::<Vec<_>>(), ["B", "C"]);
    assert!(letters[0]["reason"].as_str().unwrap().contains("500"), "{letters:?}");
    assert_eq!((&letters[0]["receives"], &letters[1]["receives"]), (&json!(3), &json!(1)));

    webhook.answer(200);
    assert_eq!(system.ask("POST", "/local/rules/all/redrive", None).await.json(), json!({"sent": 2}));
    system.until("sent again", || async { system.rule_status("all").await["delivered"] == 3 }).await;
    assert_eq!(system.rule_status("all").await["dead_letters"], 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_hides_what_is_received_until_it_is_deleted_or_its_time_is_over() {
    let system = System::start().await;
    assert_eq!(system.get("/local/queues/mine/messages").await.outcome(), (404, "queue-not-found".to_owned()));
    system.rule("mine", json!({"queue": "mine"}), 2).await;
    system.create("A").await;
    system.create("B").await;
    system.until("both there", || async { system.rule_status("mine").await["delivered"] == 2 }).await;
    let first = receive(&system, "mine", "&visibility_timeout_s=600").await;
    assert_eq!(bodies(&first), [("A".to_owned(), 1), ("B".to_owned(), 1)]);
    assert_eq!(receive(&system, "mine", "").await, [json!(null); 0]);

    let url = |message: &Value| format!("/local/queues/mine/messages/{}", message["receipt"].as_str().unwrap());
    assert_eq!(system.ask("DELETE", &url(&first[0]), None).await.status, 204);
    assert_eq!(system.ask("DELETE", &url(&first[0]), None).await.outcome(), (410, "receipt-expired".to_owned()));
    let back = Some(json!({"visibility_timeout_s": 0}));
    assert_eq!(system.ask("PATCH", &url(&first[1]), back).await.status, 204);
    let again = receive(&system, "mine", "&visibility_timeout_s=600").await;
    assert_eq!((again.len(), &again[0]["receives"]), (1, &json!(2)));
    assert_eq!(again[0]["message_id"], first[1]["message_id"]);
    assert_eq!(system.ask("DELETE", &url(&first[1]), None).await.status, 410, "of an earlier receive");

    // Who waits for a message gets it when it comes.
    let (waited, _) = tokio::join!(receive(&system, "mine", "&wait_s=20"), async {
        pause(Duration::from_millis(100)).await;
        system.create("C").await
    });
    assert_eq!(bodies(&waited), [("C".to_owned(), 1)]);
    for bad in ["max=11", "max=0", "wait_s=21", "visibility_timeout_s=-1", "limit=1"] {
        let refused = system.get(&format!("/local/queues/mine/messages?{bad}")).await;
        assert_eq!(refused.outcome(), (400, "invalid-request".to_owned()), "{bad}");
        assert!(refused.text.contains(&format!("?{}", bad.split('=').next().unwrap())), "{refused:?}");
    }
    system.stop().await;
}

/// Rules, what waits for a webhook that is away, and what a receiver has in its hands are there after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_what_is_on_its_way() {
    let directory = tempfile::tempdir().unwrap();
    let system = System::start_in(Some(directory.path().to_owned())).await;
    let port = Webhook::free_port().await;
    system.rule("mine", json!({"queue": "mine"}), 99).await;
    system.rule("hook", json!({"webhook": format!("http://127.0.0.1:{port}/hook?from=test")}), 99).await;
    for code in ["A", "B", "C"] {
        system.create(code).await;
    }
    system.until("tried", || async { system.rule_status("hook").await["failed_attempts"].as_u64() >= Some(3) }).await;
    system.until("queued", || async { system.rule_status("mine").await["delivered"] == 3 }).await;
    let held = system.get("/local/queues/mine/messages?max=1&visibility_timeout_s=600").await.json();
    system.faults(json!({"delivery": "down"})).await;
    system.create("D").await;
    system.settled().await;
    system.stop().await;

    let webhook = Webhook::listen(port).await;
    let system = System::start_in(Some(directory.path().to_owned())).await;
    system.until("posted", || async { webhook.bodies().len() >= 4 }).await;
    system.until("queued", || async { system.rule_status("mine").await["delivered"] == 4 }).await;
    let mut posted = webhook.posted();
    posted.sort();
    posted.dedup();
    assert_eq!(posted, ["A", "B", "C", "D"].map(|code| (code.to_owned(), 1)));
    let rest = receive(&system, "mine", "").await;
    assert_eq!(rest.len(), 3, "one is in a receiver's hands");
    let receipt = held["messages"][0]["receipt"].as_str().unwrap();
    assert_eq!(system.ask("DELETE", &format!("/local/queues/mine/messages/{receipt}"), None).await.status, 204);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_can_be_switched_down_and_heal() {
    let system = System::start().await;
    system.rule("mine", json!({"queue": "mine"}), 99).await;
    system.faults(json!({"delivery": "down"})).await;
    system.create("A").await;
    let failed = || async { system.rule_status("mine").await["failed_attempts"].as_u64() > Some(0) };
    system.until("a delivery fails", failed).await;
    let status = system.rule_status("mine").await;
    assert_eq!((&status["waiting"], &status["last_error"]), (&json!(1), &json!("switched down")));
    system.faults(json!({"delivery": "up", "queue": "down"})).await;
    system.create("B").await;
    let meets_the_outage = || async { system.rule_status("mine").await["last_error"] == "queues are switched down" };
    system.until("the queues' outage is met too", meets_the_outage).await;
    system.heal().await;
    system.until("delivered", || async { system.rule_status("mine").await["delivered"] == 2 }).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_templates_rules_are_there_and_stay_as_they_are() {
    let system = System::start().await;
    let rules = system.get("/local/rules").await.json();
    let fixed: Vec<_> = rules["rules"].as_array().unwrap().iter().filter(|rule| rule["fixed"] == true).collect();
    let price = fixed.iter().find(|rule| rule["name"] == "PriceRule").unwrap();
    assert_eq!(
        (&price["target"], &price["dead_letters"]),
        (&json!({"queue": "PriceQueue"}), &json!("PriceDeadLetterQueue"))
    );
    let changed = Some(json!({"pattern": {"source": ["x"]}}));
    let refused = system.ask("PUT", "/local/rules/PriceRule", changed).await;
    assert_eq!(refused.outcome(), (409, "rule-is-fixed".to_owned()));
    assert_eq!(system.ask("DELETE", "/local/rules/PriceRule", None).await.status, 409);
    for (target, pointer) in [
        (json!({"webhook": "localhost"}), "/target/webhook"),
        (json!({"queue": "a b"}), "/target/queue"),
        (json!({"queue": "FallbackQueue"}), "/target/queue"),
    ] {
        let rule = json!({"pattern": {"source": ["x"]}, "target": target});
        let refused = system.ask("PUT", "/local/rules/mine", Some(rule)).await;
        assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (400, &json!(pointer)));
    }
    for body in [
        json!({"pattern": {"source": ["x"]}, "target": {"topic": "t"}}),
        json!({"pattern": {"source": ["x"]}, "to": 1}),
    ] {
        assert_eq!(system.ask("PUT", "/local/rules/mine", Some(body)).await.status, 400);
    }
    system.stop().await;
}
