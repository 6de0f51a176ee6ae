//! What the functions share: stores, queues, bus, the stream; opened once.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use booking_store::breaker;
use booking_store::clock::{Clock, Ids, System};
use booking_store::dynamodb::{DynamoEvents, DynamoReservations};
use booking_store::ports::Stores;

use crate::bus::{LocalBus, Rule};
use crate::drivers::Wake;
use crate::engine::{self, Engine, StreamReader};
use crate::faults::Faults;
use crate::ledger::Ledger;
use crate::queue::{LocalQueue, Queues};
use crate::start::{Rig, StartError};
use crate::template::{Template, TemplateError};

/// The queue of the protocol.
const FALLBACK_QUEUE: &str = "FallbackQueue";

/// The stores and what feeds the functions.
pub struct Parts {
    /// Adapters behind fault switches, before any circuit breaker.
    pub stores: Stores,
    /// Where the tables' engine answers.
    pub tables_url: String,
    /// The client of the tables.
    pub client: Client,
    /// The reservations table without a switch.
    pub reservations: Arc<DynamoReservations>,
    /// The switches.
    pub faults: Faults,
    /// The file of all that is not a table.
    pub ledger: Ledger,
    /// Every queue.
    pub queues: Queues,
    /// The queue of the protocol.
    pub fallback: LocalQueue,
    /// The bus.
    pub bus: LocalBus,
    /// The reservations table's name.
    pub table: String,
    /// Its stream.
    pub stream: StreamReader,
    /// Calls the readers of the stream.
    pub wake: Wake,
}

impl Parts {
    /// Opens everything.
    pub async fn open(template: &Template, engine: &Engine, ledger: Ledger, rig: Rig) -> Result<Self, StartError> {
        let endpoint = engine.endpoint();
        let through = rig.engine_proxy.map(|proxy| engine::client_through(proxy, &endpoint));
        let client = through.unwrap_or_else(|| engine::client(&endpoint));
        let table = template.stream_source("PublishFunction")?.table;
        let (clock, ids): (Arc<dyn Clock>, Arc<dyn Ids>) = (Arc::new(System), Arc::new(System));
        let faults = Faults::default();
        let queues = queues(template, &ledger, rig.visibility_timeout, (clock.clone(), ids.clone())).await?;
        let fallback = named(&queues, FALLBACK_QUEUE)?;
        let rules = template.rules()?.into_iter().map(Rule::from).collect();
        let bus = LocalBus::open(ledger.clone(), rules, queues.clone(), faults.clone(), (clock.clone(), ids)).await?;
        let reservations = Arc::new(DynamoReservations::new(client.clone(), table.clone()));
        let stores = faults.between(Stores {
            reservations: reservations.clone(),
            events: Arc::new(DynamoEvents::new(client.clone(), "EventsTable".to_owned())),
            queue: Arc::new(fallback.clone()),
            bus: Arc::new(bus.clone()),
            clock,
        });
        let (stream, wake) = (engine.stream(&table)?, Wake::default());
        let tables_url = endpoint;
        Ok(Self {
            stores,
            tables_url,
            client,
            reservations,
            faults,
            ledger,
            queues,
            fallback,
            bus,
            table,
            stream,
            wake,
        })
    }

    /// One function's stores: a process of its own would have circuit breakers of its own.
    pub fn function(&self) -> Stores {
        breaker::guard(self.stores.clone())
    }

    /// A queue of the template.
    pub fn queue(&self, name: &str) -> Result<LocalQueue, TemplateError> {
        named(&self.queues, name)
    }
}

/// The template's queues and those made on demand.
async fn queues(
    template: &Template,
    ledger: &Ledger,
    visibility_timeout: Option<Duration>,
    (clock, ids): (Arc<dyn Clock>, Arc<dyn Ids>),
) -> Result<Queues, StartError> {
    let mut fixed = template.queues()?;
    if let (Some(timeout), Some(fallback)) =
        (visibility_timeout, fixed.iter_mut().find(|queue| queue.name == FALLBACK_QUEUE))
    {
        fallback.visibility_timeout = timeout;
    }
    Ok(Queues::open(ledger.clone(), fixed, clock, ids).await?)
}

fn named(queues: &Queues, name: &str) -> Result<LocalQueue, TemplateError> {
    queues.get(name).ok_or_else(|| TemplateError::Expected(name.to_owned(), "a queue"))
}
