//! The HTTP API in front of the functions: each request becomes the JSON that API Gateway sends a function (payload
//! 2.0), and is parsed by the library that parses it there.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use booking_store::clock::{Clock, System};
use lambda_http::Body;
use lambda_kit::{Problem, gateway};
use serde_json::{Map, Value, json};

use super::{App, answer, broken, problem, whole_body};
use crate::drivers::invoke;
use crate::template::Route;

/// The routes of one path: by method, the route key and the function.
pub(super) struct Api {
    path: String,
    functions: BTreeMap<String, String>,
}

/// The template's routes, gathered by path.
pub(super) fn by_path(routes: &[Route]) -> BTreeMap<String, Api> {
    let mut paths: BTreeMap<String, Api> = BTreeMap::new();
    for route in routes {
        let api = paths.entry(route.path.clone());
        let api = api.or_insert_with(|| Api { path: route.path.clone(), functions: BTreeMap::new() });
        api.functions.insert(route.method.clone(), route.function.clone());
    }
    paths
}

/// Answers a request on a path of the API.
pub(super) async fn serve(
    api: Arc<Api>,
    State(app): State<Arc<App>>,
    parameters: RawPathParams,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Some(function) = api.functions.get(parts.method.as_str()) else {
        let allowed: Vec<&str> = api.functions.keys().map(String::as_str).collect();
        return method_not_allowed(&allowed.join(", "));
    };
    let body = match whole_body(body).await {
        Ok(body) => body,
        Err(too_large) => return too_large,
    };
    let parameters = parameters.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let payload = payload(&api.path, &parts, parameters, &body, System.now().unix_milliseconds());
    match gateway::request(&payload.to_string()) {
        Ok(request) => call(&app, function, request).await,
        Err(error) => broken(&error),
    }
}

/// Calls the function, as a task of its own: like a deployed one it goes on when the client hangs up.
async fn call(app: &Arc<App>, function: &str, request: lambda_http::Request) -> Response {
    let answered = match app.functions.get(function) {
        Some(handle) => invoke(function, handle(request)).await,
        None => {
            tracing::error!(function, "template.yaml routes to a function that is not known here");
            None
        }
    };
    answered.map(answer).unwrap_or_else(|| {
        let (status, detail) = (StatusCode::INTERNAL_SERVER_ERROR, "The function crashed; the log says how.");
        problem(Problem::new(status, "internal-error", "Internal error", detail))
    })
}

fn method_not_allowed(allowed: &str) -> Response {
    let detail = format!("This route takes {allowed}.");
    let status = StatusCode::METHOD_NOT_ALLOWED;
    problem(Problem::new(status, "method-not-allowed", "Method not allowed", detail).with("allow", allowed))
}

/// API Gateway's payload 2.0.
fn payload(path: &str, parts: &Parts, parameters: Map<String, Value>, body: &[u8], now: i64) -> Value {
    let method = parts.method.as_str();
    let route_key = format!("{method} {path}");
    let headers = headers(&parts.headers);
    let text = is_text(&parts.headers).then(|| std::str::from_utf8(body).ok()).flatten();
    let encoded = match (body, text) {
        ([], _) => Body::Empty,
        (_, Some(text)) => Body::Text(text.to_owned()),
        (_, None) => Body::Binary(body.to_vec()),
    };
    let cookies: Vec<&str> =
        headers.get("cookie").and_then(Value::as_str).into_iter().flat_map(|all| all.split("; ")).collect();
    json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": parts.uri.path(),
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "cookies": cookies,
        "pathParameters": parameters,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": headers.get("host"),
            "domainPrefix": "local",
            "http": {
                "method": method,
                "path": parts.uri.path(),
                "protocol": format!("{:?}", parts.version),
                "sourceIp": "127.0.0.1",
                "userAgent": headers.get("user-agent"),
            },
            "requestId": now.to_string(),
            "routeKey": route_key,
            "stage": "$default",
            "timeEpoch": now,
        },
        "headers": headers,
        "body": encoded,
        "isBase64Encoded": text.is_none() && !body.is_empty(),
    })
}

/// Header values by lower-case name; several of one name are joined.
fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let joined = headers.keys().map(|name| {
        let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        (name.as_str().to_owned(), values.collect::<Vec<_>>().join(",").into())
    });
    joined.collect()
}

/// Whether API Gateway hands the body over as text; anything else it encodes.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || matches!(kind.as_str(), "application/json" | "application/javascript" | "application/xml")
}

#[cfg(test)]
mod tests {
    use lambda_http::RequestExt;

    use super::*;

    fn parsed(kind: &str, body: &[u8]) -> lambda_http::Request {
        let request = Request::builder()
            .method("POST")
            .uri("/bookings/H1%2D7/events?limit=1&limit=2")
            .header("Host", "127.0.0.1:9000")
            .header("Content-Type", kind)
            .header("If-None-Match", "\"1\"")
            .header("If-None-Match", "\"2\"")
            .body(axum::body::Body::empty())
            .unwrap();
        let parameters = json!({"booking_code": "H1-7"}).as_object().unwrap().clone();
        let payload = payload("/bookings/{booking_code}/events", &request.into_parts().0, parameters, body, 1);
        lambda_http::request::from_str(&payload.to_string()).unwrap()
    }

    #[test]
    fn a_function_gets_the_request_as_on_lambda() {
        let request = parsed("application/json; charset=utf-8", b"{\"a\": 1.10}");
        assert_eq!(request.method(), "POST");
        assert_eq!(request.path_parameters().first("booking_code"), Some("H1-7"));
        assert_eq!(request.uri().query(), Some("limit=1&limit=2"));
        assert_eq!(request.headers()["if-none-match"], "\"1\",\"2\"");
        assert!(matches!(request.body(), Body::Text(text) if text == "{\"a\": 1.10}"));
    }

    #[test]
    fn other_bodies_arrive_byte_for_byte() {
        assert!(
            matches!(parsed("application/octet-stream", b"\x00\xff").body(), Body::Binary(bytes) if bytes == b"\x00\xff")
        );
        assert!(matches!(parsed("application/json", b"\xff").body(), Body::Binary(bytes) if bytes == b"\xff"));
        assert!(matches!(parsed("application/json", b"").body(), Body::Empty));
    }
}
