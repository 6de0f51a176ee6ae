//! JSON as a tree that can be changed without touching what is not changed: leaves keep their text, members their order,
//! and a string that holds an object or an array (a request body, a queue message, a stored payload) is a subtree.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// One value of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// An object's members; a name may stand there twice.
    Object(Vec<(String, Node)>),
    /// An array.
    Array(Vec<Node>),
    /// A string whose content is JSON.
    Embedded(Box<Node>),
    /// Anything else as it is written; need not be JSON.
    Leaf(String),
}

struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl Node {
    /// The document `text`; a leaf if it is no JSON.
    pub fn parse(text: &str) -> Self {
        let inner = text.trim_start();
        let parsed = match inner.as_bytes().first() {
            Some(b'{') => Self::object(inner),
            Some(b'[') => Self::array(inner),
            Some(b'"') => Self::embedded(inner),
            _ => None,
        };
        parsed.unwrap_or_else(|| Self::Leaf(text.to_owned()))
    }

    fn object(text: &str) -> Option<Self> {
        let Members(members) = serde_json::from_str(text).ok()?;
        Some(Self::Object(members.into_iter().map(|(name, value)| (name, Self::parse(value.get()))).collect()))
    }

    fn array(text: &str) -> Option<Self> {
        let values: Vec<Box<RawValue>> = serde_json::from_str(text).ok()?;
        Some(Self::Array(values.iter().map(|value| Self::parse(value.get())).collect()))
    }

    fn embedded(text: &str) -> Option<Self> {
        let content: String = serde_json::from_str(text).ok()?;
        match Self::parse(&content) {
            Self::Leaf(_) | Self::Embedded(_) => None,
            node @ (Self::Object(_) | Self::Array(_)) => Some(Self::Embedded(Box::new(node))),
        }
    }

    /// The document's text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        match self {
            Self::Object(members) => {
                text.push('{');
                for (i, (name, value)) in members.iter().enumerate() {
                    text.push_str(if i == 0 { "" } else { "," });
                    text.push_str(&quoted(name));
                    text.push(':');
                    value.write(text);
                }
                text.push('}');
            }
            Self::Array(values) => {
                text.push('[');
                for (i, value) in values.iter().enumerate() {
                    text.push_str(if i == 0 { "" } else { "," });
                    value.write(text);
                }
                text.push(']');
            }
            Self::Embedded(node) => text.push_str(&quoted(&node.text())),
            Self::Leaf(leaf) => text.push_str(leaf),
        }
    }

    /// How many nodes there are, this one included.
    pub fn count(&self) -> usize {
        1 + match self {
            Self::Object(members) => members.iter().map(|(_, value)| value.count()).sum(),
            Self::Array(values) => values.iter().map(Self::count).sum(),
            Self::Embedded(node) => node.count(),
            Self::Leaf(_) => 0,
        }
    }

    /// The `n`th node, counted from this one, which is the 0th.
    pub fn nth(&mut self, n: usize) -> Option<&mut Self> {
        if n == 0 {
            return Some(self);
        }
        let mut left = n - 1;
        let children: Box<dyn Iterator<Item = &mut Self>> = match self {
            Self::Object(members) => Box::new(members.iter_mut().map(|(_, value)| value)),
            Self::Array(values) => Box::new(values.iter_mut()),
            Self::Embedded(node) => Box::new(std::iter::once(&mut **node)),
            Self::Leaf(_) => return None,
        };
        for child in children {
            let count = child.count();
            if left < count {
                return child.nth(left);
            }
            left -= count;
        }
        None
    }
}

/// `text` as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_it_does_not_change() {
        let text = r#"{"b":1.10,"a":[ "x",{"a":1,"a":2}],"body":"{\"n\":[1e999]}","s":"\u0041"}"#;
        let node = Node::parse(text);
        assert_eq!(node.text(), text.replace("[ ", "["));
        assert_eq!(node.count(), 12);
    }

    #[test]
    fn counts_through_strings_that_hold_json() {
        let mut node = Node::parse(r#"{"body":"{\"n\":[7]}"}"#);
        *node.nth(4).unwrap() = Node::Leaf("8".to_owned());
        assert_eq!(node.text(), r#"{"body":"{\"n\":[8]}"}"#);
        assert_eq!(node.nth(5), None);
    }
}
