//! DynamoDB in this process: `dynoxide` on a file, served on a loopback port of its own.
//!
//! The tables' calls go over that port through the AWS SDK and the store's own adapters, so that their expressions,
//! signatures and errors are exercised. Only the stream is read in process. The server has a thread and a runtime of
//! its own: dynoxide runs SQLite on the thread that serves the call.

mod client;
mod private_schema;
mod stream;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::{fmt, io};

use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::{Database, DynoxideError};
use tokio::sync::oneshot;

pub use aws_sdk_dynamodb::Client;
pub use aws_smithy_http_client::proxy::{ProxyConfig, ProxyError};
pub use client::{REGION, client, client_through};
pub use private_schema::SchemaDiffers;
pub use stream::{Position, StreamReader, written_at};

use crate::template::Table;

/// Why the engine does not start, or could not answer.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine's own words.
    #[error("dynoxide: {0}")]
    Dynoxide(Box<DynoxideError>),
    /// Its file is not what this program knows.
    #[error(transparent)]
    Schema(#[from] SchemaDiffers),
    /// The second connection to its file failed.
    #[error("the engine's file refused")]
    Sqlite(#[from] rusqlite::Error),
    /// A table of the template is no request the engine understands.
    #[error("table {0} cannot be created")]
    Table(String, #[source] serde_json::Error),
    /// No port or no thread.
    #[error("cannot serve the engine")]
    Serve(#[from] io::Error),
    /// The file's path is not text.
    #[error("the data directory's path is not UTF-8")]
    Path,
    /// A blocking task was cancelled: the runtime is shutting down.
    #[error("shutting down")]
    ShuttingDown,
}

impl From<DynoxideError> for EngineError {
    fn from(error: DynoxideError) -> Self {
        Self::Dynoxide(Box::new(error))
    }
}

/// A running engine.
pub struct Engine {
    database: Database,
    side: Arc<Mutex<rusqlite::Connection>>,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Engine {
    /// Opens or creates the file, creates the tables it lacks, and serves.
    pub fn start(path: &Path, tables: &[Table]) -> Result<Self, EngineError> {
        let database = Database::new(path.to_str().ok_or(EngineError::Path)?)?;
        // Says `synchronous = NORMAL`: no disk flush a write. Survives `kill -9`; a power cut may cost the last moments.
        database.disable_bulk_loading()?;
        for table in tables {
            if database.get_table_metadata(&table.name)?.is_none() {
                let create: CreateTableRequest = serde_json::from_value(table.create.clone())
                    .map_err(|error| EngineError::Table(table.name.clone(), error))?;
                database.create_table(create)?;
            }
        }
        let side = private_schema::open(path)?;
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let server = serve(listener, database.clone(), stopped)?;
        Ok(Self { database, side: Arc::new(Mutex::new(side)), address, stop, server })
    }

    /// Where it answers.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The stream of `table`.
    pub fn stream(&self, table: &str) -> Result<StreamReader, EngineError> {
        StreamReader::new(self.database.clone(), self.side.clone(), table)
    }

    /// Answers what it has begun and closes the file.
    pub fn stop(self) {
        let Self { database, side, stop, server, .. } = self;
        // If the server is gone already there is nobody to tell.
        let _ = stop.send(());
        let _ = server.join();
        drop((side, database));
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Engine({})", self.address)
    }
}

fn serve(listener: TcpListener, database: Database, stopped: oneshot::Receiver<()>) -> io::Result<JoinHandle<()>> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name("dynoxide".to_owned()).spawn(move || {
        let served = runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).map_err(|error| error.to_string())?;
            let stopped = async {
                // A dropped engine is a stopped one.
                let _ = stopped.await;
            };
            dynoxide::server::serve_with_shutdown(listener, database, stopped).await
        });
        if let Err(error) = served {
            tracing::error!(error, "the engine's server failed");
        }
    })
}
