//! A request's JSON body: its bytes, and an object taken apart without touching its values, so that every problem can be
//! reported and every byte kept.

use std::fmt;

use booking_store::limits::MAX_REQUEST_BYTES;
use lambda_http::http::{StatusCode, header};
use lambda_http::{Body, Request};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::problem::{FieldError, Problem};

/// The bytes of a body that says it is JSON and is not too large.
///
/// # Errors
/// 415 for another content type, 413 for too many bytes, 400 if there is no text to read.
pub fn json(request: &Request) -> Result<&[u8], Problem> {
    json_content(request)?;
    let body = match request.body() {
        Body::Empty => &[],
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes.as_slice(),
        _ => return Err(Problem::invalid_request(vec![FieldError::new("", "the body can't be read")])),
    };
    if body.len() <= MAX_REQUEST_BYTES {
        return Ok(body);
    }
    let detail = format!("The body has {} bytes; at most {MAX_REQUEST_BYTES} are taken.", body.len());
    let title = "The request is too large";
    Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "request-too-large", title, detail))
}

fn json_content(request: &Request) -> Result<(), Problem> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = format!("The Content-Type must be application/json, not {essence:?}.");
    let title = "Unsupported media type";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", title, detail))
}

/// The members of an object, in order, each value as its text.
pub struct Fields(Vec<(String, Box<RawValue>)>);

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
pub struct Taken<'a> {
    at: String,
    fields: Fields,
    errors: &'a mut Vec<FieldError>,
}

impl<'a> Taken<'a> {
    /// Starts on the object at the JSON pointer `at`; reports members that are not `known` or stand there twice.
    pub fn of(at: String, fields: Fields, known: &[&str], errors: &'a mut Vec<FieldError>) -> Self {
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
    pub fn raw(&self, name: &str) -> Option<&RawValue> {
        self.fields.0.iter().find(|(field, _)| field == name).map(|(_, value)| &**value)
    }

    /// Says that member `name` is wrong.
    pub fn wrong(&mut self, name: &str, message: impl ToString) {
        self.errors.push(FieldError::new(format!("{}/{name}", self.at), message));
    }

    /// Says that the object as a whole is wrong.
    pub fn wrong_as_a_whole(&mut self, message: impl ToString) {
        self.errors.push(FieldError::new(self.at.clone(), message));
    }

    /// Member `name` as a `T`; reports `expected` if it is something else.
    pub fn get<T: DeserializeOwned>(&mut self, name: &str, expected: &str) -> Option<T> {
        let text = self.raw(name)?.get().to_owned();
        let value = serde_json::from_str(&text).ok();
        if value.is_none() {
            self.wrong(name, expected);
        }
        value
    }

    /// The string member `name`, parsed by `parse`.
    pub fn parsed<T, E: ToString>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
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
    pub fn require(&mut self, name: &str) {
        if self.raw(name).is_none() {
            self.wrong(name, "is required");
        }
    }
}
