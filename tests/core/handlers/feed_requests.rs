//! Requests to the feed that are wrong: everything that is wrong is named, and no place is taken for another.

use booking_tests::draft;
use lambda_http::Body;
use lambda_http::http::Request as HttpRequest;

use crate::feed::Feed;

/// Two events in partition 14.
async fn feed() -> Feed {
    let feed = Feed::new();
    let _ = feed.world.append("LH4711", Some(0), &[draft(1), draft(2)]).await.is(201);
    feed.index().await;
    feed
}

fn token(partition: usize, position: u64) -> String {
    let places: Vec<_> = (0..16).map(|i| if i == partition { position.to_string() } else { "0".to_owned() }).collect();
    format!("v1-{}", places.join("-"))
}

#[tokio::test]
async fn everything_that_is_wrong_is_named() {
    let feed = feed().await;
    for (query, pointers) in [
        ("after=", &["?after"][..]),
        ("after=x", &["?after"]),
        ("after=-1", &["?after"]),
        ("after=01&partition=3", &["?after"]),
        ("after=1000000000000000000&partition=3", &["?after"]),
        ("after=v1-1-2", &["?after"]),
        ("after=v2-0-0-0-0-0-0-0-0-0-0-0-0-0-0-0-0", &["?after"]),
        ("limit=0", &["?limit"]),
        ("limit=1001", &["?limit"]),
        ("limit=ten", &["?limit"]),
        ("partition=16", &["?partition"]),
        ("partition=-1", &["?partition"]),
        ("partition=%2B1", &["?partition"]),
        ("partition=", &["?partition"]),
        ("from=3", &["?from"]),
        ("limit=1&limit=2", &["?limit"]),
        ("after=x&limit=0&partition=99&to=1", &["?after", "?limit", "?partition", "?to"]),
    ] {
        let answer = feed.get(&format!("/feed?{query}")).await.is_problem(400, "invalid-request");
        assert_eq!(answer.pointers(), pointers, "{query}");
    }
    let answer = feed.get("/feed/partitions?limit=3").await.is_problem(400, "invalid-request");
    assert_eq!(answer.pointers(), ["?limit"]);
}

/// A place that this feed has not reached is another system's, or of a feed that was built anew.
#[tokio::test]
async fn a_position_ahead_of_the_head_is_refused() {
    let feed = feed().await;
    for query in ["partition=14&after=3".to_owned(), format!("after={}", token(14, 3))] {
        let answer = feed.get(&format!("/feed?{query}")).await.is_problem(409, "position-not-reached");
        let numbers = ["partition", "position", "actual_position"].map(|name| answer.json[name].as_u64());
        assert_eq!(numbers, [Some(14), Some(3), Some(2)], "{query}");
    }
    let ahead = feed.get(&format!("/feed?partition=3&after={}", token(14, 3))).await;
    let _ = ahead.is(200);
    let _ = feed.get(&format!("/feed?after={}", token(14, 2))).await.is(200);
}

/// A number says nothing of the other partitions; were it taken for all, events would be skipped in silence.
#[tokio::test]
async fn a_position_without_its_partition_is_refused() {
    let feed = feed().await;
    for after in ["1", "2", "99"] {
        let answer = feed.get(&format!("/feed?after={after}")).await.is_problem(409, "partition-not-named");
        assert_eq!(answer.json["after"].to_string(), after);
    }
    assert_eq!(feed.get("/feed?after=0").await.is(200).event_ids().len(), 2, "the beginning is the same everywhere");
}

#[tokio::test]
async fn other_methods_and_paths() {
    let feed = feed().await;
    for path in ["/feed", "/feed/partitions"] {
        let request = HttpRequest::post(format!("https://api.example{path}")).body(Body::Empty).unwrap();
        let answer = feed.fetch(request).await;
        assert_eq!(answer.header("allow"), Some("GET"));
        answer.is_problem(405, "method-not-allowed");
    }
    for path in ["/feed/", "/feed/3", "/feed/partitions/3", "/bookings", "/"] {
        feed.get(path).await.is_problem(404, "route-not-found");
    }
}
