//! Requests signed for API Gateway's IAM authorization.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use booking_store::clock::Clock;
use reqwest::Request;
use reqwest::header::{HeaderName, HeaderValue};

use super::authorize::{Authorize, Unauthorized};

/// The name under which API Gateway checks signatures.
const SERVICE: &str = "execute-api";

/// Signs with the credentials of the moment.
pub struct SigV4 {
    credentials: SharedCredentialsProvider,
    region: String,
    clock: Arc<dyn Clock>,
}

impl SigV4 {
    /// Signs for `region` with what `credentials` give (those of a function's own role: `SdkConfig`'s provider).
    pub fn new(credentials: SharedCredentialsProvider, region: String, clock: Arc<dyn Clock>) -> Self {
        Self { credentials, region, clock }
    }

    fn now(&self) -> SystemTime {
        let milliseconds = u64::try_from(self.clock.now().unix_milliseconds()).unwrap_or_default();
        SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds)
    }
}

#[async_trait]
impl Authorize for SigV4 {
    async fn authorize(&self, request: &mut Request) -> Result<(), Unauthorized> {
        let credentials = self.credentials.provide_credentials().await.map_err(|error| Unauthorized(error.into()))?;
        let identity = credentials.into();
        let parameters = v4::SigningParams::builder().identity(&identity).region(&self.region).name(SERVICE);
        let parameters = parameters.time(self.now()).settings(SigningSettings::default()).build();
        let parameters = parameters.map_err(|error| Unauthorized(error.into()))?.into();
        let signable = SignableRequest::new(
            request.method().as_str(),
            request.url().as_str(),
            std::iter::empty(),
            SignableBody::Bytes(&[]),
        );
        let signed = sign(signable.map_err(|error| Unauthorized(error.into()))?, &parameters);
        let (instructions, _) = signed.map_err(|error| Unauthorized(error.into()))?.into_parts();
        for (name, value) in instructions.headers() {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| Unauthorized(error.into()))?;
            let value = HeaderValue::from_str(value).map_err(|error| Unauthorized(error.into()))?;
            request.headers_mut().insert(name, value);
        }
        Ok(())
    }
}
