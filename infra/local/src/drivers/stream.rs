//! Feeds a function from a table's stream, as the event source of template.yaml says. Each reader has a checkpoint of its
//! own; what is removed of the stream lies behind the slowest.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::dynamodb::Event;
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use booking_store::clock::{Clock, System};
use futures::future::BoxFuture;
use serde_json::json;

use super::retries::{Next, Retries};
use super::stream_event::{self, StreamRecord};
use super::{Checkpoint, Listener, Stop, Wake, invoke_until};
use crate::chain;
use crate::engine::{EngineError, Position, StreamReader, written_at};
use crate::ledger::LedgerError;
use crate::pattern::{InvalidPattern, Patterns};
use crate::template::StreamSource;

/// How old a record is when a function first sees it. On AWS it takes longer; without any delay the publisher would
/// overtake the writer, find its events unrecorded and hand every booking to the queue.
const DELIVERY_DELAY: Duration = Duration::from_millis(15);
/// Longest sleep without a call to wake up.
const IDLE: Duration = Duration::from_millis(250);
/// Sleep after the engine or the ledger failed.
const TROUBLE: Duration = Duration::from_secs(1);
/// Records read for each record of a batch: about half of the images are of a trim and pass no filter.
const READ_AHEAD: usize = 2;
/// Batches after which what lies behind the checkpoint is removed.
const PRUNE_EVERY: u32 = 8;

