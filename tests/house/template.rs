//! `template.yaml` and the code must say the same wherever both have to say it.

use std::time::Duration;

use booking_store::dynamodb::schema;
use booking_store::{bus_entry, feed, limits, replays};
use lambda_http::RequestExt;
use lambda_kit::Config;
use serde_norway::Value;

/// The longest that API Gateway waits for a function (AWS fact).
const API_TIMEOUT: Duration = Duration::from_secs(30);

fn template() -> Value {
    let text = std::fs::read_to_string(crate::root().join("template.yaml")).unwrap();
    serde_norway::from_str(&text).unwrap()
}

/// The value at `path` below `Resources`.
fn at(path: &str) -> Value {
    let mut value = template().get("Resources").unwrap().clone();
    for part in path.split('.') {
        let next = match part.parse::<usize>() {
            Ok(index) => value.get(index).cloned(),
            Err(_) => value.get(part).cloned(),
        };
        value = next.unwrap_or_else(|| panic!("{path} ends before {part}"));
    }
    value
}

fn resources(kind: &str) -> Vec<(String, Value)> {
    let all = template().get("Resources").unwrap().as_mapping().unwrap().clone();
    let of_kind = all.into_iter().filter(|(_, resource)| resource.get("Type").is_some_and(|found| found == kind));
    of_kind.map(|(name, resource)| (name.as_str().unwrap().to_owned(), resource)).collect()
}

fn seconds(path: &str) -> Duration {
    Duration::from_secs(at(path).as_u64().unwrap())
}

/// The functions' event sources of a kind: the function's logical id and the source's properties.
fn event_sources(kind: &str) -> Vec<(String, Value)> {
    let functions = resources("AWS::Serverless::Function").into_iter();
    let events = functions.flat_map(|(name, function)| {
        let events = function["Properties"].get("Events").and_then(Value::as_mapping).cloned().unwrap_or_default();
        events.into_iter().map(move |(_, event)| (name.clone(), event))
    });
    let of_kind = events.filter(|(_, event)| event["Type"] == kind);
    of_kind.map(|(name, event)| (name, event["Properties"].clone())).collect()
}

/// The logical id in a reference such as `!GetAtt Queue.Arn` or `!Ref Queue`.
fn referred(reference: &Value) -> String {
    let Value::Tagged(tagged) = reference else { panic!("{reference:?} is no reference") };
    tagged.value.as_str().unwrap().split('.').next().unwrap().to_owned()
}

/// Whether an alarm is about a resource.
fn is_watched(resource: &str) -> bool {
    resources("AWS::CloudWatch::Alarm").iter().any(|(_, alarm)| {
        let dimensions = alarm["Properties"].get("Dimensions").and_then(Value::as_sequence);
        let mut values = dimensions.into_iter().flatten().map(|dimension| &dimension["Value"]);
        values.any(|value| matches!(value, Value::Tagged(_)) && referred(value) == resource)
    })
}

#[test]
fn bounds_are_the_limits() {
    for (queue, receives) in
        [("FallbackQueue", limits::DRAIN_MAX_RECEIVES), ("ReplayQueue", limits::REPLAY_MAX_RECEIVES)]
    {
        assert_eq!(at(&format!("{queue}.Properties.RedrivePolicy.maxReceiveCount")), u64::from(receives), "{queue}");
    }
    assert_eq!(seconds("AppendFunction.Properties.Timeout"), limits::APPEND_TIMEOUT);
    assert_eq!(seconds("ReplayWorkerFunction.Properties.Timeout"), limits::REPLAY_WORKER_TIMEOUT);
    assert_eq!(seconds("ReplayQueue.Properties.VisibilityTimeout"), limits::REPLAY_LONGEST_BACKOFF);
    // It sends itself the message that goes on, more often than Lambda's loop detection lets pass.
    assert_eq!(at("ReplayWorkerFunction.Properties.RecursiveLoop"), "Allow");
    for (name, queue) in resources("AWS::SQS::Queue") {
        let retention = queue["Properties"]["MessageRetentionPeriod"].as_u64().unwrap();
        assert_eq!(Duration::from_secs(retention), limits::QUEUE_RETENTION, "{name}");
    }
}

