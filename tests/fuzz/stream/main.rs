//! Fuzz target: a DynamoDB event source's batch to the publish function. What must hold is in `parsers::stream`.
#![no_main]

fuzz::target!(parsers::stream::check);
