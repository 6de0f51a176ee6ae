//! Wiring of the read function. What it does is in `handler.rs`.

use lambda_http::Error;
use lambda_kit::gateway;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let stores = lambda_kit::start().await?.stores;
    let stores = &stores;
    gateway::run(move |request| read::handle(stores, request)).await
}
