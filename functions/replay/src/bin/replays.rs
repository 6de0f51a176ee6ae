//! Wiring of the replays function. What it does is in `http/mod.rs`.

use lambda_http::Error;
use replay::http::handle;
use replay::wiring::ports;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let ports = ports(lambda_kit::start().await?);
    let ports = &ports;
    lambda_kit::gateway::run(move |request| handle(ports, request)).await
}
