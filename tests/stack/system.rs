//! The deployed system, and what a test asks of it. Tests take turns: some of them break it for a while.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::aws::{Answer, Aws};
use crate::stack::Stack;

/// How long anything may take to come about before a test says that it does not.
const PATIENCE: Duration = Duration::from_secs(60);
/// The roles of the functions that call stores on behalf of a booking.
pub(crate) const ALL_ROLES: [&str; 4] = ["AppendRole", "ReadRole", "PublishRole", "DrainRole"];
/// The name of the policy that plays an outage.
const OUTAGE: &str = "outage";

/// The system, whole, for one test at a time.
pub(crate) struct System {
    pub(crate) stack: &'static Stack,
    pub(crate) aws: Aws,
    _turn: MutexGuard<'static, ()>,
}

impl System {
    /// Waits for this test's turn; deploys first if nobody has.
    pub(crate) async fn take() -> Self {
        static STACK: OnceCell<Stack> = OnceCell::const_new();
        static TURN: Mutex<()> = Mutex::const_new(());
        static BEGUN: AtomicBool = AtomicBool::new(false);
        let turn = TURN.lock().await;
        let first = !BEGUN.swap(true, Ordering::Relaxed);
        assert!(first || STACK.initialized(), "the deployment has failed in the first test");
        let stack = STACK.get_or_init(Stack::deploy).await;
        let system = Self { stack, aws: stack.client(), _turn: turn };
        // A test that failed may have left its outage.
        system.heal().await;
        system
    }

    /// The address of a path of the API.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.stack.outputs["ApiUrl"])
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.aws.send("execute-api", "GET", &self.url(path), &[], Vec::new()).await
    }

    /// Appends a body as it is.
    pub(crate) async fn post(&self, code: &str, body: String) -> Answer {
        let (url, headers) = (self.url(&format!("/bookings/{code}/events")), [("content-type", "application/json")]);
        self.aws.send("execute-api", "POST", &url, &headers, body.into_bytes()).await
    }

    /// Appends one event; `expected` is null for "at the end".
    pub(crate) async fn append(&self, code: &str, expected: Value, event_id: &str) -> Answer {
        let event = json!({"event_id": event_id, "type": "BookingPriced", "data": data(event_id)});
        let mut body = json!({"expected_version": expected, "events": [event]});
        if expected.is_null() {
            body.as_object_mut().unwrap().remove("expected_version");
        }
        self.post(code, body.to_string()).await
    }

    /// Creates a booking that must be recorded at once.
    pub(crate) async fn create(&self, code: &str) -> String {
        let id = event_id();
        let answer = self.append(code, json!(0), &id).await;
        assert_eq!(answer.outcome(), (201, "recorded".to_owned()), "{answer:?}");
        id
    }

    pub(crate) async fn events(&self, code: &str) -> Answer {
        self.get(&format!("/bookings/{code}/events")).await
    }

    /// Versions and statuses of the events a read shows.
    pub(crate) async fn shown(&self, code: &str) -> Vec<(u64, String)> {
        let page = self.events(code).await.json();
        let event = |event: &Value| (event["version"].as_u64().unwrap(), event["status"].as_str().unwrap().to_owned());
        page["events"].as_array().into_iter().flatten().map(event).collect()
    }

    /// Everything the projection got, in order of delivery.
    pub(crate) async fn delivered(&self) -> Vec<Value> {
        let queue = &self.stack.projection;
        loop {
            let receive = json!({"QueueUrl": queue, "MaxNumberOfMessages": 10});
            let received = self.aws.json("sqs", "AmazonSQS.ReceiveMessage", &receive).await;
            let messages = received["Messages"].as_array().cloned().unwrap_or_default();
            if messages.is_empty() {
                return self.stack.delivered.lock().unwrap().clone();
            }
            for message in messages {
                let delete = json!({"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]});
                self.aws.json("sqs", "AmazonSQS.DeleteMessage", &delete).await;
                let event: Value = serde_json::from_str(message["Body"].as_str().unwrap()).unwrap();
                self.stack.delivered.lock().unwrap().push(event);
            }
        }
    }

    /// The versions the projection got of a booking, first deliveries only, in order.
    pub(crate) async fn published(&self, code: &str) -> Vec<u64> {
        let (mut seen, mut versions) = (BTreeSet::new(), Vec::new());
        for event in self.delivered().await {
            let version = event["detail"]["version"].as_u64().filter(|_| event["detail"]["booking_code"] == code);
            versions.extend(version.filter(|version| seen.insert(*version)));
        }
        versions
    }

    /// Waits until the projection has got these versions of a booking and its reservation holds nothing pending.
    pub(crate) async fn settled(&self, code: &str, versions: &[u64]) {
        self.until(&format!("{code} settled at {versions:?}"), || async {
            self.published(code).await == versions && self.pending_bytes(code).await == "0"
        })
        .await;
    }

    /// What the reservation item says of its pending events.
    pub(crate) async fn pending_bytes(&self, code: &str) -> String {
        let key = json!({"booking_code": {"S": code}, "item": {"S": "reservation"}});
        let get = json!({"TableName": self.stack.resources["ReservationsTable"], "Key": key, "ConsistentRead": true});
        let got = self.aws.json("dynamodb", "DynamoDB_20120810.GetItem", &get).await;
        got["Item"]["pending_bytes"]["N"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until `wanted` says so.
    pub(crate) async fn until<F: Future<Output = bool>>(&self, what: &str, wanted: impl Fn() -> F) {
        let waiting = async {
            while !wanted().await {
                pause(Duration::from_millis(200)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "never: {what}");
    }

    /// Takes a permission from roles, as a wrong policy does: the service answers, and refuses. At once, and without a
    /// restart of any function.
    pub(crate) async fn deny(&self, roles: &[&str], action: &str, resources: &[String]) {
        let sid = action.replace(':', "");
        let statement = json!({"Effect": "Deny", "Action": action, "Resource": resources});
        let document = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        for role in roles {
            let parameters = [
                ("RoleName", self.stack.resources[*role].as_str()),
                ("PolicyName", &format!("{OUTAGE}-{sid}")),
                ("PolicyDocument", &document),
            ];
            self.aws.query("iam", "PutRolePolicy", &parameters).await;
        }
    }

    /// Gives every permission back.
    pub(crate) async fn heal(&self) {
        for role in ALL_ROLES {
            let role = self.stack.resources[role].as_str();
            let listed = self.aws.query("iam", "ListRolePolicies", &[("RoleName", role)]).await;
            for policy in listed.split("<member>").filter(|name| name.starts_with(OUTAGE)) {
                let name = policy.split('<').next().unwrap();
                self.aws.query("iam", "DeleteRolePolicy", &[("RoleName", role), ("PolicyName", name)]).await;
            }
        }
    }
}

/// What the tests' events say.
pub(crate) fn data(event_id: &str) -> Value {
    json!({"for": event_id, "total": "10.00"})
}

/// An id nobody has used.
pub(crate) fn event_id() -> String {
    use booking_store::clock::{Ids, System};
    System.event_id().to_string()
}

#[expect(clippy::disallowed_methods, reason = "a real system takes real time")]
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
