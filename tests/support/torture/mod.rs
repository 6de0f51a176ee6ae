//! Torture: many clients on a running system while its wires, stores and processes fail, then a check of everything
//! that anybody was told.
//!
//! [`run`] drives any [`Target`]: clients ([`client`]) under [`weather`] and kills until the time is over, then heals
//! everything, waits until nothing is left to be done, reads all bookings and all that the bus delivered, and holds the
//! history ([`history`]) against it ([`check`]).

mod board;
mod chance;
pub mod check;
mod client;
mod embedded;
mod ending;
pub mod history;
pub mod reply;
mod report;
mod target;
mod weather;

use std::sync::Mutex;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use chance::Chance;
use client::{Client, Shared};
pub use embedded::{Embedded, Serve, serve};
pub use report::Report;
pub use target::Target;
pub use weather::Spared;
use weather::Weather;

/// How long calls may be under way that were passed late, and that nobody waits for any more.
const LATE: Duration = Duration::from_secs(5);

/// A run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Draws everything that is drawn.
    pub seed: u64,
    /// How long things go wrong.
    pub length: Duration,
    /// Clients at a time.
    pub clients: usize,
    /// What booking codes begin with.
    pub prefix: String,
    /// How long everything may take to settle afterwards.
    pub patience: Duration,
}

/// Tortures `target`.
pub async fn run(target: &dyn Target, settings: &Settings) -> Report {
    let start = Instant::now();
    let shared = Shared { target, settings, start, board: Mutex::default(), history: Mutex::default() };
    let before = target.proxy().counts();
    target.proxy().plan(Weather::new(settings.seed, start, settings.length, target.spared()));
    let clients = join_all((0..settings.clients).map(|number| Client::new(&shared, number).run()));
    let (_, kills, switches) = futures::join!(clients, kill(&shared), switch(&shared));
    target.proxy().heal();
    let faults = target.proxy().counts();
    let healed = Instant::now();
    pause(LATE).await;
    target.hasten().await;
    let history = shared.history.into_inner().unwrap();
    let (end, settled_after) = ending::reach(target, settings, &history, healed).await;
    let anomalies = check::check(&history, &end);
    let faults = faults.into_iter().map(|(name, count)| (name.clone(), count - before.get(&name).unwrap_or(&0)));
    Report {
        target: target.name(),
        settings: settings.clone(),
        faults: faults.collect(),
        kills,
        switches,
        settled_after,
        anomalies,
        history,
        end,
    }
}

/// Kills now and then; how many processes.
async fn kill(shared: &Shared<'_>) -> u64 {
    let (low, high) = shared.target.kills_every();
    let mut chance = Chance::new(shared.settings.seed, u64::MAX - 1);
    let mut killed = 0;
    loop {
        pause(chance.milliseconds(low, high)).await;
        if shared.start.elapsed() >= shared.settings.length {
            return killed;
        }
        killed += shared.target.kill(chance.between(0, u64::MAX - 1)).await;
    }
}

/// Sets switches and sets them back; how many.
async fn switch(shared: &Shared<'_>) -> u64 {
    let switches = shared.target.switches();
    let mut chance = Chance::new(shared.settings.seed, u64::MAX - 2);
    let mut switched = 0;
    while !switches.is_empty() && shared.start.elapsed() < shared.settings.length {
        pause(chance.milliseconds(200, 1500)).await;
        let (store, mode) = chance.pick(switches);
        switched += u64::from(shared.target.switch(store, mode).await);
        pause(chance.milliseconds(300, 2500)).await;
        shared.target.switch(store, "up").await;
    }
    for (store, _) in switches {
        // One that is just being restarted begins with all of them up.
        shared.target.switch(*store, "up").await;
    }
    switched
}

#[expect(clippy::disallowed_methods, reason = "real time passes")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
