//! The read function's request: path, query and headers.

use std::sync::OnceLock;

use booking_store::BookingCode;
use lambda_http::http::Method;

use crate::deployment::Deployment;
use crate::gateway;

/// How many events the booking has that the seeds ask for.
const EVENTS: u8 = 20;

/// `payload` is what API Gateway sends. Does nothing if it could not send it.
pub fn check(payload: &[u8]) {
    // Reading changes nothing, so one deployment serves them all.
    static DEPLOYMENT: OnceLock<Deployment> = OnceLock::new();
    let deployment = DEPLOYMENT.get_or_init(|| {
        let deployment = Deployment::new();
        deployment.create(&BookingCode::parse("LH4711").unwrap(), 7, EVENTS);
        deployment.create(&BookingCode::parse("MUC-7").unwrap(), 8, 1);
        deployment
    });
    let Some(request) = gateway::request(payload) else { return };
    let query = request.uri().query().unwrap_or_default().to_owned();
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let (is_get, is_known) = (request.method() == Method::GET, request.headers().contains_key("if-none-match"));
    let answer = deployment.read(request);
    match answer.status {
        304 => assert!(is_get && is_known && answer.text.is_empty()),
        200 if answer.json["events"].is_array() => {
            assert!(is_get);
            page(&answer.json, &pairs);
        }
        200 => assert!(is_get && (pairs.is_empty() || answer.json["stores"].is_object()), "{}", answer.text),
        _ => answer.is_refusal(),
    }
    assert_eq!(answer.status == 405, !is_get);
    for (pointer, _) in answer.errors() {
        let parameter = pointer.strip_prefix('?');
        let named = parameter.is_none_or(|name| pairs.iter().any(|(sent, _)| sent == name));
        assert!(named && (parameter.is_some() || ["{booking_code}", "{event_id}"].contains(&pointer)), "{pointer}");
    }
}

/// The page is the one the parameters name.
fn page(page: &serde_json::Value, pairs: &[(String, String)]) {
    let number = |name: &str, absent: u64| {
        let value = pairs.iter().find(|(sent, _)| sent == name).map(|(_, value)| value);
        value.map_or(absent, |value| value.parse().expect("a parameter was accepted that is no number"))
    };
    let (from, limit) = (number("from_version", 1), number("limit", 100));
    assert!(from >= 1 && (1..=1000).contains(&limit) && number("min_version", 1) >= 1);
    let known = ["from_version", "limit", "min_version", "consistency"];
    assert!(pairs.iter().all(|(name, _)| known.contains(&name.as_str())), "{pairs:?}");
    let head = page["version"].as_u64().unwrap();
    assert_eq!(head, if page["booking_code"] == "LH4711" { u64::from(EVENTS) } else { 1 });
    assert!(number("min_version", 1) <= head);
    let last = from.saturating_add(limit - 1).min(head);
    let shown = page["events"].as_array().unwrap().iter().map(|event| event["version"].as_u64().unwrap());
    assert!(shown.eq(from..=last), "{page}");
    assert_eq!(page["next_from_version"].as_u64(), (from <= last && last < head).then_some(last + 1));
}
