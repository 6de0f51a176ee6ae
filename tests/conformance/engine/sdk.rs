//! The AWS SDK, pointed at a server on this machine: nothing comes from the environment.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};

/// Plain HTTP to `endpoint`, with keys that open nothing.
pub(super) fn config(endpoint: &str, region: &'static str) -> SdkConfig {
    let keys = Credentials::new("test", "test", None, None, "conformance");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(region))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint)
        .build()
}
