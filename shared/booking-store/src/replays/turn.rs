//! What the replay queue carries: a worker's turn at a replay.
//!
//! A worker that runs out of time saves the replay with the next turn's number and then orders that turn. Whoever finds a
//! replay at a later turn than its message's orders that turn again and is done: the worker before it may have died between
//! the two. The queue drops the twin, or it is found to be late in its turn; either way one chain of turns is left.

use serde::{Deserialize, Serialize};

use super::ReplayId;

/// A turn at a replay. Group = replay id, so turns of one replay come one at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// The replay.
    pub replay_id: ReplayId,
    /// The number of the turn, from 0 on.
    pub turn: u64,
}

/// A body that is no turn.
#[derive(Debug, thiserror::Error)]
#[error("not a turn of a replay: {0}")]
pub struct MalformedTurn(#[from] serde_json::Error);

impl Turn {
    /// The body.
    pub fn encode(&self) -> String {
        format!(r#"{{"replay_id":"{}","turn":{}}}"#, self.replay_id, self.turn)
    }

    /// Reads a body.
    ///
    /// # Errors
    /// It is not what [`Turn::encode`] makes.
    pub fn decode(body: &str) -> Result<Self, MalformedTurn> {
        Ok(serde_json::from_str(body)?)
    }

    /// The queue's group.
    pub fn group(&self) -> String {
        self.replay_id.to_string()
    }

    /// The queue's deduplication id: a turn ordered twice within five minutes is one.
    pub fn deduplication_id(&self) -> String {
        format!("{}-{}", self.replay_id, self.turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_and_refuses_anything_else() {
        let turn = Turn { replay_id: ReplayId::parse("0193b7a4-5a52-7cc0-8b26-33f0a1d9a3a5").unwrap(), turn: u64::MAX };
        assert_eq!(Turn::decode(&turn.encode()).unwrap(), turn);
        assert_eq!(turn.encode(), serde_json::to_string(&turn).unwrap());
        for bad in ["", "{}", "null", r#"{"replay_id":"x","turn":1}"#, &turn.encode().replace('}', r#","more":1}"#)] {
            assert!(Turn::decode(bad).is_err(), "{bad}");
        }
    }
}
