//! Every bad input of a read: the precise 4xx with its pointer, no store asked.

use booking_tests::{Call, World, event_id};
use lambda_http::Body;
use lambda_http::http::{Method, Request};

async fn is_refused(path: &str, pointers: &[&str]) {
    let world = World::new();
    let answer = world.get(path).await.is_problem(400, "invalid-request");
    assert_eq!(answer.pointers(), pointers, "{path}: {}", answer.text);
    assert_eq!(world.faults.take_calls(), [] as [Call; 0], "{path}");
}

#[tokio::test]
async fn parameters() {
    let cases: [(&str, &[&str]); 20] = [
        ("from_version=0", &["?from_version"]),
        ("from_version=-1", &["?from_version"]),
        ("from_version=x", &["?from_version"]),
        ("from_version=", &["?from_version"]),
        ("from_version", &["?from_version"]),
        ("from_version=18446744073709551616", &["?from_version"]),
        ("limit=0", &["?limit"]),
        ("limit=1001", &["?limit"]),
        ("limit=1.5", &["?limit"]),
        ("limit=1%20", &["?limit"]),
        ("min_version=0", &["?min_version"]),
        ("min_version=one", &["?min_version"]),
        ("consistency=", &["?consistency"]),
        ("consistency=STRONG", &["?consistency"]),
        ("consistency=weak", &["?consistency"]),
        ("version=1", &["?version"]),
        ("from_version=1&from_version=2", &["?from_version"]),
        ("limit=0&limit=0", &["?limit", "?limit", "?limit"]),
        ("limit=0&x=1&consistency=no&min_version=a", &["?limit", "?x", "?consistency", "?min_version"]),
        ("From_Version=1", &["?From_Version"]),
    ];
    for (query, pointers) in cases {
        is_refused(&format!("/bookings/B/events?{query}"), pointers).await;
    }
    is_refused("/bookings/B?limit=1", &["?limit"]).await;
    is_refused(&format!("/bookings/B/events/{}?a=1&b=2", event_id(1)), &["?a", "?b"]).await;
}

#[tokio::test]
async fn codes_and_ids() {
    let long = "x".repeat(65);
    for code in ["LH%204711", "a%2Fb", "M%C3%BCnchen", "%2E%2E", "a:b", &long] {
        for rest in ["", "/events", &format!("/events/{}", event_id(1))] {
            is_refused(&format!("/bookings/{code}{rest}"), &["{booking_code}"]).await;
        }
    }
    for id in ["x", "1", "0193b7a45a5270008000000000000001", "%20"] {
        is_refused(&format!("/bookings/B/events/{id}"), &["{event_id}"]).await;
    }
}

/// Parameters that are all right, encoded or in any order.
#[tokio::test]
async fn good_parameters() {
    let world = World::new();
    for query in ["limit=1000", "limit=%31", "&from_version=1&", "consistency=strong&min_version=1&limit=1", ""] {
        world.get(&format!("/bookings/B/events?{query}")).await.is_problem(404, "booking-not-found");
    }
}

#[tokio::test]
async fn other_methods_and_routes() {
    let world = World::new();
    for path in ["/", "/bookings", "/booking/B", "/bookings/B/event", "/bookings/B/events/x/y", "/health/x"] {
        world.get(path).await.is_problem(404, "route-not-found");
    }
    for path in ["/bookings/B/events", "/bookings/B", "/health"] {
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let request = Request::builder().method(method).uri(format!("https://api.example{path}"));
            let answer = world.fetch(request.body(Body::Empty).expect("a request")).await;
            assert_eq!(answer.is_problem(405, "method-not-allowed").header("allow"), Some("GET"));
        }
    }
    assert_eq!(world.faults.take_calls(), [] as [Call; 0]);
}
