//! Fuzz target: a stored item in DynamoDB's JSON. What must hold is in `parsers::item`.
#![no_main]

fuzz::target!(parsers::item::check);
