//! Who asks: nobody in particular, or somebody API Gateway knows by a signature (`--sign`).

use std::sync::Arc;

use aws_config::{BehaviorVersion, Region};
use booking_store::clock::System;
use projection::http::{Authorize, Nobody, SigV4};
use reqwest::{Method, Request, Url};

use crate::args::Connection;
use crate::error::Error;

/// What requests are authorized with. With `--sign` it looks for credentials, so that a command without any ends before
/// it has sent anything.
///
/// # Errors
/// There are no credentials, or nothing says which region they are for.
pub async fn authorize(connection: &Connection) -> Result<Arc<dyn Authorize>, Error> {
    if !connection.sign {
        return Ok(Arc::new(Nobody));
    }
    let config = aws_config::defaults(BehaviorVersion::latest()).load().await;
    let region = region(&connection.url).or_else(|| config.region().map(Region::to_string));
    let region = region.ok_or_else(|| Error::Usage("--sign needs a region: set AWS_REGION".to_owned()))?;
    let none = || Error::Usage("--sign finds no AWS credentials: set a profile or the usual variables".to_owned());
    let signature = SigV4::new(config.credentials_provider().ok_or_else(none)?, region, Arc::new(System));
    let url = Url::parse(&connection.url).map_err(|error| Error::Usage(format!("--url: {error}")))?;
    let mut any = Request::new(Method::GET, url);
    signature.authorize(&mut any).await.map_err(Error::Unsigned)?;
    Ok(Arc::new(signature))
}

/// The region in API Gateway's own address, `<id>.execute-api.<region>.amazonaws.com`.
fn region(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let mut labels = url.host_str()?.split('.').skip(1);
    let region = (labels.next()? == "execute-api").then(|| labels.next())??;
    (labels.next()? == "amazonaws").then(|| region.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployments_address_names_its_region() {
        assert_eq!(region("https://a1b2.execute-api.eu-central-1.amazonaws.com/").as_deref(), Some("eu-central-1"));
        assert_eq!(region("https://a1b2.execute-api.cn-north-1.amazonaws.com.cn").as_deref(), Some("cn-north-1"));
        for other in
            ["https://bookings.example.com", "http://127.0.0.1:9000", "https://x.execute-api.amazonaws.com", ""]
        {
            assert_eq!(region(other), None, "{other}");
        }
    }
}
