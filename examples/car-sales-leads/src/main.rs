//! `car-sales-leads [URL]`: shows a dealer's leads and the calls to make, from the feed of a running event store.
//!
//! Everything it knows is in memory: started again, it begins at the beginning of the feed. A deployed projection keeps
//! records and checkpoints in DynamoDB (`projection::dynamodb`).

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use booking_store::clock::{Clock as _, System};
use car_sales_leads::{CallDesk, Dealer, LeadsByBuyer};
use projection::feed::{FeedRunner, Turn};
use projection::http::{HttpFeed, HttpSource, Nobody};
use projection::memory::{MemoryCheckpoints, MemoryDeadLetters, MemoryRecords};
use projection::{Ports, Projector, ReactTo, ReactionError, Settings};

const PAGE_EVENTS: usize = 100;
const IDLE: Duration = Duration::from_secs(1);

/// Prints the calls.
struct Screen;

#[async_trait]
impl CallDesk for Screen {
    async fn call(&self, _idempotency_key: &str, buyer: &str, offer: &str) -> Result<(), ReactionError> {
        println!("call {buyer} about offer {offer}");
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:9000".to_owned());
    let source = Arc::new(HttpSource::new(&url, Arc::new(Nobody))?);
    let records = Arc::new(MemoryRecords::default());
    let ports = Ports {
        source: source.clone(),
        records: records.clone(),
        dead_letters: Arc::new(MemoryDeadLetters::default()),
        clock: Arc::new(System),
        ids: Arc::new(System),
    };
    let dealer = Dealer { source, desk: Arc::new(Screen) };
    let projector = Projector::new(LeadsByBuyer, ports, Settings::default());
    // Nobody wants to be called about last year's offers.
    let projector = projector.reacting(Arc::new(dealer), ReactTo::AcceptedSince(System.now()));
    let feed = Arc::new(HttpFeed::new(&url, Arc::new(Nobody))?);
    let runner = FeedRunner::new(Arc::new(projector), feed, Arc::new(MemoryCheckpoints::default()), PAGE_EVENTS);
    let mut shown = BTreeMap::new();
    loop {
        let end = turn(&runner).await;
        for record in records.all() {
            let leads = record.state.clone();
            let known: Option<String> = shown.insert(record.booking_code.clone(), leads.clone());
            let before = known.as_deref().unwrap_or("{}");
            if leads != before {
                println!("{} {leads}", record.booking_code);
            }
        }
        if end {
            pause(IDLE).await;
        }
    }
}

/// One page of each partition; whether that was all there is, or something is in the way.
async fn turn(runner: &FeedRunner<LeadsByBuyer>) -> bool {
    match runner.turn_all().await {
        Ok(turns) => turns.into_iter().fold(true, |idle, turn| match turn {
            Ok(turn) => idle && is_idle(&turn),
            Err(error) => {
                eprintln!("{error}; trying again");
                idle
            }
        }),
        Err(error) => {
            eprintln!("{error}; trying again");
            true
        }
    }
}

/// Whether the next turn should wait a moment: there is nothing more, or the partition can't go on now.
fn is_idle(turn: &Turn) -> bool {
    if let Some(why) = &turn.stuck {
        eprintln!("{why}; trying again");
    }
    turn.end || turn.stuck.is_some()
}

#[expect(clippy::disallowed_methods, reason = "a program waits for the feed to grow")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

#[cfg(test)]
mod tests {
    use projection::Counts;

    use super::*;

    #[test]
    fn a_partition_that_can_not_go_on_is_not_asked_again_at_once() {
        let turn = |end, stuck: Option<&str>| Turn {
            position: 0,
            end,
            stuck: stuck.map(str::to_owned),
            waiting: 0,
            counts: Counts::default(),
        };
        assert!(!is_idle(&turn(false, None)), "there is more");
        assert!(is_idle(&turn(true, None)));
        assert!(is_idle(&turn(false, Some("1001 bookings wait"))));
    }
}
