//! A webhook of a test's own: keeps what is posted to it, and answers what it is told to.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A listening webhook; it closes when it is dropped.
pub(crate) struct Webhook {
    pub(crate) url: String,
    state: Arc<State>,
    _server: JoinSet<()>,
}

struct State {
    status: AtomicU16,
    bodies: Mutex<Vec<String>>,
}

impl Webhook {
    /// One on a free port, or on the named one, that answers 204.
    pub(crate) async fn listen(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let url = format!("http://{}/hook?from=test", listener.local_addr().unwrap());
        let state = Arc::new(State { status: AtomicU16::new(204), bodies: Mutex::default() });
        let (mut server, shared) = (JoinSet::new(), state.clone());
        server.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = shared.clone();
                let service = service_fn(move |request| serve(state.clone(), request));
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                // A client that hangs up is no concern of the webhook.
                connections.spawn(async move { drop(connection.await) });
            }
        });
        Self { url, state, _server: server }
    }

    /// A port nobody listens on.
    pub(crate) async fn free_port() -> u16 {
        TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap().port()
    }

    /// What it answers from now on.
    pub(crate) fn answer(&self, status: u16) {
        self.state.status.store(status, Ordering::Relaxed);
    }

    /// Everything posted, as it came.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.state.bodies.lock().unwrap().clone()
    }

    /// The booking codes and versions posted, in order.
    pub(crate) fn posted(&self) -> Vec<(String, u64)> {
        self.bodies().iter().map(|body| place(body)).collect()
    }
}

/// Which event an envelope carries.
pub(crate) fn place(envelope: &str) -> (String, u64) {
    let entry: Value = serde_json::from_str(envelope).unwrap();
    let detail = &entry["detail"];
    (detail["booking_code"].as_str().unwrap().to_owned(), detail["version"].as_u64().unwrap())
}

async fn serve(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("POST", "/hook?from=test"));
    assert_eq!(request.headers()["content-type"], "application/json");
    let body = request.into_body().collect().await.unwrap().to_bytes();
    state.bodies.lock().unwrap().push(String::from_utf8(body.to_vec()).unwrap());
    let status = state.status.load(Ordering::Relaxed);
    Ok(Response::builder().status(status).body(Full::default()).unwrap())
}
