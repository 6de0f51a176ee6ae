//! Fuzz target: an SQS event source's batch to the drain function. What must hold is in `parsers::message`.
#![no_main]

fuzz::target!(parsers::message::check);
