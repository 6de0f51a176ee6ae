//! `--sign`: what API Gateway would check of a request, checked as it does: made again from what came over the wire.

use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use time::PrimitiveDateTime;
use time::macros::format_description;

use crate::bookings::Folder;

/// A request as it came.
type Seen = (Method, Uri, HeaderMap, Bytes);

#[derive(Clone, Default)]
struct Gateway(Arc<Mutex<Vec<Seen>>>);

async fn note(State(seen): State<Gateway>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    seen.0.lock().unwrap().push((method, uri, headers, body));
    StatusCode::FORBIDDEN
}

/// What `authorization` must be for this request, if its author has the key.
fn expected((method, uri, headers, body): &Seen, secret: &str) -> String {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let at = PrimitiveDateTime::parse(headers["x-amz-date"].to_str().unwrap(), &format).unwrap().assume_utc();
    let at = UNIX_EPOCH + Duration::from_secs(at.unix_timestamp().try_into().unwrap());
    let identity = Credentials::new("AKIDEXAMPLE", secret, Some("a-session".to_owned()), None, "test").into();
    let parameters = SigningParams::builder().identity(&identity).region("eu-west-3").name("execute-api");
    let parameters = parameters.time(at).settings(SigningSettings::default()).build().unwrap().into();
    let url = format!("http://{}{uri}", headers["host"].to_str().unwrap());
    let request = SignableRequest::new(method.as_str(), &url, std::iter::empty(), SignableBody::Bytes(body)).unwrap();
    let (signed, _) = sign(request, &parameters).unwrap().into_parts();
    signed.headers().find(|(name, _)| *name == "authorization").unwrap().1.to_owned()
}

#[test]
fn what_is_sent_is_what_is_signed() {
    let (folder, gateway) = (Folder::new(), Gateway::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}/stage", listener.local_addr().unwrap());
    let app = Router::new().fallback(note).with_state(gateway.clone());
    runtime.spawn(async move { axum::serve(listener, app).await });
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "a-secret"),
        ("AWS_SESSION_TOKEN", "a-session"),
        ("AWS_REGION", "eu-west-3"),
    ];
    let append = ["--sign", "append", "A.b_1", "--type", "T", "--data", "{\"ü\": 1}", "--expected-version", "new"];
    for args in [&append[..], &["--sign", "tail", "--from-now"], &["--sign", "read", "X", "--limit", "2"]] {
        let said = folder.run_with(&keys, &url, args);
        assert!(said.code != 0 && !said.err.contains("a-secret"), "{said:?}");
    }
    let seen = gateway.0.lock().unwrap();
    assert_eq!(seen.iter().map(|(method, ..)| method.as_str()).collect::<Vec<_>>(), ["POST", "GET", "GET"]);
    for request in seen.iter() {
        assert_eq!(request.2["authorization"].to_str().unwrap(), expected(request, "a-secret"), "{request:?}");
        assert_ne!(request.2["authorization"].to_str().unwrap(), expected(request, "another"));
        assert_eq!(request.2["x-amz-security-token"], "a-session");
    }
}

#[test]
fn without_keys_or_a_region_nothing_is_sent() {
    let folder = Folder::new();
    let nowhere = "http://127.0.0.1:1";
    let off = ("AWS_EC2_METADATA_DISABLED", "true");
    let said = folder.run_with(&[off, ("AWS_REGION", "eu-west-3")], nowhere, &["--sign", "status", "A"]).exits(2);
    assert!(said.err.starts_with("error: --sign: "), "{said:?}");
    let said = folder.run_with(&[off], nowhere, &["--sign", "status", "A"]).exits(2);
    assert!(said.err.contains("AWS_REGION"), "{said:?}");
    let said = folder.run(nowhere, &["--sign", "--header", "Authorization: Bearer x", "status", "A"]).exits(2);
    assert!(said.err.contains("cannot be used with"), "{said:?}");
}
