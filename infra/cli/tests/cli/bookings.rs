//! Runs the binary, and writes the files it imports.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder of its own for each test, where the binary runs.
pub(crate) struct Folder(TempDir);

/// What the binary said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    fn new(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Standard output as the JSON it is.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The exit code must be this one.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }

    fn command(&self, url: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bookings"));
        command.current_dir(self.path()).env_clear().args(["--url", url]).args(args).stdin(Stdio::null());
        command
    }

    /// Runs to the end.
    pub(crate) fn run(&self, url: &str, args: &[&str]) -> Said {
        Said::new(self.command(url, args).output().unwrap())
    }

    /// Runs to the end with these variables and no others.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], url: &str, args: &[&str]) -> Said {
        Said::new(self.command(url, args).envs(variables.iter().copied()).output().unwrap())
    }

    /// Starts, and goes on.
    pub(crate) fn start(&self, url: &str, args: &[&str]) -> Running {
        let mut command = self.command(url, args);
        Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }
}

/// A binary at work.
pub(crate) struct Running(Child);

impl Running {
    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Ctrl-C, and what it says then.
    pub(crate) fn interrupt(self) -> Said {
        let killed = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status().unwrap();
        assert!(killed.success());
        Said::new(self.0.wait_with_output().unwrap())
    }
}

pub(crate) const HEADER: &str = "hotel,is_canceled,lead_time,arrival_date_year,arrival_date_month,\
    arrival_date_day_of_month,stays_in_weekend_nights,stays_in_week_nights,adults,children,babies,meal,country,\
    market_segment,reserved_room_type,assigned_room_type,booking_changes,deposit_type,customer_type,adr,\
    reservation_status,reservation_status_date\n";

/// A row of the hotel file with `changes` amendments: `changes` + 2 events.
pub(crate) fn row(adr: &str, changes: usize) -> String {
    format!(
        "Resort Hotel,0,7,2015,July,1,0,2,1,0,0,BB,GBR,Direct,A,C,{changes},No Deposit,Transient,{adr},Check-Out,7/3/2015\n"
    )
}

/// A hotel file of `rows` bookings, and how many events they have.
pub(crate) fn hotel_file(rows: usize) -> (String, usize) {
    let changes = |n: usize| n % 3;
    let text = (0..rows).map(|n| row(&format!("{}.{:02}", 50 + n % 90, n % 100), changes(n))).collect::<String>();
    (format!("{HEADER}{text}"), (0..rows).map(|n| changes(n) + 2).sum())
}
