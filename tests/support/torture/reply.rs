//! From an HTTP answer to what the client was told.

use serde_json::Value;

use super::history::{Asked, Delivery, Page, Receipt, Shown, Summary, Told};

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body; null if it is no JSON.
    pub body: Value,
    /// Whether it says `Idempotency-Replayed`.
    pub replayed: bool,
}

/// Reads `reply` to what was asked; none came if it is an error, with the reason. `crashes_are_unknown` says that
/// functions get killed behind this API, which then answers 5xx in their place.
pub fn read(asked: &Asked, reply: Result<Reply, String>, crashes_are_unknown: bool) -> Told {
    let open = |why| match asked {
        Asked::Append(..) => Told::Unknown(why),
        Asked::Page(_) | Asked::Summary | Asked::Event(_) => Told::Unavailable(why),
    };
    let reply = match reply {
        Ok(reply) => reply,
        Err(why) => return open(why),
    };
    let body = &reply.body;
    let code = body["code"].as_str().unwrap_or_default();
    let told = match (asked, reply.status, code) {
        (Asked::Append(..), 200..=202, _) if body["status"] == "deferred" => {
            let unconfirmed = body["uniqueness"] == "unconfirmed" && body["version"].is_null();
            unconfirmed.then_some(Told::Deferred)
        }
        (Asked::Append(_, sent), 200..=202, _) => {
            let receipt = receipt(&reply);
            receipt.filter(|receipt| receipt.versions.len() == sent.len()).map(Told::Accepted)
        }
        (Asked::Append(..), 409, "booking-code-taken") => Some(Told::Taken),
        (Asked::Append(..), 409, "version-conflict") => body["actual_version"].as_u64().map(Told::AtVersion),
        (_, 404, "booking-not-found") => Some(Told::NoBooking),
        (Asked::Append(..), 422, "event-id-reused") => Some(Told::Reused),
        (Asked::Append(..), 503, "store-unavailable" | "pending-limit-reached") => match body["outcome"].as_str() {
            Some("not_accepted") => Some(Told::NotAccepted),
            Some("unknown") => Some(open("503 unknown".to_owned())),
            _ => None,
        },
        (Asked::Page(_), 200, _) => page(body).map(Told::Page),
        (Asked::Page(_), 409, "version-not-reached") => body["actual_version"].as_u64().map(Told::NotReached),
        (Asked::Summary, 200, _) => summary(body).map(Told::Summary),
        (Asked::Event(_), 200, _) => shown(body).map(Told::Event),
        (Asked::Event(_), 404, "event-not-found") => Some(Told::NoEvent),
        (_, 503, "store-unavailable") => Some(open("503".to_owned())),
        (_, 500..=599, _) if crashes_are_unknown && code.is_empty() => Some(open(format!("{}", reply.status))),
        _ => None,
    };
    told.unwrap_or_else(|| Told::Strange(format!("{} {}", reply.status, reply.body)))
}

fn receipt(reply: &Reply) -> Option<Receipt> {
    let status = reply.body["status"].as_str()?;
    let fits = match (reply.status, status) {
        (201, "recorded") | (202, "pending") => !reply.replayed,
        (200, "recorded" | "pending") => reply.replayed,
        _ => false,
    };
    if !fits || reply.body["uniqueness"] != "confirmed" {
        return None;
    }
    let version = |event: &Value| Some((event["event_id"].as_str()?.to_owned(), event["version"].as_u64()?));
    let versions = reply.body["events"].as_array()?.iter().map(version).collect::<Option<Vec<_>>>()?;
    let ends = (versions.first()?.1, versions.last()?.1);
    let said = (reply.body["first_version"].as_u64()?, reply.body["version"].as_u64()?);
    (ends == said).then(|| Receipt { status: status.to_owned(), replayed: reply.replayed, versions })
}

/// A page of events.
pub fn page(body: &Value) -> Option<Page> {
    let events = |name: &str| body[name].as_array()?.iter().map(shown).collect::<Option<Vec<_>>>();
    Some(Page {
        version: body["version"].as_u64()?,
        complete: body["complete"].as_bool()?,
        events: events("events")?,
        conflicts: events("conflicts")?,
        next: body["next_from_version"].as_u64(),
    })
}

/// A booking at a glance.
pub fn summary(body: &Value) -> Option<Summary> {
    let number = |name: &str| body[name].as_u64();
    Some(Summary {
        version: number("version")?,
        settled: number("settled_version")?,
        pending: number("pending")?,
        conflicts: number("conflicts")?,
    })
}

fn shown(event: &Value) -> Option<Shown> {
    let text = |name: &str| event[name].as_str().map(str::to_owned);
    let data = event["data"].as_object().filter(|data| data.len() == 1)?;
    Some(Shown {
        version: event["version"].as_u64(),
        id: text("event_id")?,
        mark: data.get("mark")?.as_str()?.to_owned(),
        status: text("status")?,
        owner: text("owner_event_id"),
    })
}

impl Delivery {
    /// Reads what a target of the bus receives; `None` if it is of no event that a run has sent.
    pub fn of(entry: &Value) -> Option<Self> {
        let detail = &entry["detail"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let version = |name: &str| detail[name].as_u64();
        Some(Self {
            code: text(&detail["booking_code"])?,
            versions: version("version").zip(version("previous_version")),
            id: text(&detail["event_id"])?,
            mark: text(&detail["data"]["mark"])?,
        })
    }
}
