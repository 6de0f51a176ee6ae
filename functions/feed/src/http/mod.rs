//! `GET /feed` and `GET /feed/partitions`: parse, read, answer.

mod answer;
mod request;

use std::sync::Arc;

use booking_store::failure::StoreFailure;
use booking_store::feed::FeedLog;
use booking_store::feed::read::{self, Outcome};
use booking_store::ports::Stores;
use lambda_http::http::{Method, Response};
use lambda_http::{Body, Request};
use lambda_kit::Problem;
use lambda_kit::http;

/// What the function works with.
pub struct Context {
    /// Where the events are.
    pub stores: Stores,
    /// The feed's log.
    pub log: Arc<dyn FeedLog>,
}

/// Answers one request; see the HTTP contract in docs/openapi.yaml.
pub async fn handle(context: &Context, request: Request) -> Response<Body> {
    let segments = http::segments(&request);
    let segments: Vec<_> = segments.iter().map(String::as_str).collect();
    let answered = match segments.as_slice() {
        ["feed"] | ["feed", "partitions"] if request.method() != Method::GET => Err(Problem::method_not_allowed("GET")),
        ["feed"] => feed(context, &request).await,
        ["feed", "partitions"] => partitions(context, &request).await,
        _ => Err(Problem::no_route(request.uri().path())),
    };
    answered.unwrap_or_else(|problem| {
        tracing::info!(status = problem.status.as_u16(), code = problem.code, "feed");
        problem.response()
    })
}

async fn feed(context: &Context, request: &Request) -> Result<Response<Body>, Problem> {
    let asked = request::asked(request)?;
    match read::read(&*context.log, &context.stores, &asked.query).await {
        Outcome::Page(page) => Ok(answer::page(&page, asked.single)),
        Outcome::NotReached { partition, asked, head } => Err(answer::not_reached(partition, asked, head)),
        Outcome::Unknown(failure) => Err(unavailable(&failure)),
    }
}

async fn partitions(context: &Context, request: &Request) -> Result<Response<Body>, Problem> {
    request::no_parameters(request)?;
    let heads = read::heads(&*context.log).await.map_err(|failure| unavailable(&failure))?;
    Ok(answer::partitions(&heads))
}

fn unavailable(failure: &StoreFailure) -> Problem {
    tracing::warn!(outcome = "unknown", error = failure.chain(), "feed");
    Problem::store_unavailable("What the feed holds can't be known now. Try again.", None)
}
