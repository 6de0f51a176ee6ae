//! One store call: its attempts, its deadlines, and what its failures prove.
//!
//! The SDK's own retries are off (see [`crate::clients`]): after several attempts it reports only the last failure, and
//! "throttled" after "timed out" would be taken for "certainly no effect". Here the doubt of any attempt stays.

use std::error::Error;
use std::future::Future;
use std::io;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use tokio::time::{Instant, timeout};

use crate::failure::{FailureKind, Store, StoreFailure};
use crate::limits::{ATTEMPT_TIMEOUT, FIRST_RETRY_PAUSE, MAX_ATTEMPTS, OPERATION_TIMEOUT};

/// Makes `attempt` until it succeeds, proves useless, or attempts or time run out.
///
/// # Errors
/// The last attempt's failure; `effect_possible` if any attempt may have had an effect.
pub async fn call<T, F, A>(store: Store, attempt: A) -> Result<T, StoreFailure>
where
    A: Fn() -> F + Send,
    F: Future<Output = Result<T, StoreFailure>> + Send,
{
    call_telling_doubt(store, attempt).await.map(|(value, _)| value)
}

/// The same, and with the value whether an earlier attempt may have had an effect, or may have it yet.
///
/// # Errors
/// As [`call`].
#[expect(clippy::disallowed_methods, reason = "deadlines of real calls; never part of a simulation")]
pub async fn call_telling_doubt<T, F, A>(store: Store, attempt: A) -> Result<(T, bool), StoreFailure>
where
    A: Fn() -> F + Send,
    F: Future<Output = Result<T, StoreFailure>> + Send,
{
    let deadline = Instant::now() + OPERATION_TIMEOUT;
    let mut pause = FIRST_RETRY_PAUSE;
    let mut effect_possible = false;
    let mut attempts_left = MAX_ATTEMPTS;
    loop {
        let allowed = ATTEMPT_TIMEOUT.min(deadline.saturating_duration_since(Instant::now()));
        let answer = timeout(allowed, attempt()).await;
        let mut failure = match answer {
            Ok(Ok(value)) => return Ok((value, effect_possible)),
            Ok(Err(failure)) => failure,
            Err(elapsed) => StoreFailure::new(store, FailureKind::NoAnswer).because(elapsed),
        };
        effect_possible |= failure.effect_possible;
        failure.effect_possible = effect_possible;
        attempts_left -= 1;
        if attempts_left == 0 || !failure.kind.is_retryable() {
            return Err(failure);
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}

/// Reads an SDK error on the two axes of [`FailureKind`].
pub fn classify<E>(store: Store, error: SdkError<E, HttpResponse>) -> StoreFailure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let kind = match &error {
        SdkError::ConstructionFailure(_) => FailureKind::Refused,
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(connector) if connector.is_user() => FailureKind::Refused,
            Some(connector) if never_connected(connector) => FailureKind::Unreachable,
            Some(_) | None => FailureKind::NoAnswer,
        },
        // So the SDK reports a success that it can't read: no word of the service's, and it may have acted.
        SdkError::ServiceError(unread) if unread.raw().status().is_success() => FailureKind::NoAnswer,
        SdkError::ServiceError(refusal) => {
            classify_answer(refusal.err().code(), refusal.err().message(), refusal.raw().status().as_u16())
        }
        // A time-out, or an answer that is none: it may have acted.
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => FailureKind::NoAnswer,
        other => {
            tracing::warn!(%other, "an SDK error of a kind unknown here; taken for no answer");
            FailureKind::NoAnswer
        }
    };
    StoreFailure::new(store, kind).because(error)
}

/// Reads an error answer by its code, then by its HTTP status.
pub fn classify_answer(code: Option<&str>, message: Option<&str>, status: u16) -> FailureKind {
    match code.unwrap_or_default() {
        "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "KmsThrottled"
        | "AWS.SimpleQueueService.RequestThrottled" => FailureKind::Throttled,
        "TransactionConflictException"
        | "TransactionInProgressException"
        | "ReplicatedWriteConflictException"
        | "ConcurrentModificationException" => FailureKind::Contended,
        "InternalFailure" | "InternalException" | "InternalServerError" => FailureKind::ServerError,
        "ValidationException" if message.is_some_and(|m| m.contains("Item size")) => FailureKind::TooLarge,
        // What SQS says of a message beyond its limit.
        "InvalidParameterValue" if message.is_some_and(|m| m.contains("must be shorter than")) => FailureKind::TooLarge,
        "AWS.SimpleQueueService.BatchRequestTooLong" => FailureKind::TooLarge,
        _ if status >= 500 => FailureKind::ServerError,
        _ => FailureKind::Refused,
    }
}

