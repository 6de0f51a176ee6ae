//! The template's queues.

use std::time::Duration;

use super::{Template, TemplateError};

/// How long a received message is hidden when nobody says (AWS fact).
const DEFAULT_VISIBILITY_TIMEOUT: Duration = Duration::from_secs(30);

/// How a queue behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// Its logical id, which is its name here.
    pub name: String,
    /// Whether order holds within a group.
    pub fifo: bool,
    /// How long a received message is hidden.
    pub visibility_timeout: Duration,
    /// Receives after which the next one makes the message a dead letter; without a bound, the most there is.
    pub max_receives: u32,
    /// Whether a deduplication id counts within its group, not in the whole queue.
    pub deduplicate_within_group: bool,
    /// The queue that its dead letters go to.
    pub dead_letters: Option<String>,
}

impl QueueSettings {
    /// A standard queue as it is when nobody says more.
    pub fn standard(name: String) -> Self {
        Self {
            name,
            fifo: false,
            visibility_timeout: DEFAULT_VISIBILITY_TIMEOUT,
            max_receives: u32::MAX,
            deduplicate_within_group: false,
            dead_letters: None,
        }
    }
}

impl Template {
    /// Every queue.
    pub fn queues(&self) -> Result<Vec<QueueSettings>, TemplateError> {
        self.of_type("AWS::SQS::Queue").map(|(id, _)| self.queue_settings(id)).collect()
    }

    /// The settings of a queue.
    pub fn queue_settings(&self, queue: &str) -> Result<QueueSettings, TemplateError> {
        let scope = self.property(queue, &["DeduplicationScope"])?;
        let mut settings = QueueSettings::standard(queue.to_owned());
        settings.fifo = self.flag(queue, &["FifoQueue"])?;
        settings.deduplicate_within_group = scope.is_some_and(|scope| scope == "messageGroup");
        if self.property(queue, &["VisibilityTimeout"])?.is_some() {
            settings.visibility_timeout = Duration::from_secs(self.bounded(queue, &["VisibilityTimeout"])?);
        }
        if self.property(queue, &["RedrivePolicy"])?.is_some() {
            settings.max_receives = self.bounded(queue, &["RedrivePolicy", "maxReceiveCount"])?;
            settings.dead_letters = Some(self.text(queue, &["RedrivePolicy", "deadLetterTargetArn"])?);
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use booking_store::limits::DRAIN_MAX_RECEIVES;

    use super::*;

    #[test]
    fn the_queues_of_the_deployment() {
        let template = Template::embedded().unwrap();
        let settings = template.queue_settings("FallbackQueue").unwrap();
        assert_eq!(
            (settings.max_receives, settings.dead_letters.as_deref()),
            (DRAIN_MAX_RECEIVES, Some("DeadLetterQueue"))
        );
        assert!(settings.fifo && settings.deduplicate_within_group);
        assert!(settings.visibility_timeout > Duration::from_secs(30));
        let failures = template.queue_settings("PublishFailureQueue").unwrap();
        assert_eq!(failures, QueueSettings::standard("PublishFailureQueue".to_owned()));
        assert!(template.queues().unwrap().contains(&settings));
    }
}
