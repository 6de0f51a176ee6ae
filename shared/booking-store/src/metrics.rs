//! Where figures for CloudWatch go: one line of its embedded metric format on standard output, which Lambda reads.
//!
//! A program that hosts functions for people takes the lines away from its own output.

use std::fmt::Display;
use std::io::Write as _;
use std::sync::OnceLock;

static TAKER: OnceLock<fn(&str)> = OnceLock::new();

/// Gives every later line to `taker` instead. The first call of a process counts.
pub fn redirect(taker: fn(&str)) {
    // Whoever called first took them.
    let _ = TAKER.set(taker);
}

/// Writes one line.
pub fn emit(line: &impl Display) {
    match TAKER.get() {
        Some(taker) => taker(&line.to_string()),
        // Nobody reads it if it can't be written; the work it counts is done all the same.
        None => drop(writeln!(std::io::stdout(), "{line}")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    static TAKEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

    #[test]
    fn whoever_asks_first_gets_every_later_line() {
        redirect(|line| TAKEN.lock().unwrap().push(line.to_owned()));
        redirect(|_| unreachable!("the first call counts"));
        emit(&"a line of the test");
        assert!(TAKEN.lock().unwrap().contains(&"a line of the test".to_owned()));
    }
}
