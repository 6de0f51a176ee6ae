//! Progress on standard error: a bar on a terminal, a line every few seconds elsewhere.

use std::fmt;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::spans;

const EVERY: Duration = Duration::from_secs(5);

/// How far a run is.
#[derive(Debug)]
pub struct Progress {
    verb: &'static str,
    bar: ProgressBar,
    plain: bool,
    already: u64,
    started: Instant,
    said: Instant,
}

impl Progress {
    /// A run over `total` rows of which `already` are done; `verb` says what is done to them.
    pub fn new(verb: &'static str, total: u64, already: u64) -> Self {
        let plain = !std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden()).with_position(already);
        let template = "{prefix} [{bar:30}] {human_pos}/{human_len}  {rate}  {eta} left  {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
                // A bar that cannot be drawn is no reason to fail.
                let _ = write!(out, "{:.0}/s", state.per_sec());
            };
            bar.set_style(style.with_key("rate", rate).progress_chars("=> "));
        }
        bar.set_prefix(verb);
        bar.reset_eta();
        if !plain {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        let now = Instant::now();
        Self { verb, bar, plain, already, started: now, said: now }
    }

    /// One more row.
    pub fn advance(&self) {
        self.bar.inc(1);
    }

    /// So far, of what is now thought to be all.
    pub fn place(&self, position: u64, total: u64) {
        self.bar.set_length(total.max(position));
        self.bar.set_position(position);
    }

    /// A line for people, above the bar.
    pub fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }

    /// Shows how far it is; called a few times a second.
    pub fn tick(&mut self, glance: &str) {
        if !self.plain {
            self.bar.set_message(glance.to_owned());
            self.bar.tick();
        } else if self.said.elapsed() >= EVERY {
            self.said = Instant::now();
            eprintln!("{}", self.line(glance));
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn line(&self, glance: &str) -> String {
        let (position, total) = (self.bar.position(), self.bar.length().unwrap_or(0));
        let rate = position.saturating_sub(self.already) as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        let left = total.saturating_sub(position) as f64 / rate;
        let left = Duration::try_from_secs_f64(left).map_or_else(|_| "unknown time".to_owned(), spans::show);
        let comma = if glance.is_empty() { "" } else { "; " };
        format!("{} {position} of {total}, {rate:.0}/s, {left} left{comma}{glance}", self.verb)
    }
}
