//! Fuzz target: API Gateway's payload to the read function. What must hold is in `parsers::query`.
#![no_main]

fuzz::target!(parsers::query::check);
