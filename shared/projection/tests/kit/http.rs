//! The HTTP adapters against a server that answers as the API does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use booking_store::{BookingCode, Version};
use projection::Delivery;
use projection::http::{Authorize, Bearer, HttpFeed, HttpSource, Nobody, SigV4};
use projection::memory::MemorySource;
use projection::ports::{Feed, Source, SourceFailure};
use projection::{Ports, Projector};

use crate::tally::{added, code};
use crate::world::{World, words};

#[derive(Default)]
struct Server {
    source: MemorySource,
    /// What is answered in the place of a page.
    instead: Mutex<Option<(u16, String)>>,
    seen: Mutex<Vec<(HashMap<String, String>, HeaderMap)>>,
}

type Shared = State<Arc<Server>>;

fn json(status: u16, body: String) -> Response {
    (StatusCode::from_u16(status).unwrap(), [("content-type", "application/json")], body).into_response()
}

fn event_json(event: &projection::RecordedEvent, more: &str) -> String {
    format!(
        r#"{{{more}"version":{},"event_id":"{}","type":"{}","occurred_at":"{}","accepted_at":"{}","status":"recorded","data":{},"metadata":null}}"#,
        event.version,
        event.event_id,
        event.event_type,
        event.occurred_at,
        event.accepted_at,
        event.data.as_str()
    )
}

