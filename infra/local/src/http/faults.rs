//! `/local/faults`: which store does what, and what becomes of deliveries to targets.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use booking_store::failure::Store;
use lambda_kit::problem::FieldError;
use serde_json::Value;

use super::{Shared, invalid, whole_body};
use crate::faults::Change;

/// Every switch.
pub(super) async fn show(State(app): Shared) -> Response {
    Json(app.parts.faults.all()).into_response()
}

/// Switches what the body names, or nothing if anything in it is wrong.
pub(super) async fn switch(State(app): Shared, body: Body) -> Response {
    let body = match whole_body(body).await {
        Ok(body) => body,
        Err(too_large) => return too_large,
    };
    match parse(&body) {
        Ok(change) => {
            app.parts.faults.switch(change);
            Json(app.parts.faults.all()).into_response()
        }
        Err(errors) => invalid(errors),
    }
}

fn parse(body: &[u8]) -> Result<Change, Vec<FieldError>> {
    let expected = "must be an object such as {\"events\":\"down\"}";
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
        return Err(vec![FieldError::new("", expected)]);
    };
    let (mut change, mut errors) = (Change::default(), Vec::new());
    for (name, value) in fields {
        if let Err(message) = set(&mut change, &name, value) {
            errors.push(FieldError::new(format!("/{}", name.replace('~', "~0").replace('/', "~1")), message));
        }
    }
    if errors.is_empty() { Ok(change) } else { Err(errors) }
}

fn set(change: &mut Change, name: &str, value: Value) -> Result<(), &'static str> {
    match name {
        "delivery" => {
            change.delivery = Some(serde_json::from_value(value).map_err(|_| "must be up, lossy or down")?);
        }
        "delivery_seed" => {
            change.delivery_seed = Some(value.as_u64().ok_or("must be a whole number from 0 on")?);
        }
        _ => {
            let store = Store::ALL.into_iter().find(|store| store.name() == name);
            let store = store.ok_or("must be reservations, events, queue, bus, delivery or delivery_seed")?;
            let mode = serde_json::from_value(value).map_err(|_| "must be up, down, slow or unknown")?;
            change.stores.insert(store, mode);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::faults::{Delivery, Mode};

    #[test]
    fn names_every_wrong_field_and_then_switches_nothing() {
        let change = parse(br#"{"events":"down","bus":"unknown","delivery":"lossy","delivery_seed":7}"#).unwrap();
        assert_eq!(change.stores, BTreeMap::from([(Store::Events, Mode::Down), (Store::Bus, Mode::Unknown)]));
        assert_eq!((change.delivery, change.delivery_seed), (Some(Delivery::Lossy), Some(7)));
        let errors = parse(br#"{"delivery":"slow","delivery_seed":-1}"#).unwrap_err();
        assert_eq!(errors.iter().map(|e| e.pointer.as_str()).collect::<Vec<_>>(), ["/delivery", "/delivery_seed"]);
        let errors = parse(br#"{"events":"down","bus":"off","table/s":"up","queue":1}"#).unwrap_err();
        assert_eq!(errors.iter().map(|e| e.pointer.as_str()).collect::<Vec<_>>(), ["/bus", "/queue", "/table~1s"]);
        for bad in ["", "[]", "\"down\""] {
            assert_eq!(parse(bad.as_bytes()).unwrap_err().len(), 1, "{bad}");
        }
    }
}
