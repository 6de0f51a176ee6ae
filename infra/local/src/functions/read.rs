//! `ReadFunction`.

use std::sync::Arc;

use futures::FutureExt as _;

use super::HttpFunction;
use crate::parts::Parts;

pub(super) fn http(parts: &Parts) -> (&'static str, HttpFunction) {
    let stores = parts.function();
    let handle = move |request| {
        let stores = stores.clone();
        async move { read::handle(&stores, request).await }.boxed()
    };
    ("ReadFunction", Arc::new(handle))
}
