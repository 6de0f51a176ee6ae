//! An import from its first line to its summary.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::backoff::{Patience, patiently};
use crate::client::{Failure, Server};
use crate::error::Error;
use crate::exit::Exit;
use crate::import::args::ImportArgs;
use crate::import::booking::{Rejection, Row};
use crate::import::counters::{Counters, Summary, count};
use crate::import::fingerprint::fingerprint;
use crate::import::interrupt;
use crate::import::journal::{Done, Entry, Header, Journal};
use crate::import::pump::{Task, Work, pump};
use crate::import::rejects::Rejects;
use crate::import::source::{Format, Source};
use crate::import::submit::{Context, Ending, submit};
use crate::import::verify;
use crate::progress::Progress;

/// Failures beyond so many are only counted.
const FAILURES_SHOWN: u64 = 10;

/// What an import knows before it sends anything.
struct Plan {
    source: Source,
    header: Header,
    rows: u64,
}

/// Imports, verifies, or both.
pub async fn run(args: ImportArgs, server: Server, json: bool) -> Result<Exit, Error> {
    let plan = plan(&args, &server)?;
    let context = Arc::new(Context {
        server,
        code_length: args.code_length,
        max_claims: args.max_claims,
        give_up_after: args.give_up_after,
        confirm_timeout: args.confirm_timeout,
        counters: Counters::default(),
    });
    let interrupt = interrupt::watch();
    if args.verify_only {
        let done = Journal::read(&args.journal(), &plan.header)?;
        return verify_only(&args, &plan, context, done, interrupt, json).await;
    }
    let mut summary = import(&args, &plan, &context, interrupt.clone()).await?;
    if args.verify && !summary.interrupted {
        let done = Journal::read(&args.journal(), &plan.header)?;
        let everything = Source { limit: None, ..plan.source };
        summary.verification = Some(verify::verify(context, &everything, args.concurrency, done, interrupt).await?);
    }
    tell(&summary, &args, json)?;
    Ok(exit(&summary))
}

fn plan(args: &ImportArgs, server: &Server) -> Result<Plan, Error> {
    let format = args.format.map_or_else(|| Format::of(&args.file), Ok)?;
    let found = fingerprint(&args.file)?;
    let header = Header::new(&args.file, &found.sha256, &format.to_string(), args.code_length, server.base());
    let rows = format.rows(found.lines);
    let source = Source { path: args.file.clone(), format, limit: args.limit };
    Ok(Plan { source, header, rows: args.limit.map_or(rows, |limit| rows.min(limit)) })
}

async fn import(
    args: &ImportArgs,
    plan: &Plan,
    context: &Arc<Context>,
    interrupt: watch::Receiver<bool>,
) -> Result<Summary, Error> {
    reachable(&context.server).await?;
    let (journal, done) = Journal::open(&args.journal(), &plan.header, args.restart)?;
    let already_done = done.len();
    let rejects = Rejects::new(&args.rejects(), already_done > 0)?;
    if already_done > 0 {
        let path = args.journal();
        eprintln!("going on after {already_done} rows done ({}); --restart begins anew", path.display());
    }
    let progress = Progress::new("importing", plan.rows, already_done.min(plan.rows));
    let rows = plan.source.stream(Arc::new(done), args.concurrency * 2)?;
    let started = Instant::now();
    let mut importing = Importing { context: Arc::clone(context), journal, rejects, progress };
    let ended = pump(rows, args.concurrency, interrupt, &mut importing).await;
    importing.progress.finish();
    importing.journal.sync()?;
    let interrupted = ended.inspect_err(|_| eprintln!("what is done is in {}", args.journal().display()))?;
    Ok(context.counters.summary(started.elapsed(), already_done, interrupted))
}

/// A wrong address is told at once, not after each booking's patience.
async fn reachable(server: &Server) -> Result<(), Error> {
    let patient = patiently(Patience::Retries(2), &|_, _| (), || async {
        match server.health().await {
            // Any answer will do: the health of a store is not this check's matter.
            Err(Failure::Transient(transient)) if transient.answered => Ok(()),
            Err(Failure::Refused(problem)) if matches!(problem.http_status, 401 | 403) => {
                Err(Failure::Refused(problem))
            }
            Err(Failure::Refused(_) | Failure::Unexpected(_)) | Ok(_) => Ok(()),
            lost => lost.map(|_| ()),
        }
    })
    .await;
    patient.outcome.map_err(|failure| Error::from_failure(failure, patient.retries + 1))
}

