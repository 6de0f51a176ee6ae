//! Requests signed for API Gateway's IAM authorization.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use booking_store::clock::Clock;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Body, Request};
use tokio::sync::Mutex;

use super::authorize::{Authorize, Unauthorized};

/// The name under which API Gateway checks signatures.
const SERVICE: &str = "execute-api";

/// How long before their end credentials are asked for anew.
const RENEWED_BEFORE: Duration = Duration::from_secs(300);

/// Signs with the credentials of the moment.
pub struct SigV4 {
    credentials: SharedCredentialsProvider,
    /// A provider may ask a service of AWS, which is no thing to do for each request.
    known: Mutex<Option<Credentials>>,
    region: String,
    clock: Arc<dyn Clock>,
}

impl SigV4 {
    /// Signs for `region` with what `credentials` give (those of a function's own role: `SdkConfig`'s provider).
    pub fn new(credentials: SharedCredentialsProvider, region: String, clock: Arc<dyn Clock>) -> Self {
        Self { credentials, known: Mutex::default(), region, clock }
    }

    fn now(&self) -> SystemTime {
        let milliseconds = u64::try_from(self.clock.now().unix_milliseconds()).unwrap_or_default();
        SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds)
    }

    /// Credentials that are good for a while.
    async fn credentials(&self) -> Result<Credentials, Unauthorized> {
        let mut known = self.known.lock().await;
        let renewed = self.now() + RENEWED_BEFORE;
        if let Some(good) = known.as_ref().filter(|known| known.expiry().is_none_or(|end| end > renewed)) {
            return Ok(good.clone());
        }
        let fresh = self.credentials.provide_credentials().await.map_err(unauthorized)?;
        Ok(known.insert(fresh).clone())
    }
}

fn unauthorized(error: impl Error + Send + Sync + 'static) -> Unauthorized {
    Unauthorized(error.into())
}

#[async_trait]
impl Authorize for SigV4 {
    async fn authorize(&self, request: &mut Request) -> Result<(), Unauthorized> {
        let identity = self.credentials().await?.into();
        let parameters = v4::SigningParams::builder().identity(&identity).region(&self.region).name(SERVICE);
        let parameters = parameters.time(self.now()).settings(SigningSettings::default()).build();
        let parameters = parameters.map_err(unauthorized)?.into();
        // A body that is streamed has no bytes; nobody here sends one.
        let body = request.body().and_then(Body::as_bytes).unwrap_or_default();
        let (method, url) = (request.method().as_str(), request.url().as_str());
        let signable = SignableRequest::new(method, url, std::iter::empty(), SignableBody::Bytes(body));
        let signed = sign(signable.map_err(unauthorized)?, &parameters).map_err(unauthorized)?;
        let (instructions, _) = signed.into_parts();
        for (name, value) in instructions.headers() {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(unauthorized)?;
            let value = HeaderValue::from_str(value).map_err(unauthorized)?;
            request.headers_mut().insert(name, value);
        }
        Ok(())
    }
}