/// A message stays hidden while its function may still work on it, and reaches the dead letter queue before its own
/// queue drops it, whether it fails with the longest back-off or by a crash each time.
#[test]
fn messages_outlast_their_functions_and_their_receives() {
    let sources = event_sources("SQS");
    assert!(sources.len() >= 3);
    for (function, source) in sources {
        let queue = referred(&source["Queue"]);
        let visibility = seconds(&format!("{queue}.Properties.VisibilityTimeout"));
        assert_eq!(visibility, seconds(&format!("{function}.Properties.Timeout")) * 6, "{queue}, as Lambda asks for");
        let receives = at(&format!("{queue}.Properties.RedrivePolicy.maxReceiveCount")).as_u64().unwrap();
        let longest = visibility.max(limits::DRAIN_LONGEST_BACKOFF) * u32::try_from(receives).unwrap();
        assert!(longest < limits::QUEUE_RETENTION, "{queue}: {longest:?}");
        let letters = referred(&at(&format!("{queue}.Properties.RedrivePolicy.deadLetterTargetArn")));
        let fifo = |queue: &str| at(&format!("{queue}.Properties")).get("FifoQueue").is_some();
        assert_eq!(fifo(&queue), fifo(&letters), "{letters}");
        assert!(is_watched(&letters), "nobody is told of {letters}");
    }
}

#[test]
fn keys_are_the_schema() {
    for (table, keys) in [
        ("ReservationsTable", &[schema::BOOKING_CODE, schema::ITEM][..]),
        ("EventsTable", &[schema::BOOKING_CODE, schema::VERSION]),
        ("FeedTable", &[feed::dynamodb::PARTITION, feed::dynamodb::POSITION]),
        ("PricesTable", &[schema::BOOKING_CODE, schema::ITEM]),
        ("ReplaysTable", &[replays::dynamodb::REPLAY_ID]),
    ] {
        let schema = at(&format!("{table}.Properties.KeySchema"));
        let declared: Vec<_> = schema.as_sequence().unwrap().iter().map(|key| key["AttributeName"].clone()).collect();
        assert_eq!(declared, keys, "{table}");
    }
    assert_eq!(at("ReservationsTable.Properties.StreamSpecification.StreamViewType"), "NEW_IMAGE");
}

/// Every handler of a batch answers with partial failures; without the flag Lambda would take them for success.
#[test]
fn partial_batch_answers_are_declared() {
    let (queues, streams) = (event_sources("SQS"), event_sources("DynamoDB"));
    let named = |sources: &[(String, Value)]| sources.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(named(&queues), ["DrainFunction", "ReplayWorkerFunction", "PriceProjectionFunction"]);
    assert_eq!(named(&streams), ["PublishFunction", "FeedIndexFunction"]);
    for (function, source) in queues.iter().chain(&streams) {
        let types = source["FunctionResponseTypes"].as_sequence().unwrap();
        assert_eq!(types.as_slice(), [Value::from("ReportBatchItemFailures")], "{function}");
    }
    for (function, source) in streams {
        assert_eq!(source["BisectBatchOnFunctionError"], true, "{function}");
        assert_eq!(source["StartingPosition"], "TRIM_HORIZON", "{function}");
        assert!(source.get("MaximumRetryAttempts").is_some(), "{function}");
        let queue = referred(&source["DestinationConfig"]["OnFailure"]["Destination"]);
        assert!(at(&format!("{queue}.Properties")).get("FifoQueue").is_none(), "{queue} can't be FIFO");
        assert!(is_watched(&queue), "nobody is told of {queue}");
    }
}

