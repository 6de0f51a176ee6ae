//! Wiring: from options to a running system, and back.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::bus::BusError;
use crate::data_dir::{DataDir, DataDirError};
use crate::drivers::{AuditDriver, Checkpoint, DeliverDriver, QueueDriver, Stop, Stopper, Stream, StreamDriver};
use crate::engine::{Engine, EngineError, ProxyConfig};
use crate::functions::Functions;
use crate::http::{self, App};
use crate::ledger::{Ledger, LedgerError};
use crate::parts::Parts;
use crate::pattern::InvalidPattern;
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

/// What a test of faults changes of the wiring.
#[derive(Clone, Debug, Default)]
pub struct Rig {
    /// An HTTP proxy between the AWS SDK and the tables' engine.
    pub engine_proxy: Option<ProxyConfig>,
    /// How long a received message is hidden, if not as long as the template says.
    pub visibility_timeout: Option<Duration>,
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
    /// What posts to webhooks.
    #[error("no HTTP client can be made")]
    Webhooks(#[source] reqwest::Error),
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
    start_rigged(options, Rig::default()).await
}

/// Starts everything for a test of faults.
///
/// # Errors
/// As [`start`].
pub async fn start_rigged(options: Options, rig: Rig) -> Result<Running, StartError> {
    // A line a batch is for CloudWatch, not for people; and a pipe that nobody reads would bring the functions to a halt.
    booking_store::metrics::redirect(|line| tracing::debug!(line, "metrics"));
    // First what is most likely to fail, before any file is touched.
    let listener = listen(options.port).await?;
    let address = listener.local_addr().map_err(|error| StartError::Listen(options.port, error))?;
    let data_dir = DataDir::open(options.data_dir.as_deref())?;
    let template = Template::embedded()?;
    let engine = Engine::start(&data_dir.tables(), &template.tables()?)?;
    let ledger = Ledger::open(&data_dir.ledger())?;
    let parts = Parts::open(&template, &engine, ledger, rig).await?;
    let mut functions = Functions::wire(&parts, &template, options.deferred_accept)?;
    let called = std::mem::take(&mut functions.http);
    let (stopper, stop) = Stopper::new();
    let (drivers, checkpoints) = drive(&parts, &template, functions, &stop).await?;
    let app = Arc::new(App::new(parts, called, checkpoints));
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

/// Starts what feeds the functions.
async fn drive(
    parts: &Parts,
    template: &Template,
    functions: Functions,
    stop: &Stop,
) -> Result<(JoinSet<()>, Vec<Checkpoint>), StartError> {
    let (mut drivers, mut checkpoints) = (JoinSet::new(), Vec::new());
    let readers = functions.stream.iter().map(|function| function.name).collect();
    let stream = Stream { reader: parts.stream.clone(), readers, wake: parts.wake.clone() };
    for function in functions.stream {
        let source = template.stream_source(function.name)?;
        let checkpoint = Checkpoint::new(parts.ledger.clone(), source.table.clone(), function.name);
        checkpoints.push(checkpoint.clone());
        let reader = StreamDriver::new(&source, stream.clone(), checkpoint, function)?;
        drivers.spawn(reader.run(stop.clone()));
    }
    for function in functions.queue {
        let source = template.queue_source(function.name)?;
        let queue = parts.queue(&source.queue)?;
        queue.release().await?;
        for poller in QueueDriver::pollers(source, queue, parts.faults.clone(), function, parts.wake.clone()) {
            drivers.spawn(poller.run(stop.clone()));
        }
    }
    let deliver = DeliverDriver::new(parts.bus.clone(), parts.queues.clone(), parts.faults.clone());
    drivers.spawn(deliver.map_err(StartError::Webhooks)?.run(stop.clone()));
    let audit = AuditDriver::new(template.schedule("AuditFunction")?, parts.function());
    drivers.spawn(audit.run(stop.clone()));
    Ok((drivers, checkpoints))
}
