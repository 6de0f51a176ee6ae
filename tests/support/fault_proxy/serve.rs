//! Connections and calls: accept, ask the plan, pass, answer.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::answers::{self, Body};
use super::{Call, ConnectFault, Fault, Loss, Passed, Shared};

/// Bytes that are no HTTP.
const NOISE: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03garbage\r\n\r\n";

/// Where calls go.
pub(super) struct Upstream {
    engine: Option<Authority>,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Upstream {
    pub(super) fn new(engine: Option<SocketAddr>) -> Self {
        let engine = engine.map(|engine| engine.to_string().parse().unwrap());
        Self { engine, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Passes the call as it came, and waits for the whole answer; `None` if the engine gives none.
    async fn pass(&self, mut parts: Parts, body: Bytes) -> Option<Response<Body>> {
        let mut uri = parts.uri.into_parts();
        uri.scheme = Some(Scheme::HTTP);
        uri.authority = self.engine.clone().or(uri.authority);
        uri.path_and_query = uri.path_and_query.or(Some(PathAndQuery::from_static("/")));
        parts.uri = Uri::from_parts(uri).ok()?;
        let response = self.client.request(Request::from_parts(parts, Full::new(body))).await.ok()?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some(Response::from_parts(parts, answers::whole(body)))
    }
}

/// The connection breaks off without an answer.
#[derive(Debug, thiserror::Error)]
#[error("reset")]
struct Broken;

/// Serves connections until it is dropped, and they with it.
pub(super) async fn accept(listener: TcpListener, caller: &'static str, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // An accept that fails has lost a connection, as any network may.
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(connection(stream, caller, shared.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(mut stream: TcpStream, caller: &'static str, shared: Arc<Shared>) {
    // Whatever ends the connection from this side resets it. Refused only of a socket that is gone.
    drop(stream.set_zero_linger());
    drop(stream.set_nodelay(true));
    match shared.plan().on_connect(caller) {
        None => {}
        Some(ConnectFault::Reset) => return shared.count("connection reset"),
        Some(ConnectFault::Noise) => {
            shared.count("connection noise");
            // The other side may be gone already.
            drop(stream.write_all(NOISE).await);
            pause(Duration::from_millis(50)).await;
            return;
        }
    }
    let service = service_fn(|request| serve(request, caller, shared.clone()));
    // An error is what a fault has done to the connection, or its caller.
    drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

async fn serve(
    request: Request<Incoming>,
    caller: &'static str,
    shared: Arc<Shared>,
) -> Result<Response<Body>, Broken> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
    let call = Call::of(caller, &parts.headers, &body);
    let fault = shared.plan().fault(&call);
    shared.count(&fault.map_or_else(|| "passed".to_owned(), |fault| fault.name()));
    // Tasks of their own: what is passed goes on when the caller hangs up.
    let pass = |after| pass(shared.clone(), parts, body, after);
    match fault {
        None => pass(Duration::ZERO).await.unwrap_or(None).ok_or(Broken),
        Some(Fault::Slow(before, after)) => {
            let answer = pass(before).await.unwrap_or(None).ok_or(Broken);
            pause(after).await;
            answer
        }
        Some(Fault::Refused(refusal)) => Ok(answers::refusal(&call, refusal)),
        Some(Fault::Lost(passed, loss)) => {
            match passed {
                Passed::Never => {}
                // Its answer, or that there is none, does not matter any more.
                Passed::Before => drop(pass(Duration::ZERO).await),
                Passed::Late(after) => drop(pass(after)),
            }
            lose(&call, loss).await
        }
    }
}

fn pass(shared: Arc<Shared>, parts: Parts, body: Bytes, after: Duration) -> JoinHandle<Option<Response<Body>>> {
    tokio::spawn(async move {
        pause(after).await;
        shared.upstream.pass(parts, body).await
    })
}

async fn lose(call: &Call, loss: Loss) -> Result<Response<Body>, Broken> {
    match loss {
        Loss::Reset => Err(Broken),
        Loss::Silence => match std::future::pending::<Infallible>().await {},
        Loss::ServerError => Ok(answers::server_error(call)),
        Loss::Unavailable => Ok(answers::unavailable()),
        Loss::Garbage(garbage) => Ok(answers::garbage(garbage)),
    }
}

#[expect(clippy::disallowed_methods, reason = "a fault takes its time")]
async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