/// What stream records the functions are shown, by the attributes the code writes.
#[test]
fn stream_filters_name_the_items() {
    let patterns = |function: &str| {
        let sources = event_sources("DynamoDB").into_iter().find(|(name, _)| name == function).unwrap();
        let filters = sources.1["FilterCriteria"]["Filters"].as_sequence().unwrap().clone();
        filters.iter().map(|filter| filter["Pattern"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let publish = patterns("PublishFunction");
    assert!(publish[0].contains(&format!("\"{}\"", schema::PENDING_BYTES)), "{publish:?}");
    assert!(publish[1].contains(&format!("\"{}\"", schema::CONFLICT_PREFIX)), "{publish:?}");
    let feed = patterns("FeedIndexFunction");
    let keys = format!("\"Keys\":{{\"{}\":{{\"S\":[\"{}\"]}}}}", schema::ITEM, schema::RESERVATION);
    assert!(feed.len() == 1 && feed[0].contains(&keys), "{feed:?}");
}

/// The bus leads to the price projection: what it publishes, under the names it publishes it, and a queue that lets it.
#[test]
fn rules_match_what_is_published_and_may_deliver() {
    let source = |rule: &str| at(&format!("{rule}.Properties.EventPattern.source.0"));
    assert_eq!(source("PriceRule"), bus_entry::SOURCE);
    assert_eq!(source("PriceReplayRule"), bus_entry::REPLAY_SOURCE);
    assert_eq!(source("EventArchive"), bus_entry::SOURCE, "a replay is not archived again");
    assert_eq!(at("EventArchive.Properties.EventPattern.source").as_sequence().unwrap().len(), 1);
    let consumer = at("PriceReplayRule.Properties.EventPattern.detail.consumer.0");
    assert_eq!(consumer, price_projection::CONSUMER);
    let statement = at("PriceQueuesPolicy.Properties.PolicyDocument.Statement.0");
    let listed = |value: &Value| value.as_sequence().unwrap().iter().map(referred).collect::<Vec<_>>();
    let rules = resources("AWS::Events::Rule");
    assert_eq!(
        listed(&statement["Condition"]["ArnEquals"]["aws:SourceArn"]),
        rules.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
    );
    for (rule, properties) in rules {
        let target = &properties["Properties"]["Targets"][0];
        let queues = [referred(&target["Arn"]), referred(&target["DeadLetterConfig"]["Arn"])];
        assert_eq!(queues, ["PriceQueue", "PriceDeadLetterQueue"], "{rule}");
        assert_eq!(listed(&statement["Resource"]), queues, "{rule}");
    }
}

#[test]
fn every_variable_the_functions_ask_for_is_given() {
    let variables = template()["Globals"]["Function"]["Environment"]["Variables"].clone();
    let missing = Config::from_lookup(|_| None).unwrap_err().problems;
    assert!(missing.len() >= 11);
    for name in missing.iter().filter_map(|problem| problem.split(' ').next()).chain(["DEFERRED_ACCEPT"]) {
        assert!(variables.get(name).is_some(), "{name}");
    }
}

/// The binaries of the crates in `functions/`: crate's folder and binary.
fn binaries() -> Vec<(String, String)> {
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).current_dir(crate::root());
    let metadata: serde_json::Value = serde_json::from_slice(&cargo.output().unwrap().stdout).unwrap();
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let folder = std::path::Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned();
        let Ok(inside) = folder.strip_prefix(crate::root().join("functions")) else { continue };
        for target in package["targets"].as_array().unwrap().iter().filter(|target| target["kind"][0] == "bin") {
            found.push((inside.to_str().unwrap().to_owned(), target["name"].as_str().unwrap().to_owned()));
        }
    }
    found
}

/// Each function is a binary of the crate its code is in, and each binary a function.
#[test]
fn every_function_has_its_binary_and_a_role_of_its_own() {
    let mut declared = Vec::new();
    for (name, function) in resources("AWS::Serverless::Function") {
        let binary = function["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap().to_owned();
        let folder = function["Properties"]["CodeUri"].as_str().unwrap().strip_prefix("functions/").unwrap().to_owned();
        let role = name.replace("Function", "Role");
        assert_eq!(referred(&function["Properties"]["Role"]), role, "{name}");
        assert!(resources("AWS::IAM::Role").iter().any(|(found, _)| *found == role), "{role}");
        let errors = name.replace("Function", "ErrorsAlarm");
        assert_eq!(referred(&at(&format!("{errors}.Properties.Dimensions.0.Value"))), name, "{errors}");
        declared.push((folder, binary));
    }
    let mut built = binaries();
    built.sort();
    declared.sort();
    assert_eq!(built, declared);
}

/// A route that `lambda_kit::http::segments` does not know would answer 404; one the API waits too short for, 504.
#[test]
fn functions_know_their_routes_and_answer_in_time() {
    for (name, route) in resources("AWS::ApiGatewayV2::Route") {
        let path = route["Properties"]["RouteKey"].as_str().unwrap().split_once(' ').unwrap().1.to_owned();
        let request = lambda_http::Request::default().with_raw_http_path(format!("/stage{path}"));
        let segments = lambda_kit::http::segments(&request);
        assert_eq!(format!("/{}", segments.join("/")), path, "{name}");
        let Value::Tagged(target) = &route["Properties"]["Target"] else { panic!("{name}") };
        let integration = target.value.as_str().unwrap().split(['{', '}']).nth(1).unwrap();
        let function = referred(&at(&format!("{integration}.Properties.IntegrationUri")));
        assert!(seconds(&format!("{function}.Properties.Timeout")) < API_TIMEOUT, "{function}");
    }
}

/// What the API serves is what its description says, route by route.
#[test]
fn the_api_is_described() {
    let text = std::fs::read_to_string(crate::root().join("docs/openapi.yaml")).unwrap();
    let described: Value = serde_norway::from_str(&text).unwrap();
    let paths = described["paths"].as_mapping().unwrap().iter();
    let mut operations: Vec<_> = paths
        .flat_map(|(path, item)| {
            let methods = item.as_mapping().unwrap().keys().filter_map(Value::as_str);
            let methods = methods.filter(|method| ["get", "post", "put", "delete"].contains(method));
            methods.map(|method| format!("{} {}", method.to_uppercase(), path.as_str().unwrap())).collect::<Vec<_>>()
        })
        .collect();
    let routes = resources("AWS::ApiGatewayV2::Route").into_iter();
    let mut keys: Vec<_> =
        routes.map(|(_, route)| route["Properties"]["RouteKey"].as_str().unwrap().to_owned()).collect();
    operations.sort();
    keys.sort();
    assert_eq!(keys, operations);
}

/// A metric of our own that an alarm watches is written somewhere, under that name and in that namespace.
#[test]
fn the_alarms_watch_metrics_that_are_written() {
    let sources = ["functions", "shared"].into_iter().flat_map(crate::tidy::sources);
    // The kit makes the names of its metrics of its counters' names.
    let counters = serde_json::to_string(&projection::Counts::default()).unwrap();
    let sources: Vec<_> = sources.map(|(_, text)| text).chain([counters]).collect();
    let mut watched = 0;
    for (name, alarm) in resources("AWS::CloudWatch::Alarm") {
        let properties = &alarm["Properties"];
        let [namespace, metric] = ["Namespace", "MetricName"].map(|key| properties[key].as_str().unwrap().to_owned());
        if namespace.starts_with("AWS/") {
            continue;
        }
        watched += 1;
        for word in [namespace, metric] {
            assert!(sources.iter().any(|text| text.contains(&format!("\"{word}\""))), "{name}: {word}");
        }
    }
    assert!(watched >= 5);
}
