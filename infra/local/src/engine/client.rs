//! The AWS SDK, pointed at the engine: nothing comes from the environment.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Builder, Connector};

/// The Region of ARNs and envelopes.
pub const REGION: &str = "local";

/// A client of the engine at `endpoint`, with the store's own time-outs. Plain HTTP without a proxy, and keys that open
/// nothing.
pub fn client(endpoint: &str) -> Client {
    client_over(endpoint, Builder::new().build_http())
}

/// The same through an HTTP proxy, for tests of what the wire does to a call.
pub fn client_through(proxy: ProxyConfig, endpoint: &str) -> Client {
    let http = Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().proxy_config(proxy.clone());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        connector.build_http()
    });
    client_over(endpoint, http)
}

fn client_over(endpoint: &str, http: SharedHttpClient) -> Client {
    let keys = Credentials::new("local", "local", None, None, "embedded");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .http_client(http)
        .endpoint_url(endpoint)
        .build();
    booking_store::clients::dynamodb(&config)
}
