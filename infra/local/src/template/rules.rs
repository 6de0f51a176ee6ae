//! The template's rules of the bus.

use std::time::Duration;

use serde_json::Value;

use super::{Template, TemplateError};

/// Times that EventBridge tries again when nobody says (AWS fact).
const DEFAULT_RETRIES: u32 = 185;
/// Age at which EventBridge gives up when nobody says (AWS fact).
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// A rule with its one target, a queue.
#[derive(Clone, Debug, PartialEq)]
pub struct BusRule {
    /// Its logical id, which is its name here.
    pub name: String,
    /// What it selects.
    pub pattern: Value,
    /// The queue it sends to.
    pub queue: String,
    /// Times a failed delivery is tried again.
    pub retries: u32,
    /// Age at which an entry is given up.
    pub max_age: Duration,
    /// Where what is given up goes.
    pub dead_letters: Option<String>,
}

impl Template {
    /// Every rule that selects events (a schedule is another thing).
    pub fn rules(&self) -> Result<Vec<BusRule>, TemplateError> {
        let rules = self.of_type("AWS::Events::Rule");
        let patterned = rules.filter(|(_, rule)| rule.pointer("/Properties/EventPattern").is_some());
        patterned.map(|(id, _)| self.rule(id)).collect()
    }

    fn rule(&self, id: &str) -> Result<BusRule, TemplateError> {
        let targets = self.required(id, &["Targets"])?;
        let one = || TemplateError::Expected(format!("{id}.Targets"), "one queue");
        let [target] = targets.as_array().map_or(&[][..], Vec::as_slice) else { return Err(one()) };
        let queue = target.get("Arn").and_then(Value::as_str).ok_or_else(one)?;
        // The reference has been resolved to a logical id.
        if !self.of_type("AWS::SQS::Queue").any(|(id, _)| id == queue) {
            return Err(one());
        }
        let policy = |name: &str| target.get("RetryPolicy").and_then(|policy| policy.get(name)).and_then(Value::as_u64);
        let dead_letters = target.pointer("/DeadLetterConfig/Arn").and_then(Value::as_str);
        Ok(BusRule {
            name: id.to_owned(),
            pattern: self.required(id, &["EventPattern"])?,
            queue: queue.to_owned(),
            retries: policy("MaximumRetryAttempts").map_or(DEFAULT_RETRIES, |n| u32::try_from(n).unwrap_or(u32::MAX)),
            max_age: policy("MaximumEventAgeInSeconds").map_or(DEFAULT_MAX_AGE, Duration::from_secs),
            dead_letters: dead_letters.map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pattern::Patterns;

    const TEXT: &str = "Resources:
  Q: {Type: AWS::SQS::Queue}
  D: {Type: AWS::SQS::Queue}
  F: {Type: AWS::Serverless::Function}
  R: {Type: AWS::Events::Rule, Properties: {EventPattern: {source: [a]}, Targets: [{Id: q, Arn: !GetAtt Q.Arn,
      RetryPolicy: {MaximumRetryAttempts: 3, MaximumEventAgeInSeconds: 60}, DeadLetterConfig: {Arn: !GetAtt D.Arn}}]}}
  Tick: {Type: AWS::Events::Rule, Properties: {ScheduleExpression: rate(1 day)}}
";

    #[test]
    fn a_rule_has_its_pattern_queue_and_bounds() {
        let rules = Template::parse(TEXT).unwrap().rules().unwrap();
        let [rule] = rules.as_slice() else { panic!("{rules:?}") };
        assert_eq!((rule.name.as_str(), rule.queue.as_str(), rule.dead_letters.as_deref()), ("R", "Q", Some("D")));
        assert_eq!(rule.pattern, json!({"source": ["a"]}));
        assert_eq!((rule.retries, rule.max_age), (3, Duration::from_secs(60)));
        let bare = TEXT.replace("RetryPolicy", "Ignored").replace("DeadLetterConfig", "Ignored2");
        let rule = Template::parse(&bare).unwrap().rules().unwrap().remove(0);
        assert_eq!((rule.retries, rule.max_age, rule.dead_letters), (DEFAULT_RETRIES, DEFAULT_MAX_AGE, None));
    }

    #[test]
    fn the_rules_of_the_deployment_can_be_played() {
        let rules = Template::embedded().unwrap().rules().unwrap();
        let shown: Vec<_> = rules.iter().map(|rule| (rule.name.as_str(), rule.queue.as_str())).collect();
        assert_eq!(shown, [("PriceReplayRule", "PriceQueue"), ("PriceRule", "PriceQueue")]);
        assert!(rules.iter().all(|rule| rule.dead_letters.as_deref() == Some("PriceDeadLetterQueue")));
        let mut patterns = Patterns::none();
        for rule in rules {
            patterns.add(rule.name, &rule.pattern).unwrap();
        }
        let matching = |event: Value| patterns.matching(event.to_string().as_bytes()).unwrap();
        let event = json!({"source": "booking.events", "detail-type": "Anything", "detail": {"version": 1}});
        assert_eq!(matching(event), ["PriceRule"]);
        let conflict = json!({"source": "booking.events", "detail-type": "BookingCodeConflict", "detail": {}});
        assert_eq!(matching(conflict), [""; 0]);
        let replayed = |consumer: &str| json!({"source": "booking.events.replay", "detail-type": "T", "detail": {"version": 1, "consumer": consumer}});
        assert_eq!(matching(replayed("price-projection")), ["PriceReplayRule"]);
        assert_eq!(matching(replayed("finance")), [""; 0]);
    }

    #[test]
    fn a_target_that_is_no_queue_is_an_error_and_not_left_out() {
        let other = TEXT.replace("!GetAtt Q.Arn", "!GetAtt F.Arn");
        assert!(matches!(Template::parse(&other).unwrap().rules(), Err(TemplateError::Expected(..))));
    }
}