/// Why a round failed. The next one starts from the checkpoint again.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("a record has no JSON form")]
    Record(#[from] serde_json::Error),
    #[error("a filter failed")]
    Filter(#[from] InvalidPattern),
}

/// What is read of the stream and not yet done.
#[derive(Default)]
struct Read {
    /// All records, in order.
    records: Vec<StreamRecord>,
    /// The places of those that pass the filter.
    work: Vec<usize>,
    /// How long until the next record may be delivered, if there is one.
    next_in: Option<Duration>,
}

/// A function that is fed from a stream.
#[derive(Clone)]
pub struct StreamFunction {
    /// Its logical id.
    pub name: &'static str,
    /// How long it may run.
    pub timeout: Duration,
    /// Its handler.
    pub handle: Arc<dyn Fn(Event) -> BoxFuture<'static, DynamoDbEventResponse> + Send + Sync>,
}

/// A stream and its readers.
#[derive(Clone)]
pub struct Stream {
    /// Reads it.
    pub reader: StreamReader,
    /// The logical ids of all its readers.
    pub readers: Arc<[&'static str]>,
    /// Says that there may be records.
    pub wake: Wake,
}

/// One reader of a stream.
pub struct StreamDriver {
    stream: Stream,
    checkpoint: Checkpoint,
    filters: Option<Patterns>,
    retries: Retries,
    function: StreamFunction,
    listener: Listener,
    batches: u32,
}

impl StreamDriver {
    /// Reads `stream` from `checkpoint` for `function`.
    pub fn new(
        source: &StreamSource,
        stream: Stream,
        checkpoint: Checkpoint,
        function: StreamFunction,
    ) -> Result<Self, InvalidPattern> {
        let filters = if source.filters.is_empty() { None } else { Some(Patterns::any_of(&source.filters)?) };
        let listener = stream.wake.listener();
        Ok(Self { stream, checkpoint, filters, retries: Retries::new(source), function, listener, batches: 0 })
    }

    /// Runs until asked to stop.
    pub async fn run(mut self, mut stop: Stop) {
        while !stop.requested() {
            let pause = match self.round(&mut stop).await {
                Ok(pause) => pause,
                Err(trouble) => {
                    tracing::error!(error = chain(&trouble), reader = self.function.name, "the stream cannot be read");
                    Some((TROUBLE, false))
                }
            };
            match pause {
                Some((pause, true)) => stop.pause(pause, self.listener.called()).await,
                Some((pause, false)) => stop.pause(pause, std::future::pending()).await,
                None => {}
            }
        }
    }

    /// One batch. Returns how long to wait before the next one, and whether a call to wake up ends the wait.
    async fn round(&mut self, stop: &mut Stop) -> Result<Option<(Duration, bool)>, Trouble> {
        let position = self.checkpoint.load().await?;
        let read = self.read(&position).await?;
        let Some(last) = read.records.last() else {
            // Not ripe yet, or nothing there: only in the second case can waking up bring anything.
            return Ok(Some(read.next_in.map_or((IDLE, true), |next_in| (next_in, false))));
        };
        let done = if read.work.is_empty() { 0 } else { self.call(&read, stop).await? };
        if stop.requested() && done == 0 && !read.work.is_empty() {
            // Broken off, not failed: it is no retry.
            return Ok(None);
        }
        match self.retries.learn(read.work.len(), done) {
            Next::Advance(done) => {
                // Up to the first record that is not done; the filtered ones before it are.
                let kept = read.work.get(done).copied().unwrap_or(read.records.len());
                if let Some(last) = kept.checked_sub(1).and_then(|place| read.records.get(place)) {
                    self.advance(&last.sequence_number).await?;
                }
                Ok(None)
            }
            Next::Retry(pause) => Ok(Some((pause, false))),
            Next::GiveUp => {
                let notice = self.notice(&read);
                tracing::error!(notice, "stream records given up");
                let now = System.now().unix_milliseconds();
                self.checkpoint.give_up(&last.sequence_number, notice, read.work.len(), now).await?;
                Ok(None)
            }
        }
    }

    /// The next records that are old enough, up to the last one of a batch.
    async fn read(&self, position: &Position) -> Result<Read, Trouble> {
        let limit = self.retries.limit();
        let now = System.now().unix_milliseconds();
        let delay = i64::try_from(DELIVERY_DELAY.as_millis()).unwrap_or(0);
        let mut read = Read::default();
        for record in self.stream.reader.records(position, limit * READ_AHEAD).await? {
            let age = now - written_at(&record.dynamodb.sequence_number);
            // A record from the future was written before the clock was set back, and is old.
            if (0..delay).contains(&age) {
                read.next_in = Some(Duration::from_millis((delay - age).unsigned_abs()));
                break;
            }
            let record = StreamRecord::new(&record, self.stream.reader.arn())?;
            let wanted = match &self.filters {
                Some(filters) => filters.any(record.json().to_string().as_bytes())?,
                None => true,
            };
            if wanted {
                read.work.push(read.records.len());
            }
            read.records.push(record);
            if read.work.len() == limit {
                break;
            }
        }
        Ok(read)
    }

    /// Calls the function; how many of the first records are done.
    async fn call(&self, read: &Read, stop: &mut Stop) -> Result<usize, Trouble> {
        let batch = || read.work.iter().filter_map(|place| read.records.get(*place));
        let event = stream_event::event(batch())?;
        let StreamFunction { name, timeout, handle } = &self.function;
        let response = invoke_until(name, *timeout, stop, handle(event)).await;
        let numbers: Vec<&str> = batch().map(|record| record.sequence_number.as_str()).collect();
        Ok(response.map_or(0, |response| stream_event::done(&numbers, &response)))
    }

    async fn advance(&mut self, sequence_number: &str) -> Result<(), Trouble> {
        self.checkpoint.save(sequence_number).await?;
        self.batches = (self.batches + 1) % PRUNE_EVERY;
        if self.batches == 0
            && let Some(slowest) = self.checkpoint.slowest(&self.stream.readers).await?
        {
            self.stream.reader.prune(&slowest).await?;
        }
        Ok(())
    }

    /// What Lambda sends to the failure destination: where the records are, not the records.
    fn notice(&self, read: &Read) -> String {
        let number = |place: Option<&usize>| {
            place.and_then(|place| read.records.get(*place)).map(|record| record.sequence_number.clone())
        };
        json!({
            "requestContext": {
                "functionArn": self.function.name,
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": self.retries.tries(),
            },
            "version": "1.0",
            "timestamp": System.now().to_string(),
            "DDBStreamBatchInfo": {
                "shardId": self.stream.reader.shard(),
                "startSequenceNumber": number(read.work.first()),
                "endSequenceNumber": number(read.work.last()),
                "batchSize": read.work.len(),
                "streamArn": self.stream.reader.arn(),
            },
        })
        .to_string()
    }
}
