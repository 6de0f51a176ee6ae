//! `DrainFunction`.

use std::sync::Arc;

use futures::FutureExt as _;

use crate::drivers::QueueFunction;
use crate::parts::Parts;
use crate::template::{Template, TemplateError};

const NAME: &str = "DrainFunction";

pub(super) fn queue(parts: &Parts, template: &Template) -> Result<QueueFunction, TemplateError> {
    let stores = parts.function();
    let handle = move |event| {
        let stores = stores.clone();
        async move { drain::handle(&stores, event).await }.boxed()
    };
    Ok(QueueFunction { name: NAME, timeout: template.timeout(NAME)?, handle: Arc::new(handle) })
}
