//! What `apply` makes of events, one by one and of any sequence.

use booking_store::{BookingCode, EventId, EventType, JsonObject, Version};
use proptest::prelude::*;

use super::*;

fn event(version: u64, kind: &str, data: &str) -> RecordedEvent {
    let moment = Timestamp::from_unix_milliseconds(1_795_251_600_000 + i64::try_from(version).unwrap()).unwrap();
    RecordedEvent {
        booking_code: BookingCode::parse("ROOM-7").unwrap(),
        version: Version::new(version),
        event_id: EventId::from_bytes([7; 16]),
        event_type: EventType::parse(kind).unwrap(),
        occurred_at: moment,
        accepted_at: moment,
        data: JsonObject::parse(data).unwrap(),
        metadata: None,
    }
}

/// The state after events of these types with these data.
fn fold(events: &[(&str, &str)]) -> Option<Price> {
    let mut state = None;
    for ((kind, data), version) in events.iter().zip(1..) {
        Prices.apply(&mut state, &event(version, kind, data)).unwrap();
    }
    state
}

fn shown(price: Option<Price>) -> (String, String, Status) {
    let price = price.unwrap();
    (price.total.map(String::from).unwrap_or_default(), price.currency.unwrap_or_default(), price.state)
}

const PRICED: (&str, &str) = ("BookingPriced", r#"{"total":"120.00","currency":"EUR"}"#);

#[test]
fn the_course_of_a_booking() {
    let amended = ("BookingAmended", r#"{ "total" : 99.90 }"#);
    let of = |total: &str, state| (total.to_owned(), "EUR".to_owned(), state);
    assert_eq!(shown(fold(&[PRICED])), of("120.00", Status::Priced));
    assert_eq!(shown(fold(&[PRICED, amended])), of("99.90", Status::Amended), "a number keeps its digits");
    let ended = [
        ("BookingCheckedOut", r#"{"total":"101.5"}"#, "101.5", Status::CheckedOut),
        ("BookingCheckedOut", "{}", "99.90", Status::CheckedOut),
        ("BookingNoShow", "{}", "99.90", Status::NoShow),
        ("BookingCancelled", r#"{"total":null,"deposit_type":"Non Refund"}"#, "99.90", Status::Cancelled),
        // What a cancellation costs is no price of the booking.
        ("BookingCancelled", r#"{"total":"20.00","currency":7}"#, "99.90", Status::Cancelled),
    ];
    for (kind, data, total, state) in ended {
        assert_eq!(shown(fold(&[PRICED, amended, (kind, data)])), of(total, state), "{kind} {data}");
    }
    let again = fold(&[PRICED, ("BookingCancelled", "{}"), ("BookingPriced", r#"{"total":"80","currency":"CHF"}"#)]);
    assert_eq!(shown(again), ("80".to_owned(), "CHF".to_owned(), Status::Priced));
}

#[test]
fn a_booking_may_end_before_it_has_a_price() {
    assert_eq!(fold(&[]), None);
    assert_eq!(shown(fold(&[("BookingNoShow", "{}")])), (String::new(), String::new(), Status::NoShow));
}

#[test]
fn other_types_change_nothing() {
    let mut state = fold(&[PRICED]);
    let before = state.clone();
    assert_eq!(Prices.apply(&mut state, &event(2, "RoomChanged", r#"{"total":"1"}"#)), Ok(Applied::Unknown));
    assert_eq!(state, before);
}

#[test]
fn an_event_without_a_usable_price_is_refused_and_its_data_is_not_told() {
    let mut state = fold(&[PRICED]);
    let before = state.clone();
    for (kind, data, reason) in [
        ("BookingPriced", "{}", "data.total is missing"),
        ("BookingAmended", r#"{"total":null}"#, "data.total is missing"),
        ("BookingAmended", r#"{"total":"secret"}"#, "data.total must be a number"),
        ("BookingCheckedOut", r#"{"total":["secret"]}"#, "data.total must be a number"),
        ("BookingPriced", r#"{"total":"1","currency":"secret-secret-secret"}"#, "data.currency must be a text"),
        ("BookingPriced", r#"{"total":"1","currency":""}"#, "data.currency must be a text"),
        ("BookingPriced", r#"{"total":"1","total":"2"}"#, "is there more than once"),
    ] {
        let refused = Prices.apply(&mut state, &event(2, kind, data)).unwrap_err().to_string();
        assert!(refused.contains(reason) && !refused.contains("secret"), "{data}: {refused}");
        assert_eq!(state, before, "{data}");
    }
}

/// What departments are told of an event's data, by type.
fn schema(kind: &str) -> jsonschema::Validator {
    let file = format!("{}/../../docs/schemas/{kind}.json", env!("CARGO_MANIFEST_DIR"));
    let schema = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

/// A member's value, as JSON text: more wrong ones than right ones.
fn value() -> impl Strategy<Value = String> {
    let number = "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?([eE][-+]?[0-9])?";
    prop_oneof![
        number.prop_map(|number| number),
        number.prop_map(|number| format!("\"{number}\"")),
        "[-+.0-9eE]{0,5}|[0-9]{62,66}|[A-Zé]{0,18}".prop_map(|text| format!("\"{text}\"")),
        prop::sample::select(vec!["null", "true", "[]", "{}", "[1]"]).prop_map(str::to_owned),
    ]
}

proptest! {
    /// The schemas are the contract, so they say neither more nor less than the code.
    #[test]
    fn what_its_schema_allows_can_be_applied_and_nothing_else(
        kind in 0..KINDS.len() - 1,
        total in proptest::option::of(value()),
        currency in proptest::option::of(value()),
        date in proptest::option::of(value()),
    ) {
        let members = [("total", total), ("currency", currency), ("date", date)];
        let told = members.into_iter().filter_map(|(name, value)| Some(format!("\"{name}\":{}", value?)));
        let data = format!("{{{}}}", told.collect::<Vec<_>>().join(","));
        let kind = KINDS[kind].0;
        let allowed = schema(kind).is_valid(&serde_json::from_str(&data).unwrap());
        prop_assert_eq!(Prices.apply(&mut None, &event(1, kind, &data)).is_ok(), allowed, "{}: {}", kind, data);
    }
}

/// A type, and the data's total and currency.
type Told = (usize, Option<String>, Option<String>);

const KINDS: [(&str, Option<Status>); 6] = [
    ("BookingPriced", Some(Status::Priced)),
    ("BookingAmended", Some(Status::Amended)),
    ("BookingCheckedOut", Some(Status::CheckedOut)),
    ("BookingCancelled", Some(Status::Cancelled)),
    ("BookingNoShow", Some(Status::NoShow)),
    ("RoomChanged", None),
];

fn told() -> impl Strategy<Value = Told> {
    let total = proptest::option::of("-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?");
    (0..KINDS.len(), total, proptest::option::of("[A-Z]{3}"))
}

/// The event's data, and whether it says what its type must say.
fn data((kind, total, currency): &Told, as_number: bool) -> (String, bool) {
    let total_text = total.as_ref().map(|total| if as_number { total.clone() } else { format!("\"{total}\"") });
    let members = [
        total_text.map(|total| format!("\"total\":{total}")),
        currency.as_ref().map(|currency| format!("\"currency\":\"{currency}\"")),
    ];
    let members: Vec<_> = members.into_iter().flatten().collect();
    (format!("{{{}}}", members.join(",")), *kind > 1 || total.is_some())
}

proptest! {
    /// After any sequence of events: the digits that were named last, to the byte; and what could not be applied might
    /// never have been there.
    #[test]
    fn the_last_word_counts(tellings in prop::collection::vec((told(), any::<bool>()), 0..20)) {
        let (mut state, mut total, mut currency, mut last) = (None, None, None, None);
        for ((telling, as_number), version) in tellings.iter().zip(1..) {
            let (kind, status) = KINDS[telling.0];
            let (data, usable) = data(telling, *as_number);
            let event = event(version, kind, &data);
            prop_assert_eq!(Prices.apply(&mut state, &event).is_ok(), usable);
            let Some(status) = status.filter(|_| usable) else { continue };
            last = Some((status, event.occurred_at));
            if telling.0 <= 2 {
                total = telling.1.clone().or(total);
                currency = telling.2.clone().or(currency);
            }
        }
        let shown = state.as_ref().map(|price| (price.state, price.as_of));
        prop_assert_eq!(shown, last);
        prop_assert_eq!(state.as_ref().and_then(|price| price.total.as_ref()).map(Total::as_str), total.as_deref());
        prop_assert_eq!(state.as_ref().and_then(|price| price.currency.as_deref()), currency.as_deref());
        let stored = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<Option<Price>>(&stored).unwrap(), state, "as it is stored");
    }
}
