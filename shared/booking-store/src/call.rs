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
    for remaining in (0..MAX_ATTEMPTS).rev() {
        let allowed = ATTEMPT_TIMEOUT.min(deadline.saturating_duration_since(Instant::now()));
        let answer = timeout(allowed, attempt()).await;
        let mut failure = match answer {
            Ok(Ok(value)) => return Ok((value, effect_possible)),
            Ok(Err(failure)) => failure,
            Err(elapsed) => StoreFailure::new(store, FailureKind::NoAnswer).because(elapsed),
        };
        effect_possible |= failure.effect_possible;
        failure.effect_possible = effect_possible;
        let out_of_time = Instant::now() + pause >= deadline;
        if remaining == 0 || out_of_time || !failure.kind.is_retryable() {
            return Err(failure);
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    Err(StoreFailure::new(store, FailureKind::NoAnswer))
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
    async fn a_silent_store_costs_the_operation_timeout_at_most() {
        let start = Instant::now();
        let failure = call::<(), _, _>(Store::Bus, std::future::pending).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::NoAnswer);
        assert!(failure.effect_possible);
        assert!(start.elapsed() <= OPERATION_TIMEOUT);
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

    #[test]
    fn answers_are_read_by_code_then_status() {
        assert_eq!(classify_answer(Some("ThrottlingException"), None, 400), FailureKind::Throttled);
        assert_eq!(classify_answer(Some("ReplicatedWriteConflictException"), None, 400), FailureKind::Contended);
        assert_eq!(classify_answer(Some("AccessDeniedException"), None, 400), FailureKind::Refused);
        assert_eq!(classify_answer(None, None, 503), FailureKind::ServerError);
        let size = "Item size to update has exceeded the maximum allowed size";
        assert_eq!(classify_answer(Some("ValidationException"), Some(size), 400), FailureKind::TooLarge);
        let expression = "Invalid ConditionExpression: Expression size has exceeded the maximum allowed size";
        assert_eq!(classify_answer(Some("ValidationException"), Some(expression), 400), FailureKind::Refused);
    }
}
