//! The deployed functions under torture: all their calls of DynamoDB, SQS and EventBridge go through a fault proxy, and
//! their processes are killed. ministack itself keeps everything in memory and is left alone.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use async_trait::async_trait;
use booking_store::failure::Store;
use booking_tests::fault_proxy::FaultProxy;
use booking_tests::torture::history::Delivery;
use booking_tests::torture::reply::Reply;
use booking_tests::torture::{Spared, Target};
use reqwest::Url;
use serde_json::{Value, json};

use crate::system::{System, pause};

/// The functions that call stores for a booking, and what the proxy calls them.
const CALLERS: [(&str, &str); 4] = [
    ("AppendFunction", "append"),
    ("ReadFunction", "read"),
    ("PublishFunction", "publish"),
    ("DrainFunction", "drain"),
];
/// What the SDK reads the services' addresses from; ministack keeps `AWS_ENDPOINT_URL` for itself.
const ENDPOINTS: [&str; 3] = ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_EVENTBRIDGE"];
/// How long a message is hidden whose drainer was killed: the template's six minutes are more than a run may take.
const VISIBILITY: &str = "8";
/// As the template has it.
const OWN_VISIBILITY: &str = "360";
/// How long nothing must be left to be done before that is believed: the stream is looked at once a second.
const QUIET: Duration = Duration::from_secs(3);

/// The system under torture.
pub(crate) struct Tortured {
    system: System,
    proxy: FaultProxy,
}

impl Tortured {
    /// Puts the proxy between the functions and their stores.
    pub(crate) async fn new(system: System) -> Self {
        let api = Url::parse(&system.stack.outputs["ApiUrl"]).unwrap();
        let engine = SocketAddr::from((Ipv4Addr::LOCALHOST, api.port().unwrap()));
        let mut proxy = FaultProxy::new(Some(engine));
        for (function, caller) in CALLERS {
            let url = proxy.listen(caller).await;
            point(&system, function, Some(&url)).await;
        }
        hide_for(&system, VISIBILITY).await;
        Self { system, proxy }
    }

    /// Takes the proxy away again.
    pub(crate) async fn release(self) {
        for (function, _) in CALLERS {
            point(&self.system, function, None).await;
        }
        hide_for(&self.system, OWN_VISIBILITY).await;
    }

    /// What is left to be done for a booking, or in the queue.
    async fn open(&self, codes: &[String]) -> Option<String> {
        for code in codes {
            let pending = self.system.pending_bytes(code).await;
            if !["", "0"].contains(&pending.as_str()) {
                return Some(format!("{code} has {pending} bytes pending"));
            }
        }
        let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        let get = json!({"QueueUrl": self.system.stack.outputs["FallbackQueueUrl"], "AttributeNames": names});
        let attributes = &self.system.aws.json("sqs", "AmazonSQS.GetQueueAttributes", &get).await["Attributes"];
        names.iter().any(|name| attributes[*name] != "0").then(|| attributes.to_string())
    }
}

/// Sets a function's addresses of the stores, or leaves them to ministack.
async fn point(system: &System, function: &str, endpoint: Option<&str>) {
    let path = format!("/2015-03-31/functions/{}/configuration", system.stack.resources[function]);
    let configuration = system.aws.path("lambda", "GET", &path, Vec::new()).await.json();
    let mut variables = configuration["Environment"]["Variables"].as_object().unwrap().clone();
    for name in ENDPOINTS {
        variables.remove(name);
        variables.extend(endpoint.map(|endpoint| (name.to_owned(), Value::from(endpoint))));
    }
    let update = json!({"Environment": {"Variables": variables}});
    system.aws.path("lambda", "PUT", &path, update.to_string().into_bytes()).await;
}

async fn hide_for(system: &System, seconds: &str) {
    let attributes = json!({"VisibilityTimeout": seconds});
    let set = json!({"QueueUrl": system.stack.outputs["FallbackQueueUrl"], "Attributes": attributes});
    system.aws.json("sqs", "AmazonSQS.SetQueueAttributes", &set).await;
}

/// The functions' processes: `bootstrap`s whose parent is a child of this process.
fn functions() -> Vec<u32> {
    let all = std::fs::read_dir("/proc").unwrap();
    let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let ours = |pid: &u32| {
        let (name, parent) = status(*pid)?;
        let (_, grandparent) = status(parent)?;
        (name == "bootstrap" && grandparent == std::process::id()).then_some(())
    };
    pids.filter(|pid| ours(pid).is_some()).collect()
}

/// The name and the parent of a process, if it still is.
fn status(pid: u32) -> Option<(String, u32)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    Some((field("Name:")?.to_owned(), field("PPid:")?.parse().ok()?))
}

#[async_trait]
impl Target for Tortured {
    fn name(&self) -> &'static str {
        "stack"
    }

    async fn call(&self, path: &str, body: Option<String>) -> Result<Reply, String> {
        let (url, aws) = (self.system.url(path), &self.system.aws);
        let answer = match body {
            Some(body) => {
                let headers = [("content-type", "application/json")];
                aws.send("execute-api", "POST", &url, &headers, body.into_bytes()).await
            }
            None => aws.send("execute-api", "GET", &url, &[], Vec::new()).await,
        };
        let replayed = answer.header("idempotency-replayed") == "true";
        Ok(Reply { status: answer.status, body: answer.json(), replayed })
    }

    fn proxy(&self) -> &FaultProxy {
        &self.proxy
    }

    /// What the publisher can't hand to the queue it reports, to be delivered again. ministack does not heed that for
    /// streams (it does heed a crash), so such a booking would wait for its next event or for the audit.
    fn spared(&self) -> Option<Spared> {
        Some(("publish", Store::Queue))
    }

    fn switches(&self) -> &[(Store, &'static str)] {
        &[]
    }

    async fn switch(&self, _store: Store, _mode: &str) -> bool {
        false
    }

    fn crashes_behind_the_api(&self) -> bool {
        true
    }

    fn kills_every(&self) -> (u64, u64) {
        (500, 2000)
    }

    async fn kill(&self, dice: u64) -> u64 {
        let functions = functions();
        let Some(place) = dice.checked_rem(functions.len() as u64) else { return 0 };
        let pid = functions[usize::try_from(place).unwrap()].to_string();
        let killed = Command::new("kill").args(["-9", &pid]).status().unwrap();
        u64::from(killed.success())
    }

    /// What has failed often waits in SQS until its time has come.
    async fn hasten(&self) {}

    async fn unsettled(&self, codes: &[String]) -> Option<String> {
        if let Some(open) = self.open(codes).await {
            return Some(open);
        }
        pause(QUIET).await;
        self.open(codes).await
    }

    async fn deliveries(&self) -> Vec<Delivery> {
        self.system.delivered().await.iter().filter_map(Delivery::of).collect()
    }

    async fn dead_letters(&self) -> Vec<String> {
        let queue = &self.system.stack.outputs["DeadLetterQueueUrl"];
        let receive = json!({"QueueUrl": queue, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]});
        let mut letters = Vec::new();
        loop {
            let received = self.system.aws.json("sqs", "AmazonSQS.ReceiveMessage", &receive).await;
            let messages = received["Messages"].as_array().cloned().unwrap_or_default();
            if messages.is_empty() {
                return letters;
            }
            for message in messages {
                let delete = json!({"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]});
                self.system.aws.json("sqs", "AmazonSQS.DeleteMessage", &delete).await;
                letters.push(message.to_string());
            }
        }
    }
}
