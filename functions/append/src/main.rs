//! Wiring of the append function. What it does is in `handler.rs`.

use std::sync::Arc;

use append::Context;
use booking_store::clock::System;
use lambda_http::Error;
use lambda_kit::gateway;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let kit = lambda_kit::start().await?;
    let context = Context { stores: kit.stores, ids: Arc::new(System), deferred_accept: kit.config.deferred_accept };
    let context = &context;
    gateway::run(move |request| append::handle(context, request)).await
}
