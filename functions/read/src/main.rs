//! Wiring of the read function. What it does is in `handler.rs`.

use std::convert::Infallible;

use lambda_http::{Error, Request, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let stores = lambda_kit::start().await?.stores;
    let stores = &stores;
    lambda_http::run(service_fn(move |request: Request| async move {
        Ok::<_, Infallible>(read::handle(stores, request).await)
    }))
    .await
}
