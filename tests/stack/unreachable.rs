//! DynamoDB does not answer at all, as when its name resolved to nothing in October 2025: connections fail.

use serde_json::{Value, json};

use crate::system::{System, event_id};

/// Sets the append function's environment, with `endpoint` as DynamoDB's address or as the deployment had it.
async fn point(system: &System, endpoint: Option<&str>) {
    let path = format!("/2015-03-31/functions/{}/configuration", system.stack.resources["AppendFunction"]);
    let configuration = system.aws.path("lambda", "GET", &path, Vec::new()).await.json();
    let mut variables = configuration["Environment"]["Variables"].as_object().unwrap().clone();
    variables.remove("AWS_ENDPOINT_URL_DYNAMODB");
    variables.extend(endpoint.map(|endpoint| ("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), Value::from(endpoint))));
    let update = json!({"Environment": {"Variables": variables}});
    system.aws.path("lambda", "PUT", &path, update.to_string().into_bytes()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_booking_is_deferred_and_settled_by_the_others() {
    let system = System::take().await;
    let old = system.create("U1").await;
    system.settled("U1", &[1]).await;
    // A port of this machine where nobody listens.
    let nobody = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let closed = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    point(&system, Some(&closed)).await;
    let id = event_id();
    for _ in 0..2 {
        // Impatient clients send twice; it is one booking all the same.
        let deferred = system.append("U2", json!(0), &id).await;
        assert_eq!(deferred.outcome(), (202, "deferred".to_owned()), "{deferred:?}");
    }
    let later = system.append("U1", json!(1), &event_id()).await;
    assert_eq!(later.outcome(), (503, "store-unavailable".to_owned()), "{later:?}");
    assert_eq!(later.json()["outcome"], "not_accepted");
    assert!(!later.header("retry-after").is_empty());
    point(&system, None).await;
    system.settled("U2", &[1]).await;
    assert_eq!(system.append("U2", json!(0), &id).await.outcome(), (200, "recorded".to_owned()));
    assert_eq!(system.append("U1", json!(0), &old).await.outcome(), (200, "recorded".to_owned()));
}
