//! The order of a replay: everything that is wrong with it is reported at once.

use std::collections::BTreeSet;

use booking_store::clock::Ids;
use booking_store::limits::{DEFAULT_REPLAY_RATE, MAX_REPLAY_BOOKINGS, MAX_REPLAY_RATE};
use booking_store::replays::{Consumer, Order, ReplayId, Selection};
use booking_store::{BookingCode, Timestamp};
use lambda_http::Request;
use lambda_kit::body::{self, Fields, Taken};
use lambda_kit::problem::{FieldError, Problem};

const KNOWN: [&str; 7] =
    ["replay_id", "consumer", "rate_per_s", "booking_codes", "accepted_from", "accepted_to", "all"];

/// The order that `request` places; `ids` names it if its client does not.
pub(super) fn order(request: &Request, ids: &dyn Ids) -> Result<Order, Problem> {
    let mut errors = Vec::new();
    let order = match serde_json::from_slice(body::json(request)?) {
        Ok(fields) => fields_of(fields, ids, &mut errors),
        Err(error) => {
            errors.push(FieldError::new("", format!("the body must be a JSON object: {error}")));
            None
        }
    };
    match order {
        Some(order) if errors.is_empty() => Ok(order),
        _ => Err(Problem::invalid_request(errors)),
    }
}

/// No parameter is known here: a misspelt one must not be taken for none.
pub(super) fn unknown_parameters(request: &Request) -> Problem {
    let parameters = lambda_kit::http::query_parameters(request);
    let error = |(name, _): &(String, String)| FieldError::new(format!("?{name}"), "is not a known parameter");
    Problem::invalid_request(parameters.iter().map(error).collect())
}

fn fields_of(fields: Fields, ids: &dyn Ids, errors: &mut Vec<FieldError>) -> Option<Order> {
    let mut top = Taken::of(String::new(), fields, &KNOWN, errors);
    let replay_id = top.parsed("replay_id", ReplayId::parse);
    top.require("consumer");
    let consumer = top.parsed("consumer", Consumer::parse);
    let rate = rate(&mut top);
    let selection = selection(&mut top);
    let replay_id = replay_id.unwrap_or_else(|| ids.event_id().into());
    Some(Order { replay_id, consumer: consumer?, selection: selection?, rate_per_s: rate? })
}

fn rate(top: &mut Taken<'_>) -> Option<u32> {
    let expected = format!("must be a whole number from 1 to {MAX_REPLAY_RATE}");
    if top.raw("rate_per_s").is_none() {
        return Some(DEFAULT_REPLAY_RATE);
    }
    let rate: u32 = top.get("rate_per_s", &expected)?;
    if (1..=MAX_REPLAY_RATE).contains(&rate) {
        return Some(rate);
    }
    top.wrong("rate_per_s", expected);
    None
}

fn selection(top: &mut Taken<'_>) -> Option<Selection> {
    let chosen = |names: &[&str]| names.iter().any(|name| top.raw(name).is_some());
    match [chosen(&["booking_codes"]), chosen(&["accepted_from", "accepted_to"]), chosen(&["all"])] {
        [true, false, false] => booking_codes(top),
        [false, true, false] => accepted(top),
        [false, false, true] => all(top),
        _ => {
            let message = "must select by exactly one of booking_codes, accepted_from with accepted_to, and all";
            top.wrong_as_a_whole(message);
            None
        }
    }
}

fn booking_codes(top: &mut Taken<'_>) -> Option<Selection> {
    let texts: Vec<String> = top.get("booking_codes", "must be an array of strings")?;
    if texts.is_empty() || texts.len() > MAX_REPLAY_BOOKINGS {
        let message = format!("must hold 1 to {MAX_REPLAY_BOOKINGS} booking codes, holds {}", texts.len());
        top.wrong("booking_codes", message);
        return None;
    }
    let (mut codes, mut seen) = (Vec::new(), BTreeSet::new());
    for (i, text) in texts.iter().enumerate() {
        match BookingCode::parse(text) {
            Ok(code) if seen.insert(code.clone()) => codes.push(code),
            Ok(_) => top.wrong(&format!("booking_codes/{i}"), "is there more than once"),
            Err(error) => top.wrong(&format!("booking_codes/{i}"), error),
        }
    }
    (codes.len() == texts.len()).then_some(Selection::BookingCodes(codes))
}

fn accepted(top: &mut Taken<'_>) -> Option<Selection> {
    top.require("accepted_from");
    top.require("accepted_to");
    let from = top.parsed("accepted_from", Timestamp::parse);
    let to = top.parsed("accepted_to", Timestamp::parse);
    let (from, to) = (from?, to?);
    if from >= to {
        top.wrong("accepted_to", "must be after accepted_from");
        return None;
    }
    Some(Selection::Accepted { from, to })
}

fn all(top: &mut Taken<'_>) -> Option<Selection> {
    let all: bool = top.get("all", "must be true")?;
    if !all {
        top.wrong("all", "must be true");
        return None;
    }
    Some(Selection::All)
}
