//! Delivers what the bus's rules select to their targets, as EventBridge does: at least once, tried again with pauses
//! that double, given up as the rule says.
//!
//! One round a rule at a time, so that a slow target holds up nobody else's deliveries.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt as _;
use reqwest::StatusCode;
use reqwest::redirect::Policy;
use tokio::task::JoinSet;

use super::Stop;
use crate::bus::{LocalBus, Outcome, Parcel, Rule, Target};
use crate::chain;
use crate::faults::{Delivery, Faults};
use crate::ledger::LedgerError;
use crate::queue::Queues;

/// Entries of one round.
const BATCH: usize = 100;
/// Posts to one webhook at a time.
const POSTS: usize = 8;
/// How long a webhook may take to answer (AWS fact, of API destinations).
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest sleep without a call to wake up.
const IDLE: Duration = Duration::from_secs(1);
/// Why nothing arrives while the switch says so.
const SWITCHED_DOWN: &str = "switched down";

/// The driver.
#[derive(Clone)]
pub struct DeliverDriver {
    bus: LocalBus,
    queues: Queues,
    faults: Faults,
    http: reqwest::Client,
}

impl DeliverDriver {
    /// Delivers from `bus` to `queues` and webhooks.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub fn new(bus: LocalBus, queues: Queues, faults: Faults) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).timeout(ANSWER_TIMEOUT);
        Ok(Self { bus, queues, faults, http: http.build()? })
    }

    /// Runs until asked to stop.
    pub async fn run(self, mut stop: Stop) {
        let (mut rounds, mut busy) = (JoinSet::new(), BTreeSet::new());
        while !stop.requested() {
            let next = match self.begin(&mut rounds, &mut busy).await {
                Ok(next) => next.unwrap_or(IDLE).min(IDLE),
                Err(error) => {
                    tracing::error!(error = chain(&error), "the outbox cannot be read");
                    IDLE
                }
            };
            let ended = async {
                match rounds.join_next().await {
                    Some(ended) => ended,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.wait() => {}
                () = self.bus.taken().notified() => {}
                ended = ended => match ended {
                    Ok(rule) => drop(busy.remove(&rule)),
                    // Which one is not known; a rule delivered by two rounds at once is delivered twice at worst.
                    Err(crash) => {
                        tracing::error!(%crash, "a delivery crashed");
                        busy.clear();
                    }
                },
                () = pause(next) => {}
            }
        }
    }

    /// Begins a round of every rule that has something to deliver and is not at it. How long until more is due.
    async fn begin(
        &self,
        rounds: &mut JoinSet<String>,
        busy: &mut BTreeSet<String>,
    ) -> Result<Option<Duration>, LedgerError> {
        for rule in self.bus.targeted() {
            if busy.contains(&rule.name) {
                continue;
            }
            let due = self.bus.due(&rule.name, BATCH).await?;
            if due.is_empty() {
                continue;
            }
            busy.insert(rule.name.clone());
            let driver = self.clone();
            rounds.spawn(async move {
                if let Err(error) = driver.round(&rule, due).await {
                    tracing::error!(error = chain(&error), rule = rule.name, "deliveries cannot be settled");
                    // They are in the outbox still, and due.
                    pause(IDLE).await;
                }
                rule.name
            });
        }
        self.bus.next_due_in().await
    }

    async fn round(&self, rule: &Rule, due: Vec<Parcel>) -> Result<(), LedgerError> {
        match &rule.target {
            Some(Target::Queue(queue)) => self.to_queue(rule, queue, due).await,
            Some(Target::Webhook(url)) => {
                let mut posts = futures::stream::iter(due)
                    .map(|parcel| async {
                        let outcome = self.post(url, &parcel).await;
                        self.bus.settle(rule, parcel, outcome).await
                    })
                    .buffer_unordered(POSTS);
                while let Some(settled) = posts.next().await {
                    settled?;
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    async fn to_queue(&self, rule: &Rule, queue: &str, due: Vec<Parcel>) -> Result<(), LedgerError> {
        let missing = || format!("there is no queue {queue}");
        let receiver = match self.queues.get(queue) {
            Some(_) if self.faults.delivery() == Delivery::Down => Err(SWITCHED_DOWN.to_owned()),
            Some(_) if self.faults.queues_are_down() => Err("queues are switched down".to_owned()),
            receiver => receiver.ok_or_else(missing),
        };
        match receiver {
            Ok(receiver) => self.bus.hand_over(rule, &receiver, due).await,
            Err(reason) => {
                for parcel in due {
                    self.bus.settle(rule, parcel, Outcome::Failed(reason.clone())).await?;
                }
                Ok(())
            }
        }
    }

    /// Posts the envelope. As with EventBridge's API destinations, an answer says whether trying again may help.
    async fn post(&self, url: &str, parcel: &Parcel) -> Outcome {
        if self.faults.delivery() == Delivery::Down {
            return Outcome::Failed(SWITCHED_DOWN.to_owned());
        }
        let post = self.http.post(url).header("content-type", "application/json").body(parcel.entry.clone());
        match post.send().await {
            Ok(answer) => judge(answer.status()),
            Err(error) => Outcome::Failed(chain(&error.without_url())),
        }
    }
}

fn judge(status: StatusCode) -> Outcome {
    let said = format!("the webhook answered {status}");
    match status {
        status if status.is_success() => Outcome::Delivered,
        StatusCode::UNAUTHORIZED
        | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        | StatusCode::CONFLICT
        | StatusCode::TOO_MANY_REQUESTS => Outcome::Failed(said),
        status if status.is_server_error() => Outcome::Failed(said),
        _ => Outcome::Refused(said),
    }
}

#[expect(clippy::disallowed_methods, reason = "a driver waits for its next delivery")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_tried_again_is_what_eventbridge_tries_again() {
        for (status, wanted) in [
            (200, None),
            (204, None),
            (302, Some(true)),
            (400, Some(true)),
            (404, Some(true)),
            (401, Some(false)),
            (409, Some(false)),
            (429, Some(false)),
            (500, Some(false)),
            (503, Some(false)),
        ] {
            let for_good = match judge(StatusCode::from_u16(status).unwrap()) {
                Outcome::Delivered => None,
                Outcome::Failed(_) => Some(false),
                Outcome::Refused(_) => Some(true),
            };
            assert_eq!(for_good, wanted, "{status}");
        }
    }
}
