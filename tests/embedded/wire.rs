//! Every fault of the wire, met by the shipped adapters through the SDK: how it is classified, and whether what the
//! classification says of the effect is so.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use booking_store::dynamodb::DynamoReservations;
use booking_store::eventbridge::EventBridgeBus;
use booking_store::failure::{FailureKind, Store, StoreFailure};
use booking_store::ports::{BusEvent, Decided, EventBus, FallbackQueue, Reservations};
use booking_store::queue_message::QueueMessage;
use booking_store::sqs::SqsQueue;
use booking_store::{Conflict, Decision, ExpectedVersion, NewEvent, Timestamp, clients};
use booking_tests::fault_proxy::{Call, Clear, ConnectFault, Fault, FaultProxy, Garbage, Loss, Passed, Plan, Refusal};
use booking_tests::{code, draft};
use local::engine::{Engine, ProxyConfig};
use local::template::Template;

/// What a fault comes to.
struct Case {
    fault: Fault,
    kind: FailureKind,
    effect_possible: bool,
    /// Whether the engine has acted in the end.
    acts: bool,
}

const fn case(fault: Fault, kind: FailureKind, effect_possible: bool, acts: bool) -> Case {
    Case { fault, kind, effect_possible, acts }
}

/// Longer than a call with all its attempts.
const TOO_LATE: Duration = Duration::from_secs(4);

const CASES: [Case; 18] = [
    case(Fault::Lost(Passed::Never, Loss::Reset), FailureKind::NoAnswer, true, false),
    case(Fault::Lost(Passed::Before, Loss::Reset), FailureKind::NoAnswer, true, true),
    case(Fault::Lost(Passed::Never, Loss::Silence), FailureKind::NoAnswer, true, false),
    case(Fault::Lost(Passed::Before, Loss::Silence), FailureKind::NoAnswer, true, true),
    case(Fault::Lost(Passed::Late(TOO_LATE), Loss::Reset), FailureKind::NoAnswer, true, true),
    case(Fault::Lost(Passed::Never, Loss::ServerError), FailureKind::ServerError, true, false),
    case(Fault::Lost(Passed::Before, Loss::ServerError), FailureKind::ServerError, true, true),
    case(Fault::Lost(Passed::Never, Loss::Unavailable), FailureKind::ServerError, true, false),
    case(Fault::Lost(Passed::Before, Loss::Unavailable), FailureKind::ServerError, true, true),
    case(Fault::Lost(Passed::Never, Loss::Garbage(Garbage::Html)), FailureKind::NoAnswer, true, false),
    case(Fault::Lost(Passed::Before, Loss::Garbage(Garbage::Html)), FailureKind::NoAnswer, true, true),
    case(Fault::Lost(Passed::Before, Loss::Garbage(Garbage::CutJson)), FailureKind::NoAnswer, true, true),
    case(Fault::Lost(Passed::Before, Loss::Garbage(Garbage::CutBody)), FailureKind::NoAnswer, true, true),
    case(Fault::Refused(Refusal::Throughput), FailureKind::Throttled, false, false),
    case(Fault::Refused(Refusal::Throttled), FailureKind::Throttled, false, false),
    case(Fault::Refused(Refusal::Contended), FailureKind::Contended, false, false),
    // Slower than an attempt may take: before it acts, and after.
    case(Fault::Slow(Duration::from_millis(1800), Duration::ZERO), FailureKind::NoAnswer, true, true),
    case(Fault::Slow(Duration::ZERO, Duration::from_millis(1800)), FailureKind::NoAnswer, true, true),
];

/// The embedded engine behind a proxy.
struct Wire {
    _engine: Engine,
    _directory: tempfile::TempDir,
    proxy: FaultProxy,
    url: String,
    reservations: DynamoReservations,
}

impl Wire {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let tables = Template::embedded().unwrap().tables().unwrap();
        let engine = Engine::start(&directory.path().join("tables.sqlite"), &tables).unwrap();
        let mut proxy = FaultProxy::new(None);
        let url = proxy.listen("test").await;
        let through = ProxyConfig::http(url.as_str()).unwrap();
        let client = local::engine::client_through(through, &engine.endpoint());
        let reservations = DynamoReservations::new(client, "ReservationsTable".to_owned());
        Self { _engine: engine, _directory: directory, proxy, url, reservations }
    }

    async fn is_taken(&self, name: &str) -> bool {
        self.reservations.claims(&code(name)).await.unwrap().reservation.is_some()
    }
}

fn new_event() -> NewEvent {
    serde_json::from_str(&draft(1).json()).unwrap()
}

fn decision(name: &str) -> Decision {
    let accepted_at = Timestamp::parse(booking_tests::START).unwrap();
    Decision { booking_code: code(name), expected: ExpectedVersion::New, events: vec![new_event()], accepted_at }
}

