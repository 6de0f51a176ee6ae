//! The template's event sources.

use std::time::Duration;

use serde_json::Value;

use super::{Template, TemplateError};

/// Batches at a time when the template sets no limit: what Lambda's pollers begin with.
const DEFAULT_CONCURRENCY: usize = 5;

/// How a function is fed from a table's stream.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamSource {
    /// The table.
    pub table: String,
    /// Most records of one invocation.
    pub batch_size: usize,
    /// A record is for the function if any of these patterns matches; all are if there is none.
    pub filters: Vec<Value>,
    /// Whether a failing batch is halved to find the record that fails.
    pub bisect: bool,
    /// Times a failing batch is tried again; `None` without end.
    pub max_retries: Option<u32>,
    /// Whether the function names the records that failed.
    pub reports_failures: bool,
}

/// How a function is fed from a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSource {
    /// The queue.
    pub queue: String,
    /// Most messages of one invocation.
    pub batch_size: usize,
    /// Invocations at a time.
    pub concurrency: usize,
    /// Whether the function names the messages that failed.
    pub reports_failures: bool,
}

impl Template {
    /// The stream that feeds `function`.
    pub fn stream_source(&self, function: &str) -> Result<StreamSource, TemplateError> {
        let event = self.event(function, "DynamoDB")?;
        let at = |name| ["Events", event.as_str(), "Properties", name];
        let filters = self.property(function, &["Events", &event, "Properties", "FilterCriteria", "Filters"])?;
        Ok(StreamSource {
            table: self.text(function, &at("Stream"))?,
            batch_size: self.bounded(function, &at("BatchSize"))?,
            filters: filters.as_ref().map_or(Ok(Vec::new()), |filters| patterns(function, filters))?,
            bisect: self.flag(function, &at("BisectBatchOnFunctionError"))?,
            // -1 is CloudFormation's word for "without end".
            max_retries: u32::try_from(self.number(function, &at("MaximumRetryAttempts"))?).ok(),
            reports_failures: self.reports_failures(function, &at("FunctionResponseTypes"))?,
        })
    }

    /// The queue that feeds `function`.
    pub fn queue_source(&self, function: &str) -> Result<QueueSource, TemplateError> {
        let event = self.event(function, "SQS")?;
        let at = |name| ["Events", event.as_str(), "Properties", name];
        let concurrency = ["Events", event.as_str(), "Properties", "ScalingConfig", "MaximumConcurrency"];
        let limited = self.property(function, &concurrency)?.is_some();
        Ok(QueueSource {
            queue: self.text(function, &at("Queue"))?,
            batch_size: self.bounded(function, &at("BatchSize"))?,
            concurrency: if limited { self.bounded(function, &concurrency)? } else { DEFAULT_CONCURRENCY },
            reports_failures: self.reports_failures(function, &at("FunctionResponseTypes"))?,
        })
    }

    /// How long `function` may run.
    pub fn timeout(&self, function: &str) -> Result<Duration, TemplateError> {
        Ok(Duration::from_secs(self.bounded(function, &["Timeout"])?))
    }

    /// How often `function` runs by its schedule.
    pub fn schedule(&self, function: &str) -> Result<Duration, TemplateError> {
        let event = self.event(function, "Schedule")?;
        let schedule = self.text(function, &["Events", &event, "Properties", "Schedule"])?;
        rate(&schedule).ok_or_else(|| TemplateError::Expected(format!("{function}'s schedule"), "rate(…)"))
    }

    /// The name of the function's one event source of a kind.
    fn event(&self, function: &str, kind: &'static str) -> Result<String, TemplateError> {
        let expected = || TemplateError::Expected(format!("{function}'s event source"), kind);
        let resource = self.resources.get(function).ok_or_else(expected)?;
        let events = resource.pointer("/Properties/Events").and_then(Value::as_object).ok_or_else(expected)?;
        let named = events.iter().find(|(_, event)| event.get("Type").and_then(Value::as_str) == Some(kind));
        named.map(|(name, _)| name.clone()).ok_or_else(expected)
    }

    fn reports_failures(&self, function: &str, path: &[&str]) -> Result<bool, TemplateError> {
        let types = self.property(function, path)?.unwrap_or_default();
        Ok(types.as_array().is_some_and(|types| types.iter().any(|kind| kind == "ReportBatchItemFailures")))
    }
}

/// The patterns of a filter criteria, which are JSON texts.
fn patterns(function: &str, filters: &Value) -> Result<Vec<Value>, TemplateError> {
    let unusable = || TemplateError::Expected(format!("{function}'s filter"), "a JSON pattern");
    let texts = filters.as_array().ok_or_else(unusable)?.iter().map(|filter| filter.get("Pattern"));
    texts
        .map(|text| text.and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok()).ok_or_else(unusable))
        .collect()
}

/// `rate(2 hours)` as a duration.
fn rate(schedule: &str) -> Option<Duration> {
    let (number, unit) = schedule.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let seconds = match unit.trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3600,
        "day" => 24 * 3600,
        _ => return None,
    };
    Some(Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pattern::Patterns;

    #[test]
    fn the_settings_of_the_deployment() {
        let template = Template::embedded().unwrap();
        let stream = template.stream_source("PublishFunction").unwrap();
        assert_eq!(stream.table, "ReservationsTable");
        assert!(stream.reports_failures && stream.bisect && stream.batch_size > 0);
        let queue = template.queue_source("DrainFunction").unwrap();
        assert_eq!(queue.queue, "FallbackQueue");
        assert!(queue.reports_failures && (1..=10).contains(&queue.batch_size) && queue.concurrency > 1);
        assert!(template.timeout("DrainFunction").unwrap() > Duration::from_secs(1));
        assert_eq!(template.schedule("AuditFunction").unwrap(), Duration::from_secs(24 * 3600));
    }

    #[test]
    fn the_stream_filter_lets_in_just_the_work() {
        let filters = Template::embedded().unwrap().stream_source("PublishFunction").unwrap().filters;
        let patterns = Patterns::any_of(&filters).unwrap();
        let reservation = |pending: &str| {
            json!({"eventName": "MODIFY", "dynamodb": {"Keys": {"booking_code": {"S": "X"}, "item": {"S": "reservation"}},
            "NewImage": {"booking_code": {"S": "X"}, "item": {"S": "reservation"}, "pending_bytes": {"N": pending}}}})
        };
        let conflict = |name: &str| {
            json!({"eventName": name, "dynamodb": {"Keys": {"booking_code": {"S": "X"}, "item": {"S": "conflict#1"}},
            "NewImage": {"item": {"S": "conflict#1"}}}})
        };
        let removed = json!({"eventName": "REMOVE", "dynamodb": {"Keys": {"booking_code": {"S": "X"}, "item": {"S": "reservation"}}}});
        for (record, wanted) in [
            (reservation("310"), true),
            (reservation("0"), false),
            (conflict("INSERT"), true),
            (conflict("MODIFY"), false),
            (removed, false),
        ] {
            assert_eq!(patterns.any(record.to_string().as_bytes()).unwrap(), wanted, "{record}");
        }
    }

    #[test]
    fn rates() {
        assert_eq!(rate("rate(1 day)"), Some(Duration::from_secs(86_400)));
        assert_eq!(rate("rate(5 minutes)"), Some(Duration::from_secs(300)));
        assert_eq!(rate("cron(0 3 * * ? *)"), None);
    }
}
