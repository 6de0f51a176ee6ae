//! `PublishFunction`.

use std::sync::Arc;

use futures::FutureExt as _;

use crate::drivers::StreamFunction;
use crate::parts::Parts;
use crate::template::{Template, TemplateError};

const NAME: &str = "PublishFunction";

pub(super) fn stream(parts: &Parts, template: &Template) -> Result<StreamFunction, TemplateError> {
    let stores = parts.function();
    let handle = move |event| {
        let stores = stores.clone();
        async move { publish::handle(&stores, event).await }.boxed()
    };
    Ok(StreamFunction { name: NAME, timeout: template.timeout(NAME)?, handle: Arc::new(handle) })
}
