//! The bus's rules: named patterns, kept in the ledger and compiled together.

use std::sync::PoisonError;

use rusqlite::{Transaction, params};
use serde::Serialize;
use serde_json::Value;

use super::{BusError, LocalBus};
use crate::ledger::LedgerError;
use crate::pattern::{InvalidPattern, Patterns};

/// Longest name (AWS fact).
const MAX_NAME_LEN: usize = 64;

/// A rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What it selects.
    pub pattern: Value,
}

/// Why a rule is not taken.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRule {
    /// As EventBridge names its rules.
    #[error("must be 1 to {MAX_NAME_LEN} letters, digits, dots, hyphens and underscores")]
    Name,
    /// Not a pattern, or not one that is supported here.
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
    /// The ledger failed, or a rule kept there is unusable.
    #[error(transparent)]
    Bus(#[from] BusError),
}

impl From<LedgerError> for InvalidRule {
    fn from(error: LedgerError) -> Self {
        Self::Bus(error.into())
    }
}

impl LocalBus {
    /// Adds or replaces a rule; it counts for deliveries from now on.
    pub async fn put_rule(&self, name: &str, pattern: &Value) -> Result<(), InvalidRule> {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if name.is_empty() || name.len() > MAX_NAME_LEN || !name.chars().all(known) {
            return Err(InvalidRule::Name);
        }
        Patterns::none().add(name.to_owned(), pattern)?;
        let (name, pattern, now) = (name.to_owned(), pattern.to_string(), self.clock.now().unix_milliseconds());
        let put = move |t: &Transaction<'_>| {
            t.execute(
                "INSERT OR REPLACE INTO rules (name, pattern, created_at) VALUES (?1, ?2, ?3)",
                params![name, pattern, now],
            )
        };
        self.ledger.write(put).await?;
        Ok(self.reload().await?)
    }

    /// Removes a rule; whether there was one. Its deliveries stay.
    pub async fn delete_rule(&self, name: &str) -> Result<bool, BusError> {
        let name = name.to_owned();
        let removed = self.ledger.write(move |t| t.execute("DELETE FROM rules WHERE name = ?1", [name])).await?;
        self.reload().await?;
        Ok(removed > 0)
    }

    /// Every rule, by name.
    pub async fn rules(&self) -> Result<Vec<Rule>, LedgerError> {
        let list = |t: &Transaction<'_>| {
            let mut rules = t.prepare("SELECT name, pattern FROM rules ORDER BY name")?;
            let rules = rules.query_map([], |row| {
                let pattern: String = row.get(1)?;
                // Only patterns that were parsed are kept.
                Ok(Rule { name: row.get(0)?, pattern: serde_json::from_str(&pattern).unwrap_or_default() })
            })?;
            rules.collect()
        };
        self.ledger.read(list).await
    }

    /// Compiles the kept rules.
    pub(super) async fn reload(&self) -> Result<(), BusError> {
        let mut compiled = Patterns::none();
        for rule in self.rules().await? {
            compiled.add(rule.name, &rule.pattern)?;
        }
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = compiled;
        Ok(())
    }
}
