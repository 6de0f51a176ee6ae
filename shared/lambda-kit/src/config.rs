//! The functions' configuration: environment variables, read once, all problems reported at once.

/// What a function is told by its deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `RESERVATIONS_TABLE`
    pub reservations_table: String,
    /// `EVENTS_TABLE`
    pub events_table: String,
    /// `FALLBACK_QUEUE_URL`
    pub fallback_queue_url: String,
    /// `DEAD_LETTER_QUEUE_URL`
    pub dead_letter_queue_url: String,
    /// `EVENT_BUS_NAME`
    pub event_bus_name: String,
    /// `FEED_TABLE`
    pub feed_table: String,
    /// `REPLAYS_TABLE`
    pub replays_table: String,
    /// `REPLAY_QUEUE_URL`
    pub replay_queue_url: String,
    /// `PRICES_TABLE`
    pub prices_table: String,
    /// `PRICE_QUEUE_URL`
    pub price_queue_url: String,
    /// `PRICE_DEAD_LETTER_QUEUE_URL`
    pub price_dead_letter_queue_url: String,
    /// `DEFERRED_ACCEPT`: `true` (the default) or `false`
    pub deferred_accept: bool,
}

/// Everything that is wrong with the environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid configuration: {}", .problems.join("; "))]
pub struct InvalidConfig {
    /// One sentence a variable.
    pub problems: Vec<String>,
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Names every variable that is missing or unusable.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn from_env() -> Result<Self, InvalidConfig> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads variables through `lookup`.
    ///
    /// # Errors
    /// Names every variable that is missing or unusable.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidConfig> {
        let mut problems = Vec::new();
        let mut required = |name: &str| {
            let value = lookup(name).filter(|value| !value.trim().is_empty());
            if value.is_none() {
                problems.push(format!("{name} is not set"));
            }
            value.unwrap_or_default()
        };
        let mut config = Self {
            reservations_table: required("RESERVATIONS_TABLE"),
            events_table: required("EVENTS_TABLE"),
            fallback_queue_url: required("FALLBACK_QUEUE_URL"),
            dead_letter_queue_url: required("DEAD_LETTER_QUEUE_URL"),
            event_bus_name: required("EVENT_BUS_NAME"),
            feed_table: required("FEED_TABLE"),
            replays_table: required("REPLAYS_TABLE"),
            replay_queue_url: required("REPLAY_QUEUE_URL"),
            prices_table: required("PRICES_TABLE"),
            price_queue_url: required("PRICE_QUEUE_URL"),
            price_dead_letter_queue_url: required("PRICE_DEAD_LETTER_QUEUE_URL"),
            deferred_accept: true,
        };
        match lookup("DEFERRED_ACCEPT").as_deref() {
            None | Some("" | "true") => {}
            Some("false") => config.deferred_accept = false,
            Some(other) => problems.push(format!("DEFERRED_ACCEPT must be true or false, not {other:?}")),
        }
        if problems.is_empty() { Ok(config) } else { Err(InvalidConfig { problems }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, InvalidConfig> {
        Config::from_lookup(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    const ALL: [(&str, &str); 11] = [
        ("RESERVATIONS_TABLE", "r"),
        ("EVENTS_TABLE", "e"),
        ("FALLBACK_QUEUE_URL", "q"),
        ("DEAD_LETTER_QUEUE_URL", "d"),
        ("EVENT_BUS_NAME", "b"),
        ("FEED_TABLE", "f"),
        ("REPLAYS_TABLE", "rs"),
        ("REPLAY_QUEUE_URL", "rq"),
        ("PRICES_TABLE", "p"),
        ("PRICE_QUEUE_URL", "pq"),
        ("PRICE_DEAD_LETTER_QUEUE_URL", "pd"),
    ];

    #[test]
    fn reports_everything_at_once() {
        let error = read(&[("EVENTS_TABLE", " "), ("DEFERRED_ACCEPT", "yes")]).unwrap_err();
        assert_eq!(error.problems.len(), ALL.len() + 1, "{error}");
        assert!(error.to_string().contains("EVENTS_TABLE is not set"));
        assert!(error.to_string().contains("DEFERRED_ACCEPT must be true or false, not \"yes\""));
    }

    #[test]
    fn defers_unless_told_otherwise() {
        assert!(read(&ALL).unwrap().deferred_accept);
        assert!(!read(&[&ALL[..], &[("DEFERRED_ACCEPT", "false")]].concat()).unwrap().deferred_accept);
    }
}