async fn events(
    State(server): Shared,
    Path(booking): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    server.seen.lock().unwrap().push((query.clone(), headers));
    if let Some((status, body)) = server.instead.lock().unwrap().clone() {
        return json(status, body);
    }
    let booking = BookingCode::parse(&booking).unwrap();
    let all = server.source.of(&booking);
    if all.is_empty() {
        return json(404, r#"{"code":"booking-not-found","detail":"none"}"#.to_owned());
    }
    let number = |name: &str| query.get(name).map(|text| text.parse::<usize>().unwrap());
    if number("min_version").is_some_and(|min| min > all.len()) {
        return json(409, format!(r#"{{"code":"version-not-reached","actual_version":{}}}"#, all.len()));
    }
    let (from, limit) = (number("from_version").unwrap() - 1, number("limit").unwrap());
    let page: Vec<_> = all.iter().skip(from).take(limit).map(|event| event_json(event, "")).collect();
    let next = if from + page.len() < all.len() { (from + page.len() + 1).to_string() } else { "null".to_owned() };
    let events = page.join(",");
    let head = all.len();
    json(
        200,
        format!(
            r#"{{"booking_code":"{booking}","version":{head},"complete":true,"events":[{events}],"conflicts":[],"next_from_version":{next}}}"#
        ),
    )
}

/// One partition, 3, with all of booking A.
async fn feed(State(server): Shared, Query(query): Query<HashMap<String, String>>) -> Response {
    if let Some((status, body)) = server.instead.lock().unwrap().clone() {
        return json(status, body);
    }
    assert_eq!(query["partition"], "3");
    let (after, limit): (usize, usize) = (query["after"].parse().unwrap(), query["limit"].parse().unwrap());
    if !(1..=1000).contains(&limit) {
        return json(400, r#"{"code":"invalid-request","detail":"limit"}"#.to_owned());
    }
    let all = server.source.of(&code("A"));
    let fed = all.iter().zip(1..).skip(after).take(limit);
    let fed: Vec<_> = fed
        .map(|(event, position)| {
            event_json(event, &format!(r#""partition":3,"position":{position},"booking_code":"A","#))
        })
        .collect();
    let next = after + fed.len();
    json(200, format!(r#"{{"events":[{}],"next":"{next}","end":{}}}"#, fed.join(","), next == all.len()))
}

/// A server, and the base URL of its stage.
async fn serve() -> (Arc<Server>, String) {
    let server = Arc::new(Server::default());
    let partitions = get(|| async { json(200, r#"{"partitions":16,"positions":[],"next":""}"#.to_owned()) });
    let routes = axum::Router::new()
        .route("/stage/bookings/{code}/events", get(events))
        .route("/stage/feed", get(feed))
        .route("/stage/feed/partitions", partitions)
        .with_state(server.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/stage", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (server, base)
}

#[tokio::test]
async fn the_read_api_is_a_source_page_by_page() {
    let (server, base) = serve().await;
    let (world, a) = (World::default(), code("A"));
    for amount in [2, 4, 6, 8, 10] {
        server.source.append(added(&a, amount));
        world.source.append(added(&a, amount));
    }
    let source = HttpSource::new(&base, Arc::new(Nobody)).unwrap().paged(2);
    let ports = Ports { source: Arc::new(source), ..world.ports() };
    let kit = Projector::new(world.tally.clone(), ports, world.settings.clone());
    let last = server.source.of(&a).pop().unwrap();
    assert_eq!(words(&kit.deliver(vec![Delivery::of(last)]).await), ["Applied"]);
    world.assert_whole(&a);
    let seen = server.seen.lock().unwrap();
    let asked: Vec<_> =
        seen.iter().map(|(query, _)| (query["from_version"].as_str(), query["min_version"].as_str())).collect();
    assert_eq!(asked, [("1", "5"), ("3", "5")], "what was delivered is not asked for");
}

#[tokio::test]
async fn only_the_apis_own_answers_count() {
    let (server, base) = serve().await;
    let source = HttpSource::new(&format!("{base}/"), Arc::new(Nobody)).unwrap();
    let (a, none) = (code("A"), Version::NONE);
    assert_eq!(source.page(&a, Version::FIRST, none).await.unwrap().events, []);
    server.source.append(added(&a, 2));
    let page = source.page(&a, Version::FIRST, Version::FIRST).await.unwrap();
    assert_eq!((page.events, page.next), (server.source.of(&a), None));
    assert_eq!(source.page(&a, Version::new(2), none).await.unwrap().events, []);
    let behind = source.page(&a, Version::FIRST, Version::new(7)).await.unwrap_err();
    assert!(matches!(behind, SourceFailure::Behind { known, head } if (known.get(), head.get()) == (7, 1)), "{behind}");
    for (status, body) in [
        // A gateway in between, an outage, a page that is not whole, no permission.
        (404, r#"{"message":"Not Found"}"#),
        (503, r#"{"code":"store-unavailable","detail":"reservations"}"#),
        (200, r#"{"complete":false,"events":[],"next_from_version":null}"#),
        (403, ""),
    ] {
        *server.instead.lock().unwrap() = Some((status, body.to_owned()));
        let failed = source.page(&a, Version::FIRST, none).await.unwrap_err();
        assert!(matches!(failed, SourceFailure::Unavailable(_)), "{status} {failed}");
    }
    *server.instead.lock().unwrap() = Some((200, "<html>".to_owned()));
    assert!(matches!(source.page(&a, Version::FIRST, none).await, Err(SourceFailure::Corrupt(_))));
    let nobody = HttpSource::new("http://127.0.0.1:9", Arc::new(Nobody)).unwrap();
    assert!(matches!(nobody.page(&a, Version::FIRST, none).await, Err(SourceFailure::Unavailable(_))));
    assert!(HttpSource::new("mailto:somebody", Arc::new(Nobody)).is_err());
}

async fn authorization(by: Arc<dyn Authorize>) -> HeaderMap {
    let (server, base) = serve().await;
    let source = HttpSource::new(&base, by).unwrap();
    source.page(&code("A"), Version::FIRST, Version::NONE).await.unwrap();
    let (_, headers) = server.seen.lock().unwrap().pop().unwrap();
    headers
}

#[tokio::test]
async fn requests_are_authorized_as_the_gateway_asks() {
    assert!(!authorization(Arc::new(Nobody)).await.contains_key("authorization"));
    let bearer = authorization(Arc::new(Bearer::new(|| "abc.def".to_owned()))).await;
    assert_eq!(bearer["authorization"], "Bearer abc.def");
    let keys = Credentials::new("AKID", "secret", Some("session".to_owned()), None, "test");
    let keys = SharedCredentialsProvider::new(keys);
    let signed = authorization(Arc::new(SigV4::new(keys, "eu-central-1".to_owned(), World::default().clock))).await;
    let authorization = signed["authorization"].to_str().unwrap();
    let scope = "AWS4-HMAC-SHA256 Credential=AKID/20261121/eu-central-1/execute-api/aws4_request";
    assert!(authorization.starts_with(scope), "{authorization}");
    assert_eq!(signed["x-amz-date"], "20261121T090000Z");
    assert_eq!(signed["x-amz-security-token"], "session");
}

#[tokio::test]
async fn the_feed_comes_page_by_page_and_without_holes() {
    let (server, base) = serve().await;
    (1..=5).for_each(|n| drop(server.source.append(added(&code("A"), n))));
    let feed = HttpFeed::new(&base, Arc::new(Nobody)).unwrap();
    assert_eq!(feed.partitions().await.unwrap(), 16);
    let all = server.source.of(&code("A"));
    let page = feed.page(3, 0, 3).await.unwrap();
    assert_eq!((page.events.as_slice(), page.next, page.end), (&all[..3], 3, false));
    let page = feed.page(3, 3, 3).await.unwrap();
    assert_eq!((page.events.as_slice(), page.next, page.end), (&all[3..], 5, true));
    let page = feed.page(3, 5, 3).await.unwrap();
    assert_eq!((page.events.len(), page.next, page.end), (0, 5, true));
    // The API takes no more than 1000, and no less than one.
    assert_eq!(feed.page(3, 0, 5000).await.unwrap().events.len(), 5);
    assert_eq!(feed.page(3, 0, 0).await.unwrap().events.len(), 1);
    let hole = event_json(&all[1], r#""partition":3,"position":2,"booking_code":"A","#);
    for page in
        [format!(r#"{{"events":[{hole}],"next":"2","end":true}}"#), r#"{"events":[],"next":"9","end":true}"#.to_owned()]
    {
        *server.instead.lock().unwrap() = Some((200, page));
        assert!(matches!(feed.page(3, 0, 9).await, Err(SourceFailure::Corrupt(_))));
    }
    *server.instead.lock().unwrap() = Some((409, r#"{"code":"position-not-reached","detail":"ends at 1"}"#.to_owned()));
    let ahead = feed.page(3, 7, 9).await.unwrap_err();
    assert!(ahead.to_string().contains("position-not-reached"), "{ahead}");
}
