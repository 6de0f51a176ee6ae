//! Builders: event ids, events as clients write them, request bodies. Texts, not values: bytes are what is tested.

use booking_store::BookingCode;

/// The `n`th event id.
pub fn event_id(n: u64) -> String {
    format!("0193b7a4-5a52-7000-8000-{n:012x}")
}

/// The booking code `text`.
pub fn code(text: &str) -> BookingCode {
    BookingCode::parse(text).unwrap()
}

/// An event as a client writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Its id, if the client names one.
    pub event_id: Option<String>,
    /// Its type.
    pub event_type: String,
    /// Its data, as JSON text.
    pub data: String,
    occurred_at: Option<String>,
    metadata: Option<String>,
}

/// A `BookingPriced` event with the `n`th id and a price of its own.
pub fn draft(n: u64) -> Draft {
    Draft {
        event_id: Some(event_id(n)),
        event_type: "BookingPriced".to_owned(),
        data: format!(r#"{{"total":"{n}.10","currency":"EUR"}}"#),
        occurred_at: None,
        metadata: None,
    }
}

impl Draft {
    /// Without an id.
    #[must_use]
    pub fn nameless(self) -> Self {
        Self { event_id: None, ..self }
    }

    /// With the data `json`.
    #[must_use]
    pub fn with_data(self, json: impl Into<String>) -> Self {
        Self { data: json.into(), ..self }
    }

    /// With data of `bytes` bytes.
    #[must_use]
    pub fn of_bytes(self, bytes: usize) -> Self {
        let frame = r#"{"a":""}"#.len();
        self.with_data(format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - frame)))
    }

    /// With the metadata `json`.
    #[must_use]
    pub fn with_metadata(self, json: impl Into<String>) -> Self {
        Self { metadata: Some(json.into()), ..self }
    }

    /// Of another type.
    #[must_use]
    pub fn of_type(self, event_type: &str) -> Self {
        Self { event_type: event_type.to_owned(), ..self }
    }

    /// With a time of its own.
    #[must_use]
    pub fn at(self, occurred_at: &str) -> Self {
        Self { occurred_at: Some(occurred_at.to_owned()), ..self }
    }

    /// The event as JSON text.
    pub fn json(&self) -> String {
        let quoted = |name: &str, text: &Option<String>| text.as_ref().map(|text| format!(r#""{name}":"{text}""#));
        let members = [
            quoted("event_id", &self.event_id),
            Some(format!(r#""type":"{}""#, self.event_type)),
            quoted("occurred_at", &self.occurred_at),
            Some(format!(r#""data":{}"#, self.data)),
            self.metadata.as_ref().map(|metadata| format!(r#""metadata":{metadata}"#)),
        ];
        format!("{{{}}}", members.into_iter().flatten().collect::<Vec<_>>().join(","))
    }
}

/// The body of an append: `expected` 0 for a new booking, none for the end.
pub fn body(expected: Option<u64>, events: &[Draft]) -> String {
    let events: Vec<_> = events.iter().map(Draft::json).collect();
    let expected = expected.map(|version| format!(r#""expected_version":{version},"#)).unwrap_or_default();
    format!(r#"{{{expected}"events":[{}]}}"#, events.join(","))
}
