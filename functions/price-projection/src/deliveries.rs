//! The queue behind the bus: each message an event, in any order, at least once. The kit does the work.

use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use projection::lambda::handle_batch;
use projection::ports::Messages;
use projection::{Ports, Projector, Settings};

use crate::price::Prices;

/// What the handler works with.
#[derive(Clone)]
pub struct Context {
    projector: Arc<Projector<Prices>>,
    messages: Arc<dyn Messages>,
}

impl Context {
    /// The projection over `ports`; what has to come again waits in the queue of `messages`.
    pub fn new(ports: Ports, messages: Arc<dyn Messages>) -> Self {
        Self { projector: Arc::new(Projector::new(Prices, ports, Settings::default())), messages }
    }
}

/// Works on one batch. The answer names the messages to keep.
pub async fn handle(context: &Context, event: SqsEvent) -> SqsBatchResponse {
    handle_batch(&context.projector, &*context.messages, event).await
}
