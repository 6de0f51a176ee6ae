//! Signed calls of AWS APIs. Only what the tests need: the SDK's crates for these services would take longer to build
//! than the tests to run.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::SystemTime;

use aws_sdk_sqs::config::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use reqwest::Url;
use serde_json::Value;

use crate::python::REGION;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The JSON body; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The status with the body's `status` or `code`: what the answer comes to.
    pub(crate) fn outcome(&self) -> (u16, String) {
        let body = self.json();
        let word = body["code"].as_str().or(body["status"].as_str()).unwrap_or_default();
        (self.status, word.to_owned())
    }

    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A client with the account's own keys.
pub(crate) struct Aws {
    endpoint: String,
    http: reqwest::Client,
}

impl Aws {
    /// For ministack at `endpoint`. Names of APIs lead there too, whatever the machine's resolver thinks of them.
    pub(crate) fn new(endpoint: &str, api: Option<&str>) -> Self {
        let mut http = reqwest::Client::builder().no_proxy();
        if let Some(api) = api {
            http = http.resolve(api, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        }
        Self { endpoint: endpoint.to_owned(), http: http.build().unwrap() }
    }

    /// A call of the JSON protocol; its answer must be a good one.
    pub(crate) async fn json(&self, service: &str, target: &str, body: &Value) -> Value {
        let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target)];
        let answer = self.send(service, "POST", &self.endpoint, &headers, body.to_string().into_bytes()).await;
        assert_eq!(answer.status, 200, "{target}: {answer:?}");
        answer.json()
    }

    /// A call of the query protocol; its answer, which is XML, must be a good one.
    pub(crate) async fn query(&self, service: &str, action: &str, parameters: &[(&str, &str)]) -> String {
        let fields = [&[("Action", action)], parameters].concat();
        let form = Url::parse_with_params("http://form", fields).unwrap().query().unwrap().to_owned();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = self.send(service, "POST", &self.endpoint, &headers, form.into_bytes()).await;
        assert_eq!(answer.status, 200, "{action}: {answer:?}");
        answer.text
    }

    /// A call of a path of the endpoint; its answer must be a good one.
    pub(crate) async fn path(&self, service: &str, method: &str, path: &str, body: Vec<u8>) -> Answer {
        let answer = self.send(service, method, &format!("{}{path}", self.endpoint), &[], body).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        answer
    }

    /// Any call, signed.
    pub(crate) async fn send(
        &self,
        service: &str,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let signature = signature(service, method, url, headers, &body);
        let mut request = self.http.request(method.parse().unwrap(), url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in &signature {
            request = request.header(name, value);
        }
        answer(request.body(body)).await
    }

    /// A call without a signature.
    pub(crate) async fn send_unsigned(&self, url: &str) -> Answer {
        answer(self.http.get(url)).await
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

#[expect(clippy::disallowed_methods, reason = "a signature names the machine's own time")]
fn signature(service: &str, method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<(String, String)> {
    let identity = Credentials::new("test", "test", None, None, "stack").into();
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    if service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
    }
    let parameters = v4::SigningParams::builder().identity(&identity).region(REGION).name(service);
    let parameters = parameters.time(SystemTime::now()).settings(settings).build().unwrap().into();
    let request = SignableRequest::new(method, url, headers.iter().copied(), SignableBody::Bytes(body)).unwrap();
    let (instructions, _) = sign(request, &parameters).unwrap().into_parts();
    let headers = instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
    headers.collect()
}
