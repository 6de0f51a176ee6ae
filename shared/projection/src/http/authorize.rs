//! Who asks.

use std::error::Error;

use async_trait::async_trait;
use reqwest::Request;
use reqwest::header::{AUTHORIZATION, HeaderValue};

/// A request could not be authorized.
#[derive(Debug, thiserror::Error)]
#[error("the request can't be authorized")]
pub struct Unauthorized(#[source] pub Box<dyn Error + Send + Sync>);

/// Adds to a request what its gateway wants to see.
#[async_trait]
pub trait Authorize: Send + Sync {
    /// Does it. Called for each request, so that a token may be renewed.
    ///
    /// # Errors
    /// There is no token, or no key.
    async fn authorize(&self, request: &mut Request) -> Result<(), Unauthorized>;
}

/// No authorization: the API asks for none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

#[async_trait]
impl Authorize for Nobody {
    async fn authorize(&self, _request: &mut Request) -> Result<(), Unauthorized> {
        Ok(())
    }
}

/// A bearer token (a JWT authorizer), asked for anew for each request.
pub struct Bearer<F>(F);

impl<F: Fn() -> String + Send + Sync> Bearer<F> {
    /// The token that `token` gives at the moment of the request.
    pub fn new(token: F) -> Self {
        Self(token)
    }
}

#[async_trait]
impl<F: Fn() -> String + Send + Sync> Authorize for Bearer<F> {
    async fn authorize(&self, request: &mut Request) -> Result<(), Unauthorized> {
        let value = HeaderValue::from_str(&format!("Bearer {}", (self.0)()));
        let mut value = value.map_err(|error| Unauthorized(error.into()))?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
        Ok(())
    }
}
