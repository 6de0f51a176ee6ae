//! The end of a run: wait until nothing is left to be done, then read everything.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::check::End;
use super::client::request;
use super::history::{Asked, Operation, Outcome, Query};
use super::{Settings, Target, pause, reply};

/// Reads that are refused at the end, when nothing fails any more: circuits close within seconds.
const MOST_READS: usize = 60;

/// Waits and reads; also how long after healing the wait was over, if it came to an end.
pub(super) async fn reach(
    target: &dyn Target,
    settings: &Settings,
    history: &[Operation],
    healed: Instant,
) -> (End, Option<Duration>) {
    let codes: BTreeSet<&str> = history.iter().map(|operation| operation.code.as_str()).collect();
    let codes: Vec<String> = codes.into_iter().map(str::to_owned).collect();
    let settled = loop {
        match target.unsettled(&codes).await {
            None => break Some(healed.elapsed()),
            Some(left) if healed.elapsed() > settings.patience => {
                eprintln!("not settled after {:?}: {left}", settings.patience);
                break None;
            }
            Some(_) => pause(Duration::from_millis(500)).await,
        }
    };
    let mut end = End::default();
    for code in codes {
        if let Some(outcome) = outcome(target, &code).await {
            end.outcomes.insert(code, outcome);
        }
    }
    end.deliveries = target.deliveries().await;
    end.deliveries.retain(|delivery| delivery.code.starts_with(&settings.prefix));
    end.dead_letters = target.dead_letters().await;
    (end, settled)
}

/// The whole booking; `None` if there is no such booking.
async fn outcome(target: &dyn Target, code: &str) -> Option<Outcome> {
    let mut outcome = Outcome::default();
    let mut from = 1;
    loop {
        let asked = Asked::Page(Query { from, limit: 100, min_version: None, eventual: false });
        let page = reply::page(&get(target, code, &asked).await?).unwrap();
        outcome.events.extend(page.events);
        outcome.conflicts = page.conflicts;
        match page.next {
            Some(next) => from = next,
            None => break,
        }
    }
    outcome.summary = reply::summary(&get(target, code, &Asked::Summary).await?).unwrap();
    Some(outcome)
}

/// The answer's body, or `None` for a 404.
async fn get(target: &dyn Target, code: &str, asked: &Asked) -> Option<serde_json::Value> {
    let (path, _) = request(code, asked);
    for _ in 0..MOST_READS {
        match target.call(&path, None).await {
            Ok(reply) if reply.status == 200 => return Some(reply.body),
            Ok(reply) if reply.status == 404 => return None,
            Ok(_) | Err(_) => pause(Duration::from_millis(250)).await,
        }
    }
    panic!("{path} can't be read, though nothing fails any more");
}