/// Takes down what the bookings come to.
struct Importing {
    context: Arc<Context>,
    journal: Journal,
    rejects: Rejects,
    progress: Progress,
}

impl Importing {
    fn reject(&mut self, rejection: &Rejection) -> Result<(), Error> {
        count(&self.context.counters.rejected);
        // The rejects file first: between the two a crash can repeat a line there, but not lose it.
        self.rejects.write(rejection)?;
        let rejected = match &rejection.field {
            Some(field) => format!("{field}: {}", rejection.reason),
            None => rejection.reason.clone(),
        };
        self.journal.record(&Entry::Rejected { line: rejection.line, rejected })?;
        self.progress.advance();
        Ok(())
    }
}

impl Work for Importing {
    type Outcome = Ending;

    fn start(&mut self, row: Row) -> Result<Option<Task<Ending>>, Error> {
        match row {
            Row::Done => Ok(None),
            Row::Rejected(rejection) => self.reject(&rejection).map(|()| None),
            Row::Booking(booking) => {
                let context = Arc::clone(&self.context);
                Ok(Some(Box::pin(async move { submit(&context, &booking).await })))
            }
        }
    }

    fn finish(&mut self, ending: Ending) -> Result<(), Error> {
        let counters = &self.context.counters;
        match ending {
            Ending::Imported(entry) => {
                self.journal.record(&entry)?;
                count(&counters.bookings);
                self.progress.advance();
            }
            Ending::Rejected(rejection) => self.reject(&rejection)?,
            Ending::Failed { line, reason } => {
                count(&counters.failed);
                let failed = counters.failed.load(Ordering::Relaxed);
                if failed <= FAILURES_SHOWN {
                    self.progress.say(&format!("line {line} failed: {reason}"));
                }
                if failed == FAILURES_SHOWN {
                    self.progress.say("further failures are only counted");
                }
                self.progress.advance();
            }
            Ending::Hopeless(error) => return Err(error),
        }
        Ok(())
    }

    fn tick(&mut self) {
        self.progress.tick(&self.context.counters.glance());
    }
}

async fn verify_only(
    args: &ImportArgs,
    plan: &Plan,
    context: Arc<Context>,
    done: Done,
    interrupt: watch::Receiver<bool>,
    json: bool,
) -> Result<Exit, Error> {
    let everything = Source { limit: None, ..plan.source.clone() };
    let found = verify::verify(context, &everything, args.concurrency, done, interrupt).await?;
    if json {
        println!("{}", serde_json::to_string(&found).map_err(std::io::Error::from)?);
    } else {
        print!("{}", found.describe());
    }
    Ok(match (found.mismatched, found.interrupted) {
        (0, false) => Exit::Done,
        (0, true) => Exit::Interrupted,
        _ => Exit::Mismatch,
    })
}

fn tell(summary: &Summary, args: &ImportArgs, json: bool) -> Result<(), Error> {
    if json {
        println!("{}", serde_json::to_string(summary).map_err(std::io::Error::from)?);
    } else {
        print!("{}", summary.describe());
        if let Some(verification) = &summary.verification {
            print!("{}", verification.describe());
        }
    }
    if summary.rejected > 0 {
        eprintln!("rejected rows are in {}", args.rejects().display());
    }
    if summary.interrupted || summary.failed > 0 {
        resume_hint(&args.journal());
    }
    Ok(())
}

fn resume_hint(journal: &Path) {
    eprintln!(
        "to go on, run the same command again: what is done is in {}, and nothing is imported twice",
        journal.display()
    );
}

fn exit(summary: &Summary) -> Exit {
    let verified = summary.verification.as_ref();
    if verified.is_some_and(|found| found.mismatched > 0) {
        Exit::Mismatch
    } else if summary.interrupted || verified.is_some_and(|found| found.interrupted) {
        Exit::Interrupted
    } else if summary.failed > 0 {
        Exit::Incomplete
    } else {
        Exit::Done
    }
}

/// How long a whole run took, in seconds with milliseconds.
pub(crate) fn seconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 1000.0).round() / 1000.0
}
