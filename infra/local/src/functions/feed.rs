//! `FeedIndexFunction` and `FeedFunction`.

use std::sync::Arc;

use booking_store::clock::System;
use booking_store::feed::dynamodb::DynamoFeedLog;
use feed::{http, index};
use futures::FutureExt as _;

use super::HttpFunction;
use crate::drivers::StreamFunction;
use crate::parts::Parts;
use crate::template::{Template, TemplateError};

const INDEX: &str = "FeedIndexFunction";
const TABLE: &str = "FeedTable";

fn log(parts: &Parts) -> Arc<DynamoFeedLog> {
    Arc::new(DynamoFeedLog::new(parts.client.clone(), TABLE.to_owned()))
}

pub(super) fn stream(parts: &Parts, template: &Template) -> Result<StreamFunction, TemplateError> {
    let context = Arc::new(index::Context { log: log(parts), clock: Arc::new(System) });
    let handle = move |event| {
        let context = context.clone();
        async move { index::handle(&context, event).await }.boxed()
    };
    Ok(StreamFunction { name: INDEX, timeout: template.timeout(INDEX)?, handle: Arc::new(handle) })
}

pub(super) fn http(parts: &Parts) -> (&'static str, HttpFunction) {
    let context = Arc::new(http::Context { stores: parts.function(), log: log(parts) });
    let handle = move |request| {
        let context = context.clone();
        async move { http::handle(&context, request).await }.boxed()
    };
    ("FeedFunction", Arc::new(handle))
}
