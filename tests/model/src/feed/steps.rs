//! What can happen next: an event is accepted, images are delivered, a call is made and ends in one of its ways.

use arrayvec::ArrayVec;
use stateright::{Model, Property};

use super::bug::Bug;
use super::indexer::{Images, Indexer};
use super::state::{Answer, Call, Reader, State};
use super::{Feed, properties};

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Process {
    /// An indexer.
    Indexer(usize),
    /// The reader.
    Reader,
}

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// The log acts and is heard.
    Answered,
    /// It certainly does nothing.
    Failed,
    /// It acts; the answer is lost.
    Unheard,
    /// No answer; it acts later.
    Late,
    /// It acts, the answer is lost, the call is made again and heard.
    Twice,
    /// The process dies before it acts. That it acts and the process dies is [`End::Unheard`], as nobody can tell.
    Crash,
}

impl End {
    const WRITING: [Self; 6] = [Self::Answered, Self::Failed, Self::Unheard, Self::Late, Self::Twice, Self::Crash];
    const READING: [Self; 2] = [Self::Answered, Self::Failed];
}

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// A booking has one version more.
    Accept(u8),
    /// An indexer is given images: of each booking one of any time so far, or none.
    Deliver(usize, Images),
    /// A process makes its next call.
    Call(Process, End),
    /// A call that nobody waits for has its effect.
    Arrive(usize),
    /// A read begins.
    Read,
}

impl Model for Feed {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            heads: [0, 0],
            tip: Default::default(),
            pages: Default::default(),
            markers: [0, 0],
            log: ArrayVec::new(),
            ingested: [0, 0],
            indexers: (0..self.indexers).map(|_| Indexer::Idle).collect(),
            reader: Reader::Idle,
            reads: self.reads,
            faults: self.faults,
            late: ArrayVec::new(),
            broken: Default::default(),
            seen: Default::default(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.broken != Default::default() {
            return;
        }
        for booking in 0..2_u8 {
            if state.heads[usize::from(booking)] < self.versions[usize::from(booking)] {
                actions.push(Action::Accept(booking));
            }
        }
        for (position, indexer) in state.indexers.iter().enumerate() {
            if *indexer == Indexer::Idle {
                let images = (0..=state.heads[0]).flat_map(|a| (0..=state.heads[1]).map(move |b| [a, b]));
                actions.extend(images.skip(1).map(|images| Action::Deliver(position, images)));
            }
            self.calls(state, Process::Indexer(position), actions);
        }
        self.calls(state, Process::Reader, actions);
        actions.extend((0..state.late.len()).map(Action::Arrive));
        if state.reads > 0 && state.reader == Reader::Idle {
            actions.push(Action::Read);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Accept(booking) => state.heads[usize::from(booking)] += 1,
            Action::Deliver(position, images) => state.indexers[position] = Indexer::Looking(images),
            Action::Call(process, end) => self.call(&mut state, process, end),
            Action::Arrive(position) => {
                let call = state.late.remove(position);
                let commits = matches!(call, Call::Commit(_));
                let answer = state.act(self, call);
                state.seen.late_commit |= commits && answer == Answer::Done;
            }
            Action::Read => {
                state.reads -= 1;
                state.reader = Reader::Looking;
            }
        }
        // Indexers are alike: which one is at what makes no difference.
        state.indexers.sort_unstable();
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

impl Feed {
    fn calls(&self, state: &State, process: Process, actions: &mut Vec<Action>) {
        let Some(call) = self.next_call(state, process) else { return };
        let writes = matches!(call, Call::Keep(_) | Call::Raise(..) | Call::Commit(_));
        let ends: &[End] = if writes { &End::WRITING } else { &End::READING };
        for end in ends {
            let affordable = *end == End::Answered || state.faults > 0;
            if affordable && (*end != End::Late || !state.late.is_full()) {
                actions.push(Action::Call(process, *end));
            }
        }
    }

    fn next_call(&self, state: &State, process: Process) -> Option<Call> {
        match process {
            Process::Indexer(position) => state.indexers[position].call(),
            Process::Reader => match (&state.reader, self.bug) {
                (Reader::Idle, _) => None,
                (Reader::Looking, Some(Bug::PagesBeforeTip)) | (Reader::Paging(_), _) => Some(Call::Pages),
                (Reader::Looking, _) | (Reader::Late(_), _) => Some(Call::Tip),
            },
        }
    }

    fn call(&self, state: &mut State, process: Process, end: End) {
        let Some(call) = self.next_call(state, process) else { return };
        if end != End::Answered {
            state.faults -= 1;
        }
        let answer = match end {
            End::Answered => Some(state.act(self, call)),
            End::Failed => None,
            End::Unheard => {
                state.act(self, call);
                None
            }
            End::Late => {
                state.late.push(call);
                state.late.sort_unstable();
                None
            }
            End::Twice => {
                state.act(self, call.clone());
                Some(state.act(self, call))
            }
            End::Crash => {
                self.dies(state, process);
                return;
            }
        };
        match process {
            Process::Indexer(position) => self.indexer_hears(state, position, answer),
            Process::Reader => self.reader_hears(state, answer),
        }
    }

    fn dies(&self, state: &mut State, process: Process) {
        match process {
            Process::Indexer(position) => state.indexers[position] = Indexer::Idle,
            Process::Reader => state.reader = Reader::Idle,
        }
    }

    fn reader_hears(&self, state: &mut State, answer: Option<Answer>) {
        state.reader = match (std::mem::take(&mut state.reader), answer) {
            (Reader::Looking, Some(Answer::Tip(tip))) => Reader::Paging(tip),
            (Reader::Looking, Some(Answer::Pages(pages))) => Reader::Late(Box::new(pages)),
            (Reader::Paging(tip), Some(Answer::Pages(pages))) => {
                state.check_read(&pages, &tip);
                Reader::Idle
            }
            (Reader::Late(pages), Some(Answer::Tip(tip))) => {
                state.check_read(&pages, &tip);
                Reader::Idle
            }
            (_, _) => Reader::Idle,
        };
    }
}
