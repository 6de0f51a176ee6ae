//! The embedded system as a process that can be killed: its tables' calls go through a fault proxy here, queue and bus
//! have fault switches.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use booking_store::failure::Store;
use local::engine::ProxyConfig;
use local::{Options, Rig};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::history::Delivery;
use super::reply::Reply;
use super::weather::Spared;
use super::{Target, pause};
use crate::fault_proxy::FaultProxy;

/// What a received message is hidden for: the template's six minutes are more than a run may take to settle.
const VISIBILITY: Duration = Duration::from_secs(20);
/// What queue and bus, which no wire leads to, can do; the tables can be unreachable.
const SWITCHES: &[(Store, &str)] = &[
    (Store::Queue, "down"),
    (Store::Queue, "unknown"),
    (Store::Queue, "slow"),
    (Store::Bus, "down"),
    (Store::Bus, "unknown"),
    (Store::Bus, "slow"),
    (Store::Reservations, "down"),
    (Store::Events, "down"),
];

/// How the process is started.
#[derive(Clone, Debug, clap::Args)]
pub struct Serve {
    /// Port on 127.0.0.1
    #[arg(long)]
    port: u16,
    /// Directory of the files
    #[arg(long)]
    data_dir: PathBuf,
    /// HTTP proxy between the AWS SDK and the tables' engine
    #[arg(long)]
    engine_proxy: String,
}

/// What the process does: it serves until it is killed. The system is the one of `booking-store-local`.
pub async fn serve(serve: Serve) {
    tracing_subscriber::fmt()
        .with_env_filter("warn,dynoxide=error")
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
    let options = Options { port: serve.port, data_dir: Some(serve.data_dir), deferred_accept: true };
    let engine_proxy = Some(ProxyConfig::http(serve.engine_proxy.as_str()).unwrap());
    let running = local::start_rigged(options, Rig { engine_proxy, visibility_timeout: Some(VISIBILITY) }).await;
    let _running = running.unwrap_or_else(|error| panic!("{}", local::chain(&error)));
    std::future::pending().await
}

/// The system under torture.
pub struct Embedded {
    program: PathBuf,
    directory: TempDir,
    port: u16,
    http: reqwest::Client,
    proxy: FaultProxy,
    proxy_url: String,
    process: Mutex<Child>,
}

impl Embedded {
    /// Starts `program`, which must call [`serve`] when its first argument says so.
    pub async fn start(program: &Path) -> Self {
        let mut proxy = FaultProxy::new(None);
        let proxy_url = proxy.listen("local").await;
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let process = Mutex::new(spawn(program, directory.path(), port, &proxy_url));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let system = Self { program: program.to_owned(), directory, port, http, proxy, proxy_url, process };
        system.until_it_answers().await;
        system
    }

    /// Keeps its files and its log, and says where they are.
    pub fn keep(&mut self) -> &Path {
        self.directory.disable_cleanup(true);
        self.directory.path()
    }

    async fn until_it_answers(&self) {
        for _ in 0..400 {
            if self.get("/local/faults").await.is_some() {
                return;
            }
            pause(Duration::from_millis(50)).await;
        }
        panic!("the system does not start; its log: {}", log(self.directory.path()));
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let answer = self.http.get(format!("http://127.0.0.1:{}{path}", self.port)).send().await.ok()?;
        answer.json().await.ok()
    }

    /// A whole list, page by page.
    async fn all(&self, list: &str, name: &str) -> Vec<Value> {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let page = self.get(&format!("/local/{list}?after={after}&limit=1000")).await.unwrap();
            let more = page[name].as_array().unwrap().clone();
            if more.is_empty() {
                return all;
            }
            after = page["next"].as_i64().unwrap();
            all.extend(more);
        }
    }
}

fn log(directory: &Path) -> String {
    std::fs::read_to_string(directory.join("log")).unwrap_or_default()
}

fn spawn(program: &Path, directory: &Path, port: u16, proxy_url: &str) -> Child {
    let log = File::options().create(true).append(true).open(directory.join("log")).unwrap();
    let mut command = Command::new(program);
    command.args(["serve", "--engine-proxy", proxy_url, "--port", &port.to_string()]);
    command.arg("--data-dir").arg(directory.join("data"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

impl Drop for Embedded {
    fn drop(&mut self) {
        let process = self.process.get_mut();
        // It may have ended already.
        drop(process.kill());
        drop(process.wait());
    }
}

#[async_trait]
impl Target for Embedded {
    fn name(&self) -> &'static str {
        "embedded"
    }

    async fn call(&self, path: &str, body: Option<String>) -> Result<Reply, String> {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let request = match body {
            Some(body) => self.http.post(url).header("content-type", "application/json").body(body),
            None => self.http.get(url),
        };
        let answer = request.send().await.map_err(|_| "no answer".to_owned())?;
        let replayed = answer.headers().get("idempotency-replayed").is_some_and(|value| value == "true");
        let status = answer.status().as_u16();
        let body = answer.bytes().await.map_err(|_| "half an answer".to_owned())?;
        Ok(Reply { status, body: serde_json::from_slice(&body).unwrap_or_default(), replayed })
    }

    fn proxy(&self) -> &FaultProxy {
        &self.proxy
    }

    fn spared(&self) -> Option<Spared> {
        None
    }

    fn switches(&self) -> &[(Store, &'static str)] {
        SWITCHES
    }

    async fn switch(&self, store: Store, mode: &str) -> bool {
        let put = self.http.put(format!("http://127.0.0.1:{}/local/faults", self.port));
        let answer = put.json(&json!({ store.name(): mode })).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    fn crashes_behind_the_api(&self) -> bool {
        false
    }

    fn kills_every(&self) -> (u64, u64) {
        (2500, 6000)
    }

    async fn kill(&self, dice: u64) -> u64 {
        let mut process = self.process.lock().await;
        process.kill().unwrap();
        process.wait().unwrap();
        pause(Duration::from_millis(dice % 800)).await;
        *process = spawn(&self.program, self.directory.path(), self.port, &self.proxy_url);
        drop(process);
        self.until_it_answers().await;
        1
    }

    /// Its queue shows everything when it starts, also what would wait for minutes because it has failed often.
    async fn hasten(&self) {
        self.kill(0).await;
    }

    async fn unsettled(&self, _codes: &[String]) -> Option<String> {
        let Some(status) = self.get("/local/status").await else { return Some("no answer".to_owned()) };
        let open = ["pending_bookings", "queue_depth", "queue_in_flight", "stream_lag"];
        open.iter().any(|name| status[*name] != 0).then(|| status.to_string())
    }

    async fn deliveries(&self) -> Vec<Delivery> {
        let all = self.all("bus", "deliveries").await;
        all.iter().filter_map(|delivery| Delivery::of(&delivery["entry"])).collect()
    }

    async fn dead_letters(&self) -> Vec<String> {
        let mut all = self.all("dead-letters", "dead_letters").await;
        all.extend(self.all("failed-batches", "failed_batches").await);
        all.iter().map(Value::to_string).collect()
    }
}
