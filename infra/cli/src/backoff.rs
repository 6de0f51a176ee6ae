//! Sending again: capped exponential back-off with jitter, never sooner than the server's `Retry-After`.
//!
//! The same request is sent again, never a new one: idempotency is the caller's, by event ids that do not change.

use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, Instant};

use crate::client::{Failure, Transient};

const CAP: Duration = Duration::from_secs(5);
/// A server that asks for more than this is asked again after this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// The pauses between tries.
#[derive(Debug)]
pub struct Backoff {
    step: Duration,
}

impl Backoff {
    /// Starts with a pause of about `first`.
    pub fn new(first: Duration) -> Self {
        Self { step: first }
    }

    /// The next pause: between half a step and a step, after what the server asked for.
    pub fn pause(&mut self, retry_after: Option<Duration>) -> Duration {
        let step = self.step;
        self.step = (step * 2).min(CAP);
        let jittered = step / 2 + step.mul_f64(f64::from(random()) / f64::from(u32::MAX)) / 2;
        match retry_after {
            Some(asked) => asked.min(LONGEST_RETRY_AFTER) + jittered / 2,
            None => jittered,
        }
    }
}

/// Some randomness for jitter: the keys the standard library makes for its hash maps.
fn random() -> u32 {
    let hash = RandomState::new().build_hasher().finish().to_le_bytes();
    u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]])
}

/// How long a request is sent again.
#[derive(Debug, Clone, Copy)]
pub enum Patience {
    /// So many times after the first.
    Retries(u32),
    /// Until so long after the first.
    For(Duration),
}

/// What a request came to, and how many times it was sent again for that.
#[derive(Debug)]
pub struct Patient<T> {
    /// The answer, or the last failure.
    pub outcome: Result<T, Failure>,
    /// How often it was sent again.
    pub retries: u32,
}

/// Sends until there is an answer that another try cannot change, or patience ends.
/// `notice` is told of every pause before it begins.
pub async fn patiently<T, F, Fut>(
    patience: Patience,
    notice: &(dyn Fn(&Transient, Duration) + Sync),
    send: F,
) -> Patient<T>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<T, Failure>>,
{
    let started = Instant::now();
    let mut backoff = Backoff::new(Duration::from_millis(200));
    let mut retries = 0;
    loop {
        let transient = match send().await {
            Err(Failure::Transient(transient)) => transient,
            outcome => return Patient { outcome, retries },
        };
        let pause = backoff.pause(transient.retry_after);
        let spent = match patience {
            Patience::Retries(most) => retries >= most,
            Patience::For(span) => started.elapsed() + pause > span,
        };
        if spent {
            return Patient { outcome: Err(Failure::Transient(transient)), retries };
        }
        notice(&transient, pause);
        tokio::time::sleep(pause).await;
        retries += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn pauses_grow_to_the_cap_and_never_undercut_the_server() {
        let mut backoff = Backoff::new(Duration::from_millis(200));
        let mut step = Duration::from_millis(200);
        for _ in 0..12 {
            let pause = backoff.pause(None);
            assert!(pause >= step / 2 && pause <= step, "{pause:?} for a step of {step:?}");
            step = (step * 2).min(CAP);
        }
        let asked = Duration::from_secs(9);
        assert!(backoff.pause(Some(asked)) >= asked);
        assert!(backoff.pause(Some(Duration::from_secs(86_400))) <= LONGEST_RETRY_AFTER + CAP);
    }

    async fn failing(until: u32, patience: Patience) -> (Patient<u32>, u32) {
        let sent = AtomicU32::new(0);
        let patient = patiently(patience, &|_, _| (), || async {
            let now = sent.fetch_add(1, Ordering::Relaxed);
            let retry_after = Some(Duration::ZERO);
            let transient = Transient { reason: "no".into(), retry_after, answered: true };
            if now >= until { Ok(now) } else { Err(Failure::Transient(transient)) }
        })
        .await;
        (patient, sent.into_inner())
    }

    #[tokio::test]
    async fn sends_again_until_answered() {
        let (patient, sent) = failing(2, Patience::Retries(5)).await;
        assert!(matches!(patient.outcome, Ok(2)));
        assert_eq!((patient.retries, sent), (2, 3));
    }

    #[tokio::test]
    async fn patience_ends() {
        let (patient, sent) = failing(99, Patience::Retries(2)).await;
        assert!(matches!(patient.outcome, Err(Failure::Transient(_))));
        assert_eq!(sent, 3);
        let (patient, sent) = failing(99, Patience::For(Duration::ZERO)).await;
        assert!(patient.outcome.is_err());
        assert_eq!(sent, 1);
    }
}
