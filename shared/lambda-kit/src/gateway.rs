//! Requests as API Gateway sends them (HTTP API, payload 2.0), for any text a client may have sent.
//!
//! The library builds a URI of a payload's parts and panics where they make none: a bad request would be a 500. So nothing
//! reaches it that could be no part of a URI.

use std::convert::Infallible;

use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use lambda_http::http::{HeaderMap, Response, header};
use lambda_http::lambda_runtime::{self, LambdaEvent};
use lambda_http::request::LambdaRequest;
use lambda_http::tower::Service;
use lambda_http::{Adapter, Body, Error, Request, service_fn};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What a URI's query can't hold as it is, besides everything that is not ASCII.
const NOT_IN_A_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// Serves requests with `handle` until the environment ends.
///
/// # Errors
/// The runtime's, which end the process.
pub async fn run<'a, H, F>(handle: H) -> Result<(), Error>
where
    H: Fn(Request) -> F + 'a,
    F: Future<Output = Response<Body>> + Send + 'a,
{
    let mut adapter = Adapter::from(service_fn(move |request| {
        let answer = handle(request);
        async move { Ok::<_, Infallible>(answer.await) }
    }));
    lambda_runtime::run(service_fn(move |event: LambdaEvent<LambdaRequest>| {
        adapter.call(LambdaEvent::new(usable(event.payload), event.context))
    }))
    .await
}

/// The request of one payload.
///
/// # Errors
/// It is not a payload of API Gateway.
pub fn request(payload: &str) -> Result<Request, serde_json::Error> {
    serde_json::from_str(payload).map(|payload| usable(payload).into())
}

fn usable(request: LambdaRequest) -> LambdaRequest {
    match request {
        LambdaRequest::ApiGatewayV2(request) => LambdaRequest::ApiGatewayV2(without_surprises(request)),
        // No other kind of payload is sent to these functions.
        other => other,
    }
}

/// The query as a URI can hold it, which decodes to the same; and no host, for it is nothing to these functions.
fn without_surprises(mut request: ApiGatewayV2httpRequest) -> ApiGatewayV2httpRequest {
    let query = request.raw_query_string.take();
    request.raw_query_string = query.map(|query| utf8_percent_encode(&query, NOT_IN_A_QUERY).to_string());
    request.request_context.domain_name = None;
    let headers: &mut HeaderMap = &mut request.headers;
    headers.remove(header::HOST);
    headers.remove("x-forwarded-proto");
    request
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::{query_parameters, segments};

    fn sent(path: &str, query: &str, headers: serde_json::Value) -> Request {
        let context = json!({"domainName": "a b", "http": {"method": "GET", "path": path}, "stage": "$default"});
        let payload = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": headers,
            "requestContext": context, "isBase64Encoded": false,
        });
        request(&payload.to_string()).unwrap()
    }

    #[test]
    fn a_query_no_uri_could_hold_is_decoded_all_the_same() {
        let query = "a=\"1\"&b=<ü>\0 c&d=1#2&e=%20+&f=%zz";
        let parameters = query_parameters(&sent("/bookings/B", query, json!({})));
        let shown: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(shown, ["a=\"1\"", "b=<ü>\0 c", "d=1#2", "e=  ", "f=%zz"]);
    }

    #[test]
    fn neither_host_nor_scheme_nor_path_can_break_it() {
        for bad in ["", "a b", "[", "\u{7f}", ":"] {
            let headers = json!({"host": "h", "x-forwarded-proto": bad.trim_matches('\u{7f}'), "accept": "*/*"});
            let request = sent(&format!("/bookings/{bad}\\#?[<\"ü"), "", headers);
            assert_eq!(segments(&request), ["bookings", &format!("{bad}\\#?[<\"ü")]);
            assert_eq!(request.headers().len(), 1);
        }
    }
}
