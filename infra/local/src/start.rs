//! Wiring: from options to a running system, and back.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use booking_store::breaker;
use booking_store::clock::{Clock, System};
use booking_store::dynamodb::{DynamoEvents, DynamoReservations};
use booking_store::ports::Stores;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::bus::{BusError, LocalBus};
use crate::data_dir::{DataDir, DataDirError};
use crate::drivers::{AuditDriver, Checkpoint, DrainDriver, PublishDriver, Stop, Stopper};
use crate::engine::{self, Engine, EngineError};
use crate::faults::Faults;
use crate::http::{self, App};
use crate::ledger::{Ledger, LedgerError};
use crate::pattern::InvalidPattern;
use crate::queue::LocalQueue;
use crate::template::{Template, TemplateError};

/// The port when nobody names one.
pub const DEFAULT_PORT: u16 = 9000;
/// How long requests and batches that have begun may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// How to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Port on 127.0.0.1; 0 for any that is free.
    pub port: u16,
    /// Where the files are; `None` keeps them in memory, and drops them at the end.
    pub data_dir: Option<PathBuf>,
    /// Whether a new booking may be deferred while the reservations table is unreachable.
    pub deferred_accept: bool,
}

/// Why it does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody listens there.
    #[error("port {0} is in use; choose another with --port, or 0 for any that is free")]
    PortInUse(u16),
    /// Listening failed otherwise.
    #[error("cannot listen on 127.0.0.1:{0}")]
    Listen(u16, #[source] io::Error),
    /// The data directory.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The tables.
    #[error("the tables cannot be opened")]
    Engine(#[from] EngineError),
    /// Queue, bus and checkpoint.
    #[error("the ledger cannot be opened")]
    Ledger(#[from] LedgerError),
    /// The bus.
    #[error("the bus cannot be opened")]
    Bus(#[from] BusError),
    /// The template this was built with.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A filter of the template.
    #[error("a filter of template.yaml is unusable")]
    Filter(#[from] InvalidPattern),
}

/// A running system.
pub struct Running {
    address: SocketAddr,
    stopper: Stopper,
    server: JoinHandle<()>,
    drivers: JoinSet<()>,
    engine: Engine,
    // Last, so that the files are closed before the directory is let go.
    _data_dir: DataDir,
}

/// Starts everything; returns when it serves.
///
/// # Errors
/// The one thing that is in the way, in words for whoever started it.
pub async fn start(options: Options) -> Result<Running, StartError> {
    // First what is most likely to fail, before any file is touched.
    let listener = listen(options.port).await?;
    let address = listener.local_addr().map_err(|error| StartError::Listen(options.port, error))?;
    let data_dir = DataDir::open(options.data_dir.as_deref())?;
    let template = Template::embedded()?;
    let engine = Engine::start(&data_dir.tables(), &template.tables()?)?;
    let ledger = Ledger::open(&data_dir.ledger())?;
    let parts = Parts::open(&template, &engine, ledger).await?;
    let (stopper, stop) = Stopper::new();
    let drivers = parts.drive(&template, &stop)?;
    let app = Arc::new(parts.app(options.deferred_accept));
    let server = serve(listener, http::router(app, &template.routes()?), stop);
    Ok(Running { address, stopper, server, drivers, engine, _data_dir: data_dir })
}

impl Running {
    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends what has begun, then stops. What was accepted is in the files.
    pub async fn shutdown(mut self) {
        self.stopper.stop();
        if timeout(GRACE, &mut self.server).await.is_err() {
            self.server.abort();
        }
        let ended = timeout(GRACE, async { while self.drivers.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            self.drivers.shutdown().await;
        }
        let engine = self.engine;
        // An error would mean that stopping panicked; there is nothing left to do then.
        let _ = tokio::task::spawn_blocking(move || engine.stop()).await;
    }
}

async fn listen(port: u16) -> Result<TcpListener, StartError> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| {
        if error.kind() == io::ErrorKind::AddrInUse {
            StartError::PortInUse(port)
        } else {
            StartError::Listen(port, error)
        }
    })
}

fn serve(listener: TcpListener, router: axum::Router, mut stop: Stop) -> JoinHandle<()> {
    let listener = listener.tap_io(|connection| {
        // Answers are small; a connection that can't do it is only slower.
        let _ = connection.set_nodelay(true);
    });
    tokio::spawn(async move {
        let stopped = async move { stop.wait().await };
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
            tracing::error!(%error, "the HTTP server failed");
        }
    })
}

/// The stores and what feeds the functions.
struct Parts {
    /// Adapters behind fault switches, before any circuit breaker.
    stores: Stores,
    reservations: Arc<DynamoReservations>,
    faults: Faults,
    queue: LocalQueue,
    bus: LocalBus,
    stream: engine::StreamReader,
    checkpoint: Checkpoint,
    wake: Arc<Notify>,
}

impl Parts {
    async fn open(template: &Template, engine: &Engine, ledger: Ledger) -> Result<Self, StartError> {
        let client = engine::client(&engine.endpoint());
        let table = template.stream_source("PublishFunction")?.table;
        let queue_settings = template.queue_settings("FallbackQueue")?;
        let queue = LocalQueue::open(ledger.clone(), queue_settings, Arc::new(System), Arc::new(System)).await?;
        let bus = LocalBus::open(ledger.clone(), Arc::new(System), Arc::new(System)).await?;
        let reservations = Arc::new(DynamoReservations::new(client.clone(), table.clone()));
        let faults = Faults::default();
        let stores = faults.between(Stores {
            reservations: reservations.clone(),
            events: Arc::new(DynamoEvents::new(client, "EventsTable".to_owned())),
            queue: Arc::new(queue.clone()),
            bus: Arc::new(bus.clone()),
            clock: Arc::new(System),
        });
        let stream = engine.stream(&table)?;
        let checkpoint = Checkpoint::new(ledger, table);
        Ok(Self { stores, reservations, faults, queue, bus, stream, checkpoint, wake: Arc::default() })
    }

    /// One function's stores: a process of its own would have circuit breakers of its own.
    fn function(&self) -> Stores {
        breaker::guard(self.stores.clone())
    }

    fn drive(&self, template: &Template, stop: &Stop) -> Result<JoinSet<()>, StartError> {
        let mut drivers = JoinSet::new();
        let source = template.stream_source("PublishFunction")?;
        let (stream, checkpoint, wake) = (self.stream.clone(), self.checkpoint.clone(), self.wake.clone());
        let publish = PublishDriver::new(&source, stream, checkpoint, self.function(), wake)?;
        drivers.spawn(publish.run(stop.clone()));
        let source = template.queue_source("DrainFunction")?;
        let (queue, faults, wake) = (self.queue.clone(), self.faults.clone(), self.wake.clone());
        for poller in DrainDriver::pollers(source, queue, faults, self.function(), wake) {
            drivers.spawn(poller.run(stop.clone()));
        }
        let audit = AuditDriver::new(template.schedule("AuditFunction")?, self.function());
        drivers.spawn(audit.run(stop.clone()));
        Ok(drivers)
    }

    fn app(self, deferred_accept: bool) -> App {
        let append = append::Context { stores: self.function(), ids: Arc::new(System), deferred_accept };
        App {
            append,
            read: self.function(),
            audit: self.function(),
            faults: self.faults,
            queue: self.queue,
            bus: self.bus,
            stream: self.stream,
            checkpoint: self.checkpoint,
            wake: self.wake,
            reservations: self.reservations,
            counted: Mutex::new(None),
            started: System.now(),
        }
    }
}
