//! `/local/faults`: which store does what.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use booking_store::failure::Store;
use lambda_kit::problem::FieldError;
use serde_json::Value;

use super::{Shared, invalid, whole_body};
use crate::faults::Mode;

/// Every store's mode.
pub(super) async fn show(State(app): Shared) -> Response {
    Json(app.faults.all()).into_response()
}

/// Switches the stores named in the body, or none of them if anything in it is wrong.
pub(super) async fn switch(State(app): Shared, body: Body) -> Response {
    let body = match whole_body(body).await {
        Ok(body) => body,
        Err(too_large) => return too_large,
    };
    match parse(&body) {
        Ok(modes) => {
            app.faults.switch(modes);
            Json(app.faults.all()).into_response()
        }
        Err(errors) => invalid(errors),
    }
}

fn parse(body: &[u8]) -> Result<BTreeMap<Store, Mode>, Vec<FieldError>> {
    let expected = "must be an object such as {\"events\":\"down\"}";
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
        return Err(vec![FieldError::new("", expected)]);
    };
    let (mut modes, mut errors) = (BTreeMap::new(), Vec::new());
    for (name, mode) in fields {
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        let store = Store::ALL.into_iter().find(|store| store.name() == name);
        match (store, serde_json::from_value(mode)) {
            (Some(store), Ok(mode)) => drop(modes.insert(store, mode)),
            (None, _) => errors.push(FieldError::new(pointer, "must be reservations, events, queue or bus")),
            (Some(_), Err(_)) => errors.push(FieldError::new(pointer, "must be up, down, slow or unknown")),
        }
    }
    if errors.is_empty() { Ok(modes) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_every_wrong_field_and_then_switches_nothing() {
        let modes = parse(br#"{"events":"down","bus":"unknown"}"#).unwrap();
        assert_eq!(modes, BTreeMap::from([(Store::Events, Mode::Down), (Store::Bus, Mode::Unknown)]));
        let errors = parse(br#"{"events":"down","bus":"off","table/s":"up","queue":1}"#).unwrap_err();
        assert_eq!(errors.iter().map(|e| e.pointer.as_str()).collect::<Vec<_>>(), ["/bus", "/queue", "/table~1s"]);
        for bad in ["", "[]", "\"down\""] {
            assert_eq!(parse(bad.as_bytes()).unwrap_err().len(), 1, "{bad}");
        }
    }
}
