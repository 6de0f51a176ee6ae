//! `bookings replay`: has the store publish recorded events again for one consumer, and shows how far it is.

use std::time::Duration;

use booking_store::BookingCode;
use clap::{ArgGroup, Args};
use uuid::Uuid;

use crate::client::Server;
use crate::error::Error;
use crate::exit::{EXIT_CODES, Exit};
use crate::progress::Progress;
use crate::read::asked;
use crate::wire::{ReplayRequest, ReplayStatus, ReplayView};
use crate::{table, timestamp};

/// How often a followed replay is looked at.
const POLL: Duration = Duration::from_secs(1);

/// Arguments of `bookings replay`.
#[derive(Debug, Args)]
#[command(
    after_help = EXIT_CODES,
    group = ArgGroup::new("what").args(["codes", "all", "accepted_from", "show", "cancel"]).required(true)
)]
pub struct ReplayArgs {
    /// The bookings to replay
    #[arg(value_name = "CODE", requires = "consumer")]
    pub codes: Vec<BookingCode>,
    /// Every booking
    #[arg(long, requires = "consumer")]
    pub all: bool,
    /// Every event accepted from then on …
    #[arg(long, value_name = "TIME", value_parser = timestamp::checked, requires = "accepted_to", requires = "consumer")]
    pub accepted_from: Option<String>,
    /// … and before then
    #[arg(long, value_name = "TIME", value_parser = timestamp::checked, requires = "accepted_from")]
    pub accepted_to: Option<String>,
    /// For whom: rules select it by `detail.consumer`
    #[arg(long, value_name = "NAME")]
    pub consumer: Option<String>,
    /// Events a second
    #[arg(long, value_name = "N")]
    pub rate: Option<u32>,
    /// The replay's id, which makes the request safe to repeat; made here if absent
    #[arg(long, value_name = "UUID")]
    pub replay_id: Option<Uuid>,
    /// Show this replay instead of starting one
    #[arg(long, value_name = "UUID")]
    pub show: Option<Uuid>,
    /// Cancel this replay
    #[arg(long, value_name = "UUID")]
    pub cancel: Option<Uuid>,
    /// Stay and show the progress until the replay ends
    #[arg(short, long)]
    pub follow: bool,
    /// How often to ask again when the server cannot be reached or cannot know
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub retries: u32,
}

/// Starts, shows or cancels a replay; with `--json` prints the server's last answer.
pub async fn run(args: &ReplayArgs, server: &Server, json: bool) -> Result<Exit, Error> {
    let mut answer = match (args.show, args.cancel) {
        (Some(replay_id), _) => asked(args.retries, || server.replay(replay_id)).await?,
        (_, Some(replay_id)) => asked(args.retries, || server.cancel_replay(replay_id)).await?,
        (None, None) => {
            let replay_id = args.replay_id.unwrap_or_else(Uuid::now_v7);
            let request = request(args, replay_id);
            asked(args.retries, || server.start_replay(&request)).await.inspect_err(|error| {
                if matches!(error, Error::Unavailable { .. }) {
                    eprintln!("the replay may have begun; look with: bookings replay --show {replay_id}");
                }
            })?
        }
    };
    let mut view: ReplayView = answer.read().map_err(|failure| Error::from_failure(failure, 1))?;
    if args.follow && view.status == ReplayStatus::Running {
        let mut progress = Progress::new("replayed", view.total(), view.bookings_done);
        progress.say(&format!("replay {}", view.replay_id));
        while view.status == ReplayStatus::Running {
            tokio::time::sleep(POLL).await;
            answer = asked(u32::MAX, || server.replay(view.replay_id)).await?;
            view = answer.read().map_err(|failure| Error::from_failure(failure, 1))?;
            progress.place(view.bookings_done, view.total());
            progress.tick(&glance(&view));
        }
        progress.finish();
    }
    if json {
        println!("{}", String::from_utf8_lossy(&answer.body));
    } else {
        print!("{}", describe(&view));
    }
    Ok(exit(&view, args.cancel.is_some()))
}

