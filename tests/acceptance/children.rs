//! The programs under test, as processes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::pause;

/// A running program; killed when it is dropped.
pub(crate) struct Child {
    process: std::process::Child,
    pub(crate) pid: u32,
    pub(crate) url: String,
}

fn program(name: &str) -> Command {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.set_file_name(name);
    assert!(path.exists(), "{} is not built", path.display());
    Command::new(path)
}

impl Child {
    /// The embedded system on a free port.
    pub(crate) fn server(directory: &Path) -> Self {
        Self::server_at(std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(), directory)
    }

    /// Kills it with `kill -9` and starts it again where it was.
    pub(crate) fn restart(self, directory: &Path) -> Self {
        let port = self.url.rsplit(':').next().unwrap().parse().unwrap();
        drop(self);
        Self::server_at(port, directory)
    }

    fn server_at(port: u16, directory: &Path) -> Self {
        let mut command = program("booking-store-local");
        command.arg("--port").arg(port.to_string()).arg("--data-dir").arg(directory.join("data"));
        command.env("RUST_LOG", "error").stdout(Stdio::null());
        let process = command.spawn().unwrap();
        Self { pid: process.id(), process, url: format!("http://127.0.0.1:{port}") }
    }

    /// The import, which reads everything back at its end.
    pub(crate) fn importer(file: &str, rows: usize, directory: &Path, url: &str) -> Self {
        let mut command = program("bookings");
        command.args(["import", file, "--url", url, "--json", "--verify", "--concurrency", "32", "--code-length", "4"]);
        command.arg("--journal").arg(directory.join("journal")).arg("--rejects").arg(directory.join("rejects"));
        command.arg("--limit").arg(rows.to_string());
        let process = command.stdout(Stdio::piped()).spawn().unwrap();
        Self { pid: process.id(), process, url: url.to_owned() }
    }

    pub(crate) async fn until_it_answers(&self, http: &reqwest::Client) {
        for _ in 0..100 {
            if http.get(format!("{}/health", self.url)).send().await.is_ok() {
                return;
            }
            pause(Duration::from_millis(50)).await;
        }
        panic!("the server does not answer");
    }

    /// Waits for the end: whether it was a good one, and what the program printed.
    pub(crate) async fn wait(mut self) -> (bool, String) {
        let output = self.process.stdout.take().unwrap();
        let printed = tokio::task::spawn_blocking(|| std::io::read_to_string(output).unwrap()).await.unwrap();
        let status = self.process.wait().unwrap();
        if !status.success() {
            eprintln!("the import ended with {status}");
        }
        (status.success(), printed.trim().to_owned())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The most memory process `pid` has had at once, MB; 0 if it is gone.
pub(crate) fn high_water(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// Watches process `pid` until it ends.
pub(crate) async fn peak_memory(pid: u32) -> u64 {
    let mut peak = 0;
    loop {
        match high_water(pid) {
            0 if peak > 0 => return peak,
            now => peak = peak.max(now),
        }
        pause(Duration::from_millis(200)).await;
    }
}
