//! A total as its author wrote it: text of digits, never a float.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Longest total, in characters.
const MAX_TOTAL_LEN: usize = 64;

/// An amount, exact: the digits of the event, to the byte. It is shown as text, for most readers of JSON take a number
/// for a float.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Total(String);

/// The value is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a number such as 120.00, as a JSON number or as text, at most {MAX_TOTAL_LEN} characters long")]
pub struct InvalidTotal;

impl Total {
    /// Takes a number in JSON's own grammar; nothing is trimmed, rounded or normalised.
    ///
    /// # Errors
    /// Anything else: empty, longer than any price, signs and spaces that JSON does not know.
    pub fn parse(text: &str) -> Result<Self, InvalidTotal> {
        let first = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        let last = text.ends_with(|c: char| c.is_ascii_digit());
        // The grammar alone is asked: a value of more digits than a float has is as good as any.
        let is_number = first && last && serde_json::from_str::<&RawValue>(text).is_ok();
        if is_number && text.len() <= MAX_TOTAL_LEN { Ok(Self(text.to_owned())) } else { Err(InvalidTotal) }
    }

    /// Takes a JSON value that is such a number, or a text of one.
    ///
    /// # Errors
    /// It is something else.
    pub fn from_json(value: &RawValue) -> Result<Self, InvalidTotal> {
        if value.get().starts_with('"') {
            let text: String = serde_json::from_str(value.get()).map_err(|_| InvalidTotal)?;
            Self::parse(&text)
        } else {
            Self::parse(value.get())
        }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Total {
    type Error = InvalidTotal;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Total> for String {
    fn from(total: Total) -> Self {
        total.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of_json(text: &str) -> Result<Total, InvalidTotal> {
        Total::from_json(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn totals_are_kept_to_the_digit() {
        let long = "12345678901234567890123456789012345678.90";
        for text in ["0", "-0", "120.00", "99.90", "-5.5", "1e3", "1.10E-2", long] {
            assert_eq!(Total::parse(text).unwrap().as_str(), text);
            assert_eq!(of_json(text).unwrap().as_str(), text, "a number");
            assert_eq!(of_json(&format!("\"{text}\"")).unwrap().as_str(), text, "a text");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        let long = "1".repeat(MAX_TOTAL_LEN + 1);
        for text in ["", " ", " 1", "1 ", "+1", ".5", "5.", "007", "1,5", "1_0", "0x1", "NaN", "-", "1 2", "é", &long]
        {
            assert_eq!(Total::parse(text), Err(InvalidTotal), "{text:?}");
        }
        for json in ["null", "true", "[1]", "{}", "\"\"", "\"EUR 5\"", "\"\\ud800\""] {
            assert_eq!(of_json(json), Err(InvalidTotal), "{json}");
        }
        assert!(serde_json::from_str::<Total>("\"x\"").is_err(), "nor is it read back");
    }

    proptest! {
        #[test]
        fn any_text_is_kept_or_refused(text in "[-+0-9.eE ]{0,12}|\\PC{0,12}") {
            if let Ok(total) = Total::parse(&text) {
                prop_assert_eq!(total.as_str(), &text);
                let json = serde_json::to_string(&total).unwrap();
                prop_assert_eq!(serde_json::from_str::<Total>(&json).unwrap(), total);
            }
        }
    }
}