fn comes_to(failure: &StoreFailure) -> (FailureKind, bool) {
    (failure.kind, failure.effect_possible)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_wire_does_is_told_for_what_it_proves() {
    let wire = Wire::new().await;
    for (i, case) in CASES.iter().enumerate() {
        let (name, fault) = (format!("W{i}"), case.fault);
        wire.proxy.plan(move |_: &Call| Some(fault));
        let failure = wire.reservations.decide(&decision(&name)).await.unwrap_err();
        wire.proxy.heal();
        assert_eq!(comes_to(&failure), (case.kind, case.effect_possible), "{fault:?}: {}", failure.chain());
        let acted = async {
            while !wire.is_taken(&name).await {
                crate::system::pause(Duration::from_millis(50)).await;
            }
        };
        match case.acts {
            true => tokio::time::timeout(Duration::from_secs(10), acted).await.expect("passed"),
            false => assert!(!wire.is_taken(&name).await, "{fault:?}: not passed"),
        }
    }
    let counts = wire.proxy.counts();
    assert!(CASES.iter().all(|case| counts.contains_key(&case.fault.name())), "{counts:?}");
}

/// A fault of one attempt costs that attempt: the next one's answer is the call's, and keeps the first one's doubt.
#[tokio::test(flavor = "multi_thread")]
async fn one_bad_attempt_is_made_good() {
    let wire = Wire::new().await;
    let only_first = |fault: Fault| {
        let calls = AtomicU64::new(0);
        move |_: &Call| (calls.fetch_add(1, Ordering::Relaxed) == 0).then_some(fault)
    };
    for (i, case) in CASES.iter().enumerate() {
        let name = format!("A{i}");
        wire.proxy.plan(only_first(case.fault));
        let decided = wire.reservations.decide(&decision(&name)).await.unwrap();
        // Its own first attempt may have been before it: then it is refused by itself.
        let by_itself =
            |refused: &Decided| matches!(refused, Decided::Refused(Some(old)) if old.owner == new_event().event_id);
        assert!(matches!(decided, Decided::Granted(_)) || (case.acts && by_itself(&decided)), "{:?}", case.fault);
        wire.proxy.heal();
    }
}

/// Bad connections, at their first bytes.
struct Bad(ConnectFault);

impl Plan for Bad {
    fn fault(&self, call: &Call) -> Option<Fault> {
        Clear.fault(call)
    }

    fn on_connect(&self, _caller: &str) -> Option<ConnectFault> {
        Some(self.0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_connections_are_told_from_refused_calls() {
    // Nothing was passed, but once the connection is there that can't be told from here. A reset may be seen while it is
    // still being made, which proves it; unless an attempt before that one was in doubt.
    let (unreachable, no_answer) = ((FailureKind::Unreachable, false), (FailureKind::NoAnswer, true));
    let in_doubt = (FailureKind::Unreachable, true);
    for (fault, seen_as) in
        [(ConnectFault::Reset, vec![unreachable, in_doubt, no_answer]), (ConnectFault::Noise, vec![no_answer])]
    {
        let wire = Wire::new().await;
        wire.proxy.plan(Bad(fault));
        let failure = wire.reservations.decide(&decision("C")).await.unwrap_err();
        assert!(seen_as.contains(&comes_to(&failure)), "{fault:?}: {failure:?} {}", failure.chain());
        wire.proxy.heal();
        assert!(!wire.is_taken("C").await);
    }
}

/// The queue and the bus say no in words and shapes of their own.
#[tokio::test(flavor = "multi_thread")]
async fn queue_and_bus_are_understood() {
    let wire = Wire::new().await;
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("local"))
        .credentials_provider(credentials())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(&wire.url)
        .build();
    let queue = SqsQueue::new(clients::sqs(&config), "http://q".to_owned(), "http://d".to_owned());
    let bus = EventBridgeBus::new(clients::eventbridge(&config), "bus".to_owned());
    let (booking_code, event_id) = (code("Q"), new_event().event_id);
    let order = QueueMessage::Settle { booking_code: booking_code.clone(), event_id };
    let at = Timestamp::parse(booking_tests::START).unwrap();
    let event = new_event();
    let conflict = Conflict { booking_code, event, accepted_at: at, owner: event_id, detected_at: at };
    let refused = [
        (Fault::Refused(Refusal::Throttled), FailureKind::Throttled, false),
        (Fault::Lost(Passed::Never, Loss::ServerError), FailureKind::ServerError, true),
        (Fault::Lost(Passed::Never, Loss::Garbage(Garbage::Html)), FailureKind::NoAnswer, true),
    ];
    let entries = [
        (Fault::Refused(Refusal::EntryThrottled), FailureKind::Throttled, false),
        (Fault::Refused(Refusal::EntryFailed), FailureKind::ServerError, true),
    ];
    for (fault, kind, effect_possible) in refused {
        wire.proxy.plan(stores_only(Store::Queue, fault));
        let failure = queue.send(&order).await.unwrap_err();
        assert_eq!(comes_to(&failure), (kind, effect_possible), "{fault:?}: {}", failure.chain());
    }
    for (fault, kind, effect_possible) in refused.into_iter().chain(entries) {
        wire.proxy.plan(stores_only(Store::Bus, fault));
        let failure = bus.publish(BusEvent::Conflict(&conflict)).await.unwrap_err();
        assert_eq!(comes_to(&failure), (kind, effect_possible), "{fault:?}: {}", failure.chain());
    }
}

/// Strikes the calls of one store; others would go to nobody here, and fail otherwise.
fn stores_only(store: Store, fault: Fault) -> impl Plan {
    move |call: &Call| (call.store == Some(store)).then_some(fault)
}

fn credentials() -> aws_sdk_sqs::config::SharedCredentialsProvider {
    let keys = aws_sdk_sqs::config::Credentials::new("test", "test", None, None, "wire");
    aws_sdk_sqs::config::SharedCredentialsProvider::new(keys)
}