fn request(args: &ReplayArgs, replay_id: Uuid) -> ReplayRequest<'_> {
    ReplayRequest {
        replay_id,
        // Every selection requires it.
        consumer: args.consumer.as_deref().unwrap_or_default(),
        rate_per_s: args.rate,
        booking_codes: Some(args.codes.as_slice()).filter(|codes| !codes.is_empty()),
        accepted_from: args.accepted_from.as_deref(),
        accepted_to: args.accepted_to.as_deref(),
        all: args.all.then_some(true),
    }
}

fn exit(view: &ReplayView, cancelling: bool) -> Exit {
    match view.status {
        ReplayStatus::Running => Exit::Done,
        ReplayStatus::Done if view.errors == 0 => Exit::Done,
        ReplayStatus::Done => Exit::Incomplete,
        ReplayStatus::Cancelled if cancelling => Exit::Done,
        ReplayStatus::Cancelled | ReplayStatus::Failed => Exit::Failed,
    }
}

fn glance(view: &ReplayView) -> String {
    let mut out = format!("{} events, {:.0}/s", view.events_sent, view.rate.unwrap_or(0.0));
    if view.errors > 0 {
        out.push_str(&format!(", {} bookings failed", view.errors));
    }
    if let Some(waiting) = &view.waiting_for {
        out.push_str(&format!(", waiting for {}", table::cell(waiting, 100)));
    }
    out
}

fn describe(view: &ReplayView) -> String {
    let status = match view.status {
        ReplayStatus::Running => "running",
        ReplayStatus::Done => "done",
        ReplayStatus::Cancelled => "cancelled",
        ReplayStatus::Failed => "failed",
    };
    let of = view.bookings_total_estimate.map_or(String::new(), |total| format!(" of {total}"));
    let mut rows = vec![
        ("replay", view.replay_id.to_string()),
        ("consumer", table::cell(&view.consumer, 64)),
        ("status", status.to_owned()),
        ("bookings", format!("{}{of}", view.bookings_done)),
        ("events", glance(view)),
        ("started at", table::cell(&view.started_at, 30)),
    ];
    if let Some(finished) = &view.finished_at {
        rows.push(("finished at", table::cell(finished, 30)));
    }
    if let Some(failure) = &view.failure {
        rows.push(("failure", table::cell(failure, 300)));
    }
    for failed in &view.failed_bookings {
        let what = format!("{} at version {}: {}", failed.booking_code, failed.version, failed.reason);
        rows.push(("not replayed", table::cell(&what, 300)));
    }
    let rows: Vec<_> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    table::layout(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(status: &str, errors: u64) -> ReplayView {
        serde_json::from_value(serde_json::json!({
            "replay_id": Uuid::nil(), "consumer": "price-projection", "selection": {"all": true}, "rate_per_s": 100,
            "status": status, "bookings_done": 3, "bookings_total_estimate": 7, "events_sent": 12, "errors": errors,
            "failed_bookings": [{"booking_code": "A", "version": 2, "reason": "too large"}], "rate": 9.5,
            "waiting_for": "bus: unreachable", "failure": null, "started_at": "2026-11-21T09:00:00.000Z",
            "updated_at": "2026-11-21T09:00:01.000Z", "finished_at": null,
        }))
        .unwrap()
    }

    #[test]
    fn shows_progress_and_what_failed() {
        let shown = describe(&view("running", 1));
        assert!(shown.contains("bookings      3 of 7"), "{shown}");
        assert!(shown.contains("12 events, 10/s, 1 bookings failed, waiting for bus: unreachable"), "{shown}");
        assert!(shown.contains("not replayed  A at version 2: too large"), "{shown}");
    }

    #[test]
    fn the_exit_code_says_how_it_ended() {
        assert_eq!(exit(&view("done", 0), false), Exit::Done);
        assert_eq!(exit(&view("done", 1), false), Exit::Incomplete);
        assert_eq!(exit(&view("failed", 0), false), Exit::Failed);
        assert_eq!(exit(&view("cancelled", 0), false), Exit::Failed);
        assert_eq!(exit(&view("cancelled", 0), true), Exit::Done);
    }
}
