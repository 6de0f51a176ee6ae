//! One client: new bookings, some of them of codes that others want, appends behind a version and at the end, single
//! events and batches, retries with the same ids, reads of every kind. Whatever it asks and is told goes into the history.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::board::Board;
use super::chance::Chance;
use super::history::{Asked, Expected, Operation, Query, Sent, Told};
use super::{Settings, Target, pause, reply};
use crate::event_id;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(40);
/// How often one request is sent at most.
const MOST_SENDS: usize = 5;

/// What all clients of a run share.
pub(super) struct Shared<'a> {
    pub(super) target: &'a dyn Target,
    pub(super) settings: &'a Settings,
    pub(super) start: Instant,
    pub(super) board: Mutex<Board>,
    pub(super) history: Mutex<Vec<Operation>>,
}

pub(super) struct Client<'a> {
    shared: &'a Shared<'a>,
    number: usize,
    chance: Chance,
    events: u64,
    bookings: u64,
}

impl<'a> Client<'a> {
    pub(super) fn new(shared: &'a Shared<'a>, number: usize) -> Self {
        Self { shared, number, chance: Chance::new(shared.settings.seed, number as u64), events: 0, bookings: 0 }
    }

    /// Goes on until the run's time is over.
    pub(super) async fn run(mut self) {
        while self.shared.start.elapsed() < self.shared.settings.length {
            self.act().await;
            pause(self.chance.milliseconds(0, 40)).await;
        }
    }

    async fn act(&mut self) {
        match self.chance.between(1, 100) {
            1..=14 => {
                self.bookings += 1;
                let code = format!("{}-{}-{}", self.shared.settings.prefix, self.number, self.bookings);
                self.append(code, Expected::New).await;
            }
            15..=26 => {
                let code = self.board().contested(&self.shared.settings.prefix);
                self.append(code, Expected::New).await;
            }
            27..=46 => {
                let known =
                    self.board().any(&mut self.chance_of_board()).map(|known| (known.code.clone(), known.version));
                if let Some((code, version @ 1..)) = known {
                    self.append(code, Expected::Exact(version)).await;
                }
            }
            47..=60 => {
                let code = self.board().short(&mut self.chance_of_board()).map(|known| known.code.clone());
                if let Some(code) = code {
                    self.append(code, Expected::Any).await;
                }
            }
            61..=67 => self.again().await,
            68..=69 => self.reuse().await,
            _ => self.read().await,
        }
    }

