//! A JSON object taken apart without touching its values, so that every problem can be reported and every byte kept.

use std::fmt;

use lambda_kit::problem::FieldError;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object, in order, each value as its text.
pub(crate) struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Fields;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Fields(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Takes the known members of one object out and collects what is wrong with it.
pub(crate) struct Taken<'a> {
    at: String,
    fields: Fields,
    errors: &'a mut Vec<FieldError>,
}

impl<'a> Taken<'a> {
    /// Starts on the object at the JSON pointer `at`; reports members that are not `known` or stand there twice.
    pub(crate) fn of(at: String, fields: Fields, known: &[&str], errors: &'a mut Vec<FieldError>) -> Self {
        for (i, (name, _)) in fields.0.iter().enumerate() {
            let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            if !known.contains(&name.as_str()) {
                errors.push(FieldError::new(pointer, format!("is not a known field; known are {}", known.join(", "))));
            } else if fields.0.iter().take(i).any(|(earlier, _)| earlier == name) {
                errors.push(FieldError::new(pointer, "is there more than once"));
            }
        }
        Self { at, fields, errors }
    }

    /// The text of member `name`.
    pub(crate) fn raw(&self, name: &str) -> Option<&RawValue> {
        self.fields.0.iter().find(|(field, _)| field == name).map(|(_, value)| &**value)
    }

    /// Says that member `name` is wrong.
    pub(crate) fn wrong(&mut self, name: &str, message: impl ToString) {
        self.errors.push(FieldError::new(format!("{}/{name}", self.at), message));
    }

    /// Member `name` as a `T`; reports `expected` if it is something else.
    pub(crate) fn get<T: DeserializeOwned>(&mut self, name: &str, expected: &str) -> Option<T> {
        let text = self.raw(name)?.get().to_owned();
        let value = serde_json::from_str(&text).ok();
        if value.is_none() {
            self.wrong(name, expected);
        }
        value
    }

    /// The string member `name`, parsed by `parse`.
    pub(crate) fn parsed<T, E: ToString>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        let text: String = self.get(name, "must be a string")?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(name, error.to_string());
                None
            }
        }
    }

    /// Reports member `name` if it is missing.
    pub(crate) fn require(&mut self, name: &str) {
        if self.raw(name).is_none() {
            self.wrong(name, "is required");
        }
    }
}