/// Whether the chain says that no connection came about: refused, or the name resolved to nothing (as in the outage of
/// October 2025). Only then did the call certainly not arrive.
fn never_connected(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let refused = error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::ConnectionRefused);
        let connect = error.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|e| e.is_connect());
        if refused || connect {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
    use aws_sdk_dynamodb::error::{ConnectorError, ErrorMetadata};
    use aws_sdk_dynamodb::operation::get_item::GetItemError;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn doubt_of_an_early_attempt_stays() {
        let attempts = AtomicUsize::new(0);
        let failure = call::<(), _, _>(Store::Events, || async {
            let kind = match attempts.fetch_add(1, Ordering::SeqCst) {
                0 => FailureKind::ServerError,
                _ => FailureKind::Throttled,
            };
            Err(StoreFailure::new(Store::Events, kind))
        })
        .await
        .unwrap_err();
        assert_eq!(attempts.into_inner(), MAX_ATTEMPTS as usize);
        assert_eq!(failure.kind, FailureKind::Throttled);
        assert!(failure.effect_possible);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_tells_the_doubt_of_the_attempts_before_it() {
        for (first, doubt) in [(FailureKind::NoAnswer, true), (FailureKind::Throttled, false)] {
            let attempts = AtomicUsize::new(0);
            let answer = call_telling_doubt(Store::Reservations, || async {
                match attempts.fetch_add(1, Ordering::SeqCst) {
                    0 => Err(StoreFailure::new(Store::Reservations, first)),
                    _ => Ok(7),
                }
            });
            assert_eq!(answer.await.unwrap(), (7, doubt));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_store_costs_the_operation_timeout() {
        let start = Instant::now();
        let attempts = AtomicUsize::new(0);
        let failure = call::<(), _, _>(Store::Bus, || {
            attempts.fetch_add(1, Ordering::SeqCst);
            std::future::pending()
        });
        let failure = failure.await.unwrap_err();
        assert_eq!((failure.kind, failure.effect_possible), (FailureKind::NoAnswer, true));
        assert_eq!(attempts.into_inner(), MAX_ATTEMPTS as usize);
        assert_eq!(start.elapsed(), OPERATION_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn the_pause_between_attempts_doubles() {
        let start = Instant::now();
        let refused = || async { Err(StoreFailure::new(Store::Events, FailureKind::Throttled)) };
        call::<(), _, _>(Store::Events, refused).await.unwrap_err();
        assert_eq!(start.elapsed(), FIRST_RETRY_PAUSE * 3);
    }

    #[tokio::test(start_paused = true)]
    async fn what_no_retry_helps_is_not_retried() {
        let attempts = AtomicUsize::new(0);
        let failure = call::<(), _, _>(Store::Queue, || async {
            attempts.fetch_add(1, Ordering::SeqCst);
            Err(StoreFailure::new(Store::Queue, FailureKind::Refused))
        })
        .await
        .unwrap_err();
        assert_eq!(attempts.into_inner(), 1);
        assert!(!failure.effect_possible);
    }

    /// Code, message and status of an error answer, and what they are read as. The codes are those of the services'
    /// references.
    const ANSWERS: [(&str, &str, u16, FailureKind); 24] = [
        ("ProvisionedThroughputExceededException", "", 400, FailureKind::Throttled),
        ("ThrottlingException", "", 400, FailureKind::Throttled),
        ("Throttling", "", 400, FailureKind::Throttled),
        ("ThrottledException", "", 400, FailureKind::Throttled),
        ("RequestThrottled", "", 403, FailureKind::Throttled),
        ("RequestThrottledException", "", 400, FailureKind::Throttled),
        ("RequestLimitExceeded", "", 503, FailureKind::Throttled),
        ("KmsThrottled", "", 400, FailureKind::Throttled),
        ("AWS.SimpleQueueService.RequestThrottled", "", 400, FailureKind::Throttled),
        ("TransactionConflictException", "", 400, FailureKind::Contended),
        ("TransactionInProgressException", "", 400, FailureKind::Contended),
        ("ReplicatedWriteConflictException", "", 400, FailureKind::Contended),
        ("ConcurrentModificationException", "", 400, FailureKind::Contended),
        ("InternalFailure", "", 400, FailureKind::ServerError),
        ("InternalException", "", 400, FailureKind::ServerError),
        ("InternalServerError", "", 400, FailureKind::ServerError),
        ("ValidationException", "Item size to update has exceeded the maximum", 400, FailureKind::TooLarge),
        ("ValidationException", "Expression size has exceeded the maximum", 400, FailureKind::Refused),
        ("InvalidParameterValue", "Message must be shorter than 1048576 bytes", 400, FailureKind::TooLarge),
        ("InvalidParameterValue", "The group id is missing", 400, FailureKind::Refused),
        ("AWS.SimpleQueueService.BatchRequestTooLong", "", 400, FailureKind::TooLarge),
        ("AccessDeniedException", "", 400, FailureKind::Refused),
        ("", "", 500, FailureKind::ServerError),
        ("", "", 499, FailureKind::Refused),
    ];

    #[test]
    fn answers_are_read_by_code_then_status() {
        for (code, message, status, kind) in ANSWERS {
            let code = (!code.is_empty()).then_some(code);
            assert_eq!(classify_answer(code, Some(message), status), kind, "{code:?} {message} {status}");
        }
        assert_eq!(classify_answer(Some("ValidationException"), None, 400), FailureKind::Refused);
    }

    type Error = SdkError<GetItemError, HttpResponse>;

    fn answer(status: u16) -> HttpResponse {
        HttpResponse::new(status.try_into().unwrap(), "".into())
    }

    #[test]
    fn only_a_call_that_never_left_is_unreachable() {
        let io = |kind: io::ErrorKind| Error::dispatch_failure(ConnectorError::io(io::Error::from(kind).into()));
        let wrapped =
            io::Error::other(StoreFailure::corrupt(Store::Bus, io::Error::from(io::ErrorKind::ConnectionRefused)));
        let refusal = GetItemError::generic(ErrorMetadata::builder().code("ThrottlingException").build());
        for (error, kind) in [
            (Error::construction_failure("no such field"), FailureKind::Refused),
            (Error::dispatch_failure(ConnectorError::user("not a request".into())), FailureKind::Refused),
            (io(io::ErrorKind::ConnectionRefused), FailureKind::Unreachable),
            (Error::dispatch_failure(ConnectorError::io(wrapped.into())), FailureKind::Unreachable),
            (io(io::ErrorKind::ConnectionReset), FailureKind::NoAnswer),
            (Error::dispatch_failure(ConnectorError::timeout("late".into())), FailureKind::NoAnswer),
            (Error::timeout_error("late"), FailureKind::NoAnswer),
            (Error::response_error("not JSON", answer(200)), FailureKind::NoAnswer),
            (Error::service_error(refusal, answer(400)), FailureKind::Throttled),
            (Error::service_error(GetItemError::unhandled("cut off"), answer(200)), FailureKind::NoAnswer),
            (Error::service_error(GetItemError::unhandled("cut off"), answer(502)), FailureKind::ServerError),
        ] {
            let text = format!("{error:?}");
            let failure = classify(Store::Reservations, error);
            assert_eq!((failure.store, failure.kind), (Store::Reservations, kind), "{text}");
            assert!(failure.source.is_some());
        }
    }

    /// As the SDK itself reports it: a closed port, and an address without a way to it.
    #[tokio::test]
    async fn no_connection_is_unreachable() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let closed = listener.local_addr().unwrap();
        drop(listener);
        for address in [closed.to_string(), "255.255.255.255:1".to_owned()] {
            let config = aws_config::SdkConfig::builder()
                .behavior_version(aws_config::BehaviorVersion::latest())
                .region(aws_config::Region::from_static("eu-central-1"))
                .endpoint_url(format!("http://{address}"))
                .credentials_provider(SharedCredentialsProvider::new(Credentials::new("id", "key", None, None, "test")))
                .build();
            let error = crate::clients::dynamodb(&config).get_item().table_name("t").send().await.unwrap_err();
            let failure = classify(Store::Reservations, error);
            assert_eq!(failure.kind, FailureKind::Unreachable, "{}", failure.chain());
        }
    }
}