    fn board(&self) -> std::sync::MutexGuard<'a, Board> {
        self.shared.board.lock().unwrap()
    }

    /// The board is locked while it is asked, and the client's own chance belongs to the client.
    fn chance_of_board(&mut self) -> Chance {
        Chance::new(self.chance.between(0, u64::MAX - 1), 0)
    }

    /// One event, or now and then a batch.
    fn events(&mut self) -> Vec<Sent> {
        let many = match self.chance.between(1, 100) {
            1..=75 => 1,
            76..=97 => self.chance.between(2, 5),
            _ => self.chance.between(6, 8),
        };
        (0..many).map(|_| self.event()).collect()
    }

    fn event(&mut self) -> Sent {
        self.events += 1;
        let id = event_id((self.number as u64 + 1) << 32 | self.events);
        Sent { id, mark: format!("{}/{}", self.number, self.events) }
    }

    async fn append(&mut self, code: String, expected: Expected) {
        let events = self.events();
        self.send(code, expected, events).await;
    }

    /// Sends until the outcome is known, or the client loses interest.
    async fn send(&mut self, code: String, expected: Expected, events: Vec<Sent>) {
        for _ in 0..MOST_SENDS {
            let told = self.ask(&code, Asked::Append(expected, events.clone())).await;
            self.board().appended(&code, expected, &events, &told);
            if !self.chance.percent(sends_again(&told)) {
                // Many look at once at what they have written.
                let last = if let Told::Accepted(receipt) = &told { receipt.versions.last().cloned() } else { None };
                if let Some((id, version)) = last.filter(|_| self.chance.percent(35)) {
                    self.look(code, version, Some(id)).await;
                }
                return;
            }
            pause(self.chance.milliseconds(20, 500)).await;
        }
    }

    /// Sends once more what was acknowledged before.
    async fn again(&mut self) {
        let mut chance = self.chance_of_board();
        let before = {
            let board = self.board();
            let known = board.any(&mut chance).filter(|known| !known.acknowledged.is_empty());
            known.map(|known| {
                let last = known.acknowledged.len() as u64 - 1;
                let place = usize::try_from(chance.between(0, last)).unwrap();
                (known.code.clone(), known.acknowledged[place].clone())
            })
        };
        if let Some((code, (expected, events))) = before {
            self.send(code, expected, events).await;
        }
    }

    /// Sends another payload under an id that was confirmed, which must be refused and change nothing.
    async fn reuse(&mut self) {
        let mut chance = self.chance_of_board();
        let before = {
            let board = self.board();
            board.short(&mut chance).and_then(|known| Some((known.code.clone(), known.confirmed.clone()?)))
        };
        if let Some((code, id)) = before {
            let other = self.event();
            self.ask(&code, Asked::Append(Expected::Any, vec![Sent { id, ..other }])).await;
        }
    }

    async fn read(&mut self) {
        let mut chance = self.chance_of_board();
        let known = {
            let board = self.board();
            board.any(&mut chance).map(|known| {
                let event =
                    known.acknowledged.last().and_then(|(_, events)| events.last()).map(|event| event.id.clone());
                (known.code.clone(), known.version, event)
            })
        };
        if let Some((code, version, event)) = known {
            self.look(code, version, event).await;
        }
    }

    /// Reads a booking, of which this version is known and perhaps this event, in one of the ways there are.
    async fn look(&mut self, code: String, version: u64, event: Option<String>) {
        let whole = Query { from: 1, limit: 100, min_version: None, eventual: false };
        let asked = match (self.chance.between(1, 100), event) {
            (1..=45, _) => Asked::Page(whole),
            (46..=55, _) => Asked::Page(Query {
                from: self.chance.between(1, version + 1),
                limit: self.chance.between(1, 5),
                ..whole
            }),
            (56..=70, _) => Asked::Page(Query { min_version: (version > 0).then_some(version), ..whole }),
            (71..=78, _) => Asked::Page(Query { eventual: true, ..whole }),
            (79..=88, Some(event)) => Asked::Event(event),
            _ => Asked::Summary,
        };
        if let Told::Page(page) = self.ask(&code, asked).await {
            self.board().seen(&code, &page.events);
        }
    }

    async fn ask(&mut self, code: &str, asked: Asked) -> Told {
        let (path, body) = request(code, &asked);
        // Some clients hang up early; the request may have got through all the same.
        let patience = if self.chance.percent(4) { self.chance.milliseconds(5, 800) } else { PATIENCE };
        let target = self.shared.target;
        let begun = self.shared.start.elapsed();
        let reply = timeout(patience, target.call(&path, body)).await;
        let ended = self.shared.start.elapsed();
        let reply = reply.unwrap_or_else(|_| Err("gave up".to_owned()));
        let nobody = reply.is_err();
        let told = reply::read(&asked, reply, target.crashes_behind_the_api());
        let operation =
            Operation { client: self.number, begun, ended, code: code.to_owned(), asked, told: told.clone() };
        self.shared.history.lock().unwrap().push(operation);
        if nobody {
            pause(self.chance.milliseconds(50, 300)).await;
        }
        told
    }
}

/// How many clients of a hundred send once more what was told so.
fn sends_again(told: &Told) -> u64 {
    if let Told::Unknown(_) = told {
        80
    } else if *told == Told::NotAccepted {
        40
    } else if *told == Told::Deferred {
        30
    } else {
        0
    }
}

/// The path and the body that say what is asked.
pub(super) fn request(code: &str, asked: &Asked) -> (String, Option<String>) {
    match asked {
        Asked::Append(expected, events) => {
            let event =
                |event: &Sent| json!({"event_id": event.id, "type": "BookingPriced", "data": {"mark": event.mark}});
            let mut body = json!({"events": events.iter().map(event).collect::<Vec<Value>>()});
            match expected {
                Expected::New => body["expected_version"] = json!(0),
                Expected::Exact(version) => body["expected_version"] = json!(version),
                Expected::Any => {}
            }
            (format!("/bookings/{code}/events"), Some(body.to_string()))
        }
        Asked::Page(query) => {
            let mut path = format!("/bookings/{code}/events?from_version={}&limit={}", query.from, query.limit);
            if let Some(min) = query.min_version {
                path.push_str(&format!("&min_version={min}"));
            }
            path.push_str(if query.eventual { "&consistency=eventual" } else { "" });
            (path, None)
        }
        Asked::Summary => (format!("/bookings/{code}"), None),
        Asked::Event(id) => (format!("/bookings/{code}/events/{id}"), None),
    }
}
