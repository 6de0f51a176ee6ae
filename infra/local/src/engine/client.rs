//! The AWS SDK, pointed at the engine: nothing comes from the environment.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};

/// The Region of ARNs and envelopes.
pub const REGION: &str = "local";

/// A client of the engine at `endpoint`, with the store's own time-outs. Plain HTTP without a proxy, and keys that open
/// nothing.
pub fn client(endpoint: &str) -> Client {
    let keys = Credentials::new("local", "local", None, None, "embedded");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint)
        .build();
    booking_store::clients::dynamodb(&config)
}
