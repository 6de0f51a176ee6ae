//! `template.yaml` and the code must say the same wherever both have to say it.

use std::time::Duration;

use booking_store::dynamodb::schema;
use booking_store::limits;
use lambda_kit::Config;
use serde_norway::Value;

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

fn texts(path: &str) -> Vec<String> {
    at(path).as_sequence().unwrap().iter().map(|value| value.as_str().unwrap().to_owned()).collect()
}

fn resources(kind: &str) -> Vec<(String, Value)> {
    let all = template().get("Resources").unwrap().as_mapping().unwrap().clone();
    let of_kind = all.into_iter().filter(|(_, resource)| resource.get("Type").is_some_and(|found| found == kind));
    of_kind.map(|(name, resource)| (name.as_str().unwrap().to_owned(), resource)).collect()
}

#[test]
fn bounds_are_the_limits() {
    let seconds = |path: &str| Duration::from_secs(at(path).as_u64().unwrap());
    let queue = "FallbackQueue.Properties";
    assert_eq!(at(&format!("{queue}.RedrivePolicy.maxReceiveCount")), u64::from(limits::DRAIN_MAX_RECEIVES));
    assert_eq!(seconds(&format!("{queue}.MessageRetentionPeriod")), limits::QUEUE_RETENTION);
    assert_eq!(seconds("DeadLetterQueue.Properties.MessageRetentionPeriod"), limits::QUEUE_RETENTION);
    assert_eq!(seconds("AppendFunction.Properties.Timeout"), limits::APPEND_TIMEOUT);
    let drain = seconds("DrainFunction.Properties.Timeout");
    assert!(seconds(&format!("{queue}.VisibilityTimeout")) >= drain * 6, "as Lambda asks for");
}

#[test]
fn keys_are_the_schema() {
    for (table, keys) in [
        ("ReservationsTable", [schema::BOOKING_CODE, schema::ITEM]),
        ("EventsTable", [schema::BOOKING_CODE, schema::VERSION]),
    ] {
        for (i, key) in keys.iter().enumerate() {
            assert_eq!(at(&format!("{table}.Properties.KeySchema.{i}.AttributeName")), *key, "{table}");
        }
    }
    assert_eq!(at("ReservationsTable.Properties.StreamSpecification.StreamViewType"), "NEW_IMAGE");
}

/// Both handlers answer with partial batch failures; without the flag Lambda would take them for success.
#[test]
fn partial_batch_answers_are_declared() {
    for (function, kind) in [("PublishFunction", "DynamoDB"), ("DrainFunction", "SQS")] {
        let events = at(&format!("{function}.Properties.Events"));
        let (name, event) = events.as_mapping().unwrap().iter().next().unwrap();
        assert_eq!(event.get("Type").unwrap(), kind);
        let path = format!("{function}.Properties.Events.{}.Properties", name.as_str().unwrap());
        assert_eq!(texts(&format!("{path}.FunctionResponseTypes")), ["ReportBatchItemFailures"]);
        if kind == "DynamoDB" {
            assert_eq!(at(&format!("{path}.BisectBatchOnFunctionError")), true);
            assert!(at(&path).get("MaximumRetryAttempts").is_some() && at(&path).get("DestinationConfig").is_some());
            let filters = at(&format!("{path}.FilterCriteria.Filters"));
            let patterns: Vec<_> =
                filters.as_sequence().unwrap().iter().map(|f| f["Pattern"].as_str().unwrap()).collect();
            assert!(patterns[0].contains(&format!("\"{}\"", schema::PENDING_BYTES)), "{patterns:?}");
            assert!(patterns[1].contains(&format!("\"{}\"", schema::CONFLICT_PREFIX)), "{patterns:?}");
        }
    }
}

#[test]
fn every_variable_the_functions_ask_for_is_given() {
    let variables = template()["Globals"]["Function"]["Environment"]["Variables"].clone();
    let missing = Config::from_lookup(|_| None).unwrap_err().problems;
    assert!(missing.len() >= 5);
    for name in missing.iter().filter_map(|problem| problem.split(' ').next()).chain(["DEFERRED_ACCEPT"]) {
        assert!(variables.get(name).is_some(), "{name}");
    }
}

#[test]
fn every_function_has_its_crate_and_a_role_of_its_own() {
    let functions = resources("AWS::Serverless::Function");
    let mut crates: Vec<_> = std::fs::read_dir(crate::root().join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut declared = Vec::new();
    for (name, function) in functions {
        let binary = function["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap().to_owned();
        assert_eq!(function["Properties"]["CodeUri"], format!("functions/{binary}"), "{name}");
        let role = name.replace("Function", "Role");
        assert!(resources("AWS::IAM::Role").iter().any(|(found, _)| *found == role), "{role}");
        declared.push(binary);
    }
    crates.sort();
    declared.sort();
    assert_eq!(crates, declared);
}

#[test]
fn the_audits_alarms_watch_the_metrics_it_writes() {
    let handler = std::fs::read_to_string(crate::root().join("functions/audit/src/handler.rs")).unwrap();
    for alarm in ["AuditStaleBookings", "AuditIncomplete"] {
        for property in ["Namespace", "MetricName"] {
            let value = at(&format!("{alarm}.Properties.{property}"));
            assert!(handler.contains(&format!("\"{}\"", value.as_str().unwrap())), "{alarm} {property}");
        }
    }
}
