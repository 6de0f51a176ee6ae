//! The SDK clients, configured once: timeouts set, retries off (they are [`crate::call`]'s).

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

use crate::limits::{ATTEMPT_TIMEOUT, CONNECT_TIMEOUT};

/// The environment's credentials and Region.
pub async fn sdk_config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest()).load().await
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(ATTEMPT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(ATTEMPT_TIMEOUT)
        .build()
}

/// A DynamoDB client.
pub fn dynamodb(config: &SdkConfig) -> aws_sdk_dynamodb::Client {
    let builder = aws_sdk_dynamodb::config::Builder::from(config);
    let pinned = builder.retry_config(RetryConfig::disabled()).timeout_config(timeouts()).build();
    aws_sdk_dynamodb::Client::from_conf(pinned)
}

/// An SQS client.
pub fn sqs(config: &SdkConfig) -> aws_sdk_sqs::Client {
    let builder = aws_sdk_sqs::config::Builder::from(config);
    let pinned = builder.retry_config(RetryConfig::disabled()).timeout_config(timeouts()).build();
    aws_sdk_sqs::Client::from_conf(pinned)
}

/// An EventBridge client.
pub fn eventbridge(config: &SdkConfig) -> aws_sdk_eventbridge::Client {
    let builder = aws_sdk_eventbridge::config::Builder::from(config);
    let pinned = builder.retry_config(RetryConfig::disabled()).timeout_config(timeouts()).build();
    aws_sdk_eventbridge::Client::from_conf(pinned)
}
