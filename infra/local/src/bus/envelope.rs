//! What EventBridge makes of an entry: the envelope its targets receive.

use booking_store::bus_entry::{detail, detail_type, source, time};
use booking_store::failure::{Store, StoreFailure};
use booking_store::ports::BusEvent;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::engine::REGION;

/// The account of ARNs and envelopes.
const ACCOUNT: &str = "000000000000";

#[derive(Serialize)]
struct Envelope<'a> {
    version: &'a str,
    id: &'a str,
    #[serde(rename = "detail-type")]
    detail_type: &'a str,
    source: &'a str,
    account: &'a str,
    time: &'a str,
    region: &'a str,
    resources: [&'a str; 0],
    detail: Box<RawValue>,
}

/// The envelope of `event` as JSON; the detail's bytes are the adapter's own.
pub(super) fn envelope(event: &BusEvent<'_>, id: &str) -> Result<String, StoreFailure> {
    let corrupt = |error: serde_json::Error| StoreFailure::corrupt(Store::Bus, error);
    // EventBridge keeps whole seconds.
    let moment = time(event).to_string();
    let seconds = format!("{}Z", moment.split('.').next().unwrap_or(&moment));
    let envelope = Envelope {
        version: "0",
        id,
        detail_type: detail_type(event),
        source: source(event),
        account: ACCOUNT,
        time: &seconds,
        region: REGION,
        resources: [],
        detail: RawValue::from_string(detail(event)?).map_err(corrupt)?,
    };
    serde_json::to_string(&envelope).map_err(corrupt)
}
