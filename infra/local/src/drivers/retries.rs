//! What a stream's reader does with a function's answer: go on, try again, halve, or give up.

use std::time::Duration;

use crate::template::StreamSource;

/// Pause before the first retry; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause before a retry.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The first so many records are done.
    Advance(usize),
    /// None is; wait, then read again from the same place.
    Retry(Duration),
    /// None is, and none will be: pass over the batch.
    GiveUp,
}

/// The tries of the batch at the checkpoint.
#[derive(Debug)]
pub(super) struct Retries {
    batch_size: usize,
    bisect: bool,
    max_retries: Option<u32>,
    limit: usize,
    failed: u32,
}

impl Retries {
    /// As the event source says.
    pub(super) fn new(source: &StreamSource) -> Self {
        let batch_size = source.batch_size.max(1);
        Self { batch_size, bisect: source.bisect, max_retries: source.max_retries, limit: batch_size, failed: 0 }
    }

    /// Most records of the next batch.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// How often the batch at the checkpoint was tried.
    pub(super) fn tries(&self) -> u32 {
        self.failed
    }

    /// Learns how a batch of `len` records went: the first `done` of them are done.
    pub(super) fn learn(&mut self, len: usize, done: usize) -> Next {
        if done > 0 || len == 0 {
            // What is left of a batch is tried again by itself; a halved batch grows again once one is done.
            self.failed = 0;
            self.limit = self.batch_size;
            return Next::Advance(done.min(len));
        }
        if self.bisect && len > 1 {
            // Halving finds the record that fails, and is no retry.
            self.limit = len / 2;
            return Next::Retry(FIRST_PAUSE);
        }
        self.failed += 1;
        if self.max_retries.is_some_and(|max| self.failed > max) {
            self.failed = 0;
            self.limit = self.batch_size;
            return Next::GiveUp;
        }
        let doublings = (self.failed - 1).min(16);
        Next::Retry(FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retries(bisect: bool, max_retries: Option<u32>) -> Retries {
        let (table, filters) = (String::new(), Vec::new());
        Retries::new(&StreamSource { table, batch_size: 8, filters, bisect, max_retries, reports_failures: true })
    }

    #[test]
    fn finds_the_failing_record_by_halves_and_gives_it_up_after_its_retries() {
        let mut retries = retries(true, Some(2));
        for len in [8, 4, 2] {
            assert_eq!(retries.learn(len, 0), Next::Retry(FIRST_PAUSE));
            assert_eq!(retries.limit(), len / 2);
        }
        assert_eq!(retries.learn(1, 0), Next::Retry(FIRST_PAUSE));
        assert_eq!(retries.learn(1, 0), Next::Retry(FIRST_PAUSE * 2));
        assert_eq!(retries.learn(1, 0), Next::GiveUp);
        assert_eq!(retries.limit(), 8);
    }

    #[test]
    fn advances_to_the_first_failure_and_starts_counting_anew() {
        let mut retries = retries(false, Some(0));
        assert_eq!(retries.learn(8, 3), Next::Advance(3));
        assert_eq!(retries.learn(5, 5), Next::Advance(5));
        assert_eq!(retries.learn(5, 0), Next::GiveUp);
    }

    #[test]
    fn without_a_bound_it_tries_for_ever_and_waits_longer_each_time() {
        let mut retries = retries(false, None);
        let last = (0..100).map(|_| retries.learn(8, 0)).last();
        assert_eq!(last, Some(Next::Retry(LONGEST_PAUSE)));
        assert_eq!(retries.tries(), 100);
    }
}
