//! What happened, as a number to compare and, if wanted, as lines to read.

use std::fmt::Write;

use booking_store::ports::{ConflictKept, Decided, Recorded, Trimmed};
use booking_store::queue_message::QueueMessage;
use booking_store::{Decision, ExpectedVersion};

use crate::request::{Answer, Request};
use crate::workload::event_name;

/// The trace of one schedule.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

impl Trace {
    /// A trace that keeps its lines, or only their number.
    pub fn new(keep: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, lines: keep.then(Vec::new) }
    }

    /// The number that two schedules share only if they are the same.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The lines that were kept.
    pub fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }

    /// Adds a number to the hash.
    pub fn mix(&mut self, number: u64) {
        self.hash = (self.hash ^ number).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
    }

    /// Adds a line, made only if lines are kept.
    pub fn line(&mut self, time: i64, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{time:>9} ms  {}", line()));
        }
    }
}

/// An answer as a number.
pub(crate) fn digest(answer: &Answer) -> u64 {
    match answer {
        Answer::Decided(Decided::Granted(reservation)) => 1 + 4 * reservation.head.get(),
        Answer::Decided(Decided::Refused(old)) => 2 + 4 * old.as_ref().map_or(0, |old| old.head.get()),
        Answer::Claims(claims) => {
            let reservation = claims.reservation.as_ref();
            let head = reservation.map_or(0, |reservation| reservation.head.get() << 8 | reservation.settled.get());
            head << 8 | claims.conflicts.len() as u64
        }
        Answer::Trimmed(Trimmed::Done) => 1,
        Answer::Trimmed(Trimmed::Moved(now)) => 2 + now.as_ref().map_or(0, |now| now.settled.get()),
        Answer::Kept(ConflictKept::Kept) => 1,
        Answer::Kept(ConflictKept::OtherPayload) => 2,
        Answer::Stale(page) => page.reservations.len() as u64,
        Answer::Recorded(Recorded::New) => 1,
        Answer::Recorded(Recorded::Before(_)) => 2,
        Answer::Highest(highest) => highest.map_or(0, |(version, _)| version.get()),
        Answer::Events(events) => events.len() as u64,
        Answer::Done => 0,
    }
}

/// An answer in words.
pub(crate) fn answer(answer: &Answer) -> String {
    match answer {
        Answer::Decided(Decided::Granted(now)) => format!("granted, head {}", now.head),
        Answer::Decided(Decided::Refused(None)) => "refused, no booking".to_owned(),
        Answer::Decided(Decided::Refused(Some(old))) => {
            format!("refused, head {} of owner {}", old.head, event_name(old.owner))
        }
        Answer::Claims(claims) => {
            let conflicts = claims.conflicts.len();
            claims.reservation.as_ref().map_or_else(
                || format!("no booking, {conflicts} conflicts"),
                |now| format!("head {}, settled {}, {conflicts} conflicts", now.head, now.settled),
            )
        }
        Answer::Trimmed(Trimmed::Done) => "done".to_owned(),
        Answer::Trimmed(Trimmed::Moved(now)) => {
            format!("moved to {}", now.as_ref().map_or(0, |now| now.settled.get()))
        }
        Answer::Kept(kept) => format!("{kept:?}"),
        Answer::Stale(page) => format!("{} stale", page.reservations.len()),
        Answer::Recorded(recorded) => match recorded {
            Recorded::New => "recorded".to_owned(),
            Recorded::Before(id) => format!("recorded before as {}", event_name(*id)),
        },
        Answer::Highest(None) => "nothing recorded".to_owned(),
        Answer::Highest(Some((version, _))) => format!("recorded up to {version}"),
        Answer::Events(events) => {
            let versions: Vec<_> = events.iter().map(|event| event.version.to_string()).collect();
            format!("versions [{}]", versions.join(" "))
        }
        Answer::Done => "done".to_owned(),
    }
}

/// A request in words.
pub(crate) fn request(request: &Request) -> String {
    match request {
        Request::Decide(decision) => format!("decide {}", decision_text(decision)),
        Request::Claims(code) => format!("claims of {code}"),
        Request::Trim(code, trim) => format!("trim {code} from {} to {}", trim.from, trim.to),
        Request::KeepConflict(conflict) => {
            format!("keep conflict {} of {}", event_name(conflict.event.event_id), conflict.booking_code)
        }
        Request::Stale(_, segment, segments) => format!("stale, segment {segment} of {segments}"),
        Request::Record(code, event) => {
            format!("record {code} version {} as {}", event.version, event_name(event.event_id))
        }
        Request::Highest(code) => format!("highest recorded of {code}"),
        Request::Range(code, from, limit, _) => format!("recorded events of {code} from {from}, at most {limit}"),
        Request::Send(message) => format!("send {}", message_text(message)),
        Request::BackOff(receipt, pause) => format!("back off message {receipt} for {pause:?}"),
        Request::DeadLetter(group, id, _, reason) => format!("dead-letter message {id} of {group}: {reason}"),
        Request::Delete(receipt) => format!("delete message {receipt}"),
        Request::PublishEvent(code, event) => {
            format!("publish {code} version {} {}", event.version, event_name(event.event_id))
        }
        Request::PublishConflict(conflict) => {
            format!("publish conflict {} of {}", event_name(conflict.event.event_id), conflict.booking_code)
        }
    }
}

fn decision_text(decision: &Decision) -> String {
    let expected = match decision.expected {
        ExpectedVersion::New => "new".to_owned(),
        ExpectedVersion::Exact(version) => format!("after {version}"),
        ExpectedVersion::Any => "at the end".to_owned(),
    };
    let mut text = format!("{} {expected}:", decision.booking_code);
    for id in decision.event_ids() {
        // Writing to a text can't fail.
        let _ = write!(text, " {}", event_name(id));
    }
    text
}

/// A queue message in words.
pub(crate) fn message_text(message: &QueueMessage) -> String {
    match message {
        QueueMessage::Settle { booking_code, event_id } => {
            format!("order to settle {booking_code} up to {}", event_name(*event_id))
        }
        QueueMessage::PublishConflict { booking_code, event_id } => {
            format!("order to publish conflict {} of {booking_code}", event_name(*event_id))
        }
        QueueMessage::Deferred { booking_code, events, .. } => {
            let names: Vec<_> = events.iter().map(|event| event_name(event.event_id)).collect();
            format!("deferred append to {booking_code}: {}", names.join(" "))
        }
    }
}
