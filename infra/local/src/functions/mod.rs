//! The functions: each one's handler with what its deployment gives it. A file for each that is called over HTTP or fed
//! by a driver; what they share is in [`Parts`](crate::parts::Parts).

mod append;
mod drain;
mod feed;
mod prices;
mod publish;
mod read;
mod replay;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use lambda_http::{Body, Request, Response};

use crate::drivers::{QueueFunction, StreamFunction};
use crate::parts::Parts;
use crate::template::{Template, TemplateError};

/// A function that is called over HTTP.
pub type HttpFunction = Arc<dyn Fn(Request) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// Every function but the audit, by what calls it.
pub struct Functions {
    /// By logical id.
    pub http: BTreeMap<&'static str, HttpFunction>,
    /// Fed from queues.
    pub queue: Vec<QueueFunction>,
    /// Fed from the reservations table's stream.
    pub stream: Vec<StreamFunction>,
}

impl Functions {
    /// All of them, over `parts`.
    pub fn wire(parts: &Parts, template: &Template, deferred_accept: bool) -> Result<Self, TemplateError> {
        let http = [
            append::http(parts, deferred_accept),
            read::http(parts),
            feed::http(parts),
            replay::http(parts)?,
            prices::http(parts),
        ];
        let queue =
            vec![drain::queue(parts, template)?, replay::queue(parts, template)?, prices::queue(parts, template)?];
        let stream = vec![publish::stream(parts, template)?, feed::stream(parts, template)?];
        Ok(Self { http: BTreeMap::from(http), queue, stream })
    }
}
