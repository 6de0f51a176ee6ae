//! The bus's rules: the template's, and those made over HTTP, which are kept in the ledger. Compiled together.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use reqwest::Url;
use rusqlite::{Row, Transaction, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{BusError, LocalBus, outbox};
use crate::ledger::LedgerError;
use crate::pattern::{InvalidPattern, Patterns};
use crate::queue::InvalidName;
use crate::template::BusRule;

/// Longest name (AWS fact).
const MAX_NAME_LEN: usize = 64;

/// Where a rule sends what it selects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A URL that each envelope is posted to.
    Webhook(String),
    /// A standard queue here.
    Queue(String),
}

/// How long a rule tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// Times a failed delivery is tried again.
    pub max_retries: u32,
    /// Age at which an entry is given up, in seconds.
    pub max_age_s: u64,
}

impl Retry {
    pub(super) fn max_age(self) -> Duration {
        Duration::from_secs(self.max_age_s)
    }
}

impl Default for Retry {
    /// About five minutes.
    fn default() -> Self {
        Self { max_retries: 16, max_age_s: 24 * 3600 }
    }
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What it selects.
    pub pattern: Value,
    /// Where it sends that; without a target the log of deliveries names the rule, and that is all.
    pub target: Option<Target>,
    /// How long it tries.
    pub retry: Retry,
    /// The template's queue for what it gives up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letters: Option<String>,
    /// Whether it is the template's, and so can't be changed here.
    pub fixed: bool,
}

impl From<BusRule> for Rule {
    fn from(rule: BusRule) -> Self {
        Self {
            name: rule.name,
            pattern: rule.pattern,
            target: Some(Target::Queue(rule.queue)),
            retry: Retry { max_retries: rule.retries, max_age_s: rule.max_age.as_secs() },
            dead_letters: rule.dead_letters,
            fixed: true,
        }
    }
}

/// Why a rule is not taken.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRule {
    /// As EventBridge names its rules.
    #[error("must be 1 to {MAX_NAME_LEN} letters, digits, dots, hyphens and underscores")]
    Name,
    /// The template has a rule of this name.
    #[error("{0} is a rule of template.yaml and can't be changed here")]
    Fixed(String),
    /// Not a pattern, or not one that is supported here.
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
    /// Not a URL to post to.
    #[error("must be an http or https URL")]
    Webhook,
    /// Not the name of a queue.
    #[error(transparent)]
    Queue(InvalidName),
    /// The ledger failed, or a rule kept there is unusable.
    #[error(transparent)]
    Bus(#[from] BusError),
}

impl From<LedgerError> for InvalidRule {
    fn from(error: LedgerError) -> Self {
        Self::Bus(error.into())
    }
}

/// All rules, ready to match.
pub(super) struct Compiled {
    patterns: Patterns,
    rules: BTreeMap<String, Rule>,
}

impl Compiled {
    pub(super) fn none() -> Self {
        Self { patterns: Patterns::none(), rules: BTreeMap::new() }
    }

    /// The rules that match an envelope.
    pub(super) fn matching(&self, entry: &[u8]) -> Vec<String> {
        // An envelope is a JSON object, whatever is in it.
        self.patterns.matching(entry).unwrap_or_default()
    }

    pub(super) fn has_target(&self, rule: &str) -> bool {
        self.rules.get(rule).is_some_and(|rule| rule.target.is_some())
    }
}

