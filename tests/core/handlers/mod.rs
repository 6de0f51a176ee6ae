//! The functions' handlers on payloads as Lambda delivers them, parsed as its runtime parses them: the HTTP contract row
//! by row, every bad input, bytes from end to end, and the partial batch answers.

mod append_contract;
mod bad_reads;
mod bad_requests;
mod bytes;
mod drain;
mod feed_contract;
mod feed_index;
mod feed_requests;
mod gateway;
mod payloads;
mod price_deliveries;
mod prices;
mod publish;
mod read_contract;
mod schedule;

pub(crate) use payloads::STREAM_BATCH;
