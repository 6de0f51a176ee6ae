//! `AppendFunction`.

use std::sync::Arc;

use append::Context;
use booking_store::clock::System;
use futures::FutureExt as _;

use super::HttpFunction;
use crate::parts::Parts;

pub(super) fn http(parts: &Parts, deferred_accept: bool) -> (&'static str, HttpFunction) {
    let context = Context { stores: parts.function(), ids: Arc::new(System), deferred_accept };
    let wake = parts.wake.clone();
    let handle = move |request| {
        let (context, wake) = (context.clone(), wake.clone());
        async move {
            let response = append::handle(&context, request).await;
            wake.call();
            response
        }
        .boxed()
    };
    ("AppendFunction", Arc::new(handle))
}
