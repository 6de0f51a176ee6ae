//! Fuzz target: API Gateway's payload to the append function. What must hold is in `parsers::request`.
#![no_main]

fuzz::target!(parsers::request::check);