impl LocalBus {
    /// Adds or replaces a rule; it counts for what the bus takes from now on.
    pub async fn put_rule(
        &self,
        name: &str,
        pattern: &Value,
        target: Option<Target>,
        retry: Retry,
    ) -> Result<Rule, InvalidRule> {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if name.is_empty() || name.len() > MAX_NAME_LEN || !name.chars().all(known) {
            return Err(InvalidRule::Name);
        }
        if self.fixed.iter().any(|fixed| fixed.name == name) {
            return Err(InvalidRule::Fixed(name.to_owned()));
        }
        Patterns::none().add(name.to_owned(), pattern)?;
        match &target {
            Some(Target::Webhook(url)) => {
                let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
                drop(url.ok_or(InvalidRule::Webhook)?);
            }
            Some(Target::Queue(queue)) => drop(self.queues.standard(queue).await.map_err(InvalidRule::Queue)?),
            None => {}
        }
        let rule =
            Rule { name: name.to_owned(), pattern: pattern.clone(), target, retry, dead_letters: None, fixed: false };
        let (kept, now) = (rule.clone(), self.now());
        self.ledger.write(move |t: &Transaction<'_>| keep(t, &kept, now)).await?;
        self.reload().await?;
        Ok(rule)
    }

    /// Removes a rule and what is on its way to its target; whether there was one. The log of deliveries stays.
    pub async fn delete_rule(&self, name: &str) -> Result<bool, InvalidRule> {
        if self.fixed.iter().any(|fixed| fixed.name == name) {
            return Err(InvalidRule::Fixed(name.to_owned()));
        }
        let (name, gone) = (name.to_owned(), name.to_owned());
        let removed = self.ledger.write(move |t| t.execute("DELETE FROM rules WHERE name = ?1", [name])).await?;
        self.reload().await?;
        // Only now does nobody put anything into its outbox any more.
        let clear = move |t: &Transaction<'_>| {
            t.execute("DELETE FROM outbox WHERE rule = ?1", [&gone])?;
            t.execute("DELETE FROM rule_counts WHERE rule = ?1", [&gone])?;
            t.execute("DELETE FROM dead_letters WHERE source = ?1", [outbox::source(&gone)])
        };
        self.ledger.write(clear).await?;
        Ok(removed > 0)
    }

    /// Every rule, by name.
    pub fn all_rules(&self) -> Vec<Rule> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).rules.values().cloned().collect()
    }

    /// Those with a target.
    pub fn targeted(&self) -> Vec<Rule> {
        self.all_rules().into_iter().filter(|rule| rule.target.is_some()).collect()
    }

    /// Compiles the fixed and the kept rules.
    pub(super) async fn reload(&self) -> Result<(), BusError> {
        let list = |t: &Transaction<'_>| {
            let mut rules = t.prepare("SELECT name, pattern, target, retry FROM rules")?;
            rules.query_map([], kept)?.collect::<rusqlite::Result<Vec<Rule>>>()
        };
        let kept = self.ledger.read(list).await?;
        let mut compiled = Compiled::none();
        // A fixed rule that came with an update hides a kept one of its name.
        for rule in self.fixed.iter().cloned().chain(kept) {
            if !compiled.rules.contains_key(&rule.name) {
                let added = compiled.patterns.add(rule.name.clone(), &rule.pattern);
                added.map_err(|error| BusError::Rule(rule.name.clone(), error))?;
                compiled.rules.insert(rule.name.clone(), rule);
            }
        }
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = compiled;
        Ok(())
    }
}

fn keep(t: &Transaction<'_>, rule: &Rule, now: i64) -> rusqlite::Result<()> {
    let target = rule.target.as_ref().map(serde_json::to_string).transpose();
    // Both are plain texts and numbers.
    let (target, retry) = (target.unwrap_or_default(), serde_json::to_string(&rule.retry).unwrap_or_default());
    t.execute(
        "INSERT OR REPLACE INTO rules (name, pattern, target, retry, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![rule.name, rule.pattern.to_string(), target, retry, now],
    )?;
    if target.is_none() {
        // What was on its way to an earlier target of the same name goes nowhere now.
        t.execute("DELETE FROM outbox WHERE rule = ?1", [&rule.name])?;
    }
    Ok(())
}

fn kept(row: &Row<'_>) -> rusqlite::Result<Rule> {
    let (pattern, target, retry): (String, Option<String>, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
    // Only what was parsed is kept.
    Ok(Rule {
        name: row.get(0)?,
        pattern: serde_json::from_str(&pattern).unwrap_or_default(),
        target: target.and_then(|target| serde_json::from_str(&target).ok()),
        retry: serde_json::from_str(&retry).unwrap_or_default(),
        dead_letters: None,
        fixed: false,
    })
}
