//! What can happen next: every process's next call with every way it may end.

use arrayvec::ArrayVec;
use stateright::{Model, Property};

use crate::state::{Answer, Broken, Call, Drainer, Publisher, Reader, Seen, State, Told, Writer};
use crate::{Protocol, properties};

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Process {
    /// The writer of an event, by position.
    Writer(usize),
    /// A drainer.
    Drainer(usize),
    /// The publisher.
    Publisher,
    /// The reader, asking for the item.
    ReaderOfItem,
    /// The reader, asking for the record.
    ReaderOfRecord,
}

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// The store acts and is heard.
    Answered,
    /// It certainly does nothing.
    Failed,
    /// It acts; the answer is lost.
    Unheard,
    /// No answer; it acts later.
    Late,
    /// The process dies before it acts.
    CrashBefore,
    /// It acts, and the process dies.
    CrashAfter,
}

impl End {
    const WRITING: [Self; 6] =
        [Self::Answered, Self::Failed, Self::Unheard, Self::Late, Self::CrashBefore, Self::CrashAfter];
    const READING: [Self; 3] = [Self::Answered, Self::Failed, Self::CrashBefore];
}

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// A process makes its next call.
    Call(Process, End),
    /// A call that nobody waits for has its effect.
    Arrive(usize),
    /// A drainer receives the first message.
    Receive(usize),
    /// It receives a message that another one has, after the visibility timeout.
    ReceiveAgain(usize),
    /// The publisher is given the images of the item up to this one.
    Deliver(usize),
    /// The publisher is given the image of a conflict.
    DeliverConflict(u8),
    /// A client repeats its request.
    Repeat(usize),
    /// A read begins.
    Read,
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            item: None,
            owner: 0,
            conflicts: 0,
            record: Default::default(),
            queue: ArrayVec::new(),
            named: 0,
            stream: ArrayVec::new(),
            conflict_stream: 0,
            published: 0,
            announced: 0,
            late: ArrayVec::new(),
            accepted: ArrayVec::new(),
            writers: self.expectations.iter().map(|_| Writer::Deciding).collect(),
            told: self.expectations.iter().map(|_| Told::Nothing).collect(),
            retries: self.retries,
            drainers: (0..self.drainers).map(|_| Drainer::Idle).collect(),
            publisher: Publisher::Idle,
            reader: Reader::Idle,
            reads: self.reads,
            faults: self.faults,
            broken: Broken::default(),
            seen: Seen::default(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.broken != Broken::default() {
            return;
        }
        for position in 0..state.writers.len() {
            self.calls(state, Process::Writer(position), actions);
            if state.retries > 0 && matches!(state.writers[position], Writer::Resting | Writer::Silent) {
                actions.push(Action::Repeat(position));
            }
        }
        for position in 0..state.drainers.len() {
            self.calls(state, Process::Drainer(position), actions);
        }
        for process in [Process::Publisher, Process::ReaderOfItem, Process::ReaderOfRecord] {
            self.calls(state, process, actions);
        }
        actions.extend((0..state.late.len()).map(Action::Arrive));
        self.receipts(state, actions);
        self.deliveries(state, actions);
        if state.reads > 0 && state.reader == Reader::Idle {
            actions.push(Action::Read);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Call(process, end) => self.call(&mut state, process, end),
            Action::Arrive(position) => {
                let call = state.late.remove(position);
                state.act(self, call);
                state.seen.late = true;
            }
            Action::Receive(drainer) => self.receive(&mut state, drainer),
            Action::ReceiveAgain(drainer) => {
                state.faults -= 1;
                self.receive(&mut state, drainer);
            }
            Action::Deliver(place) => self.deliver(&mut state, place),
            Action::DeliverConflict(event) => state.publisher = Publisher::Announcing(event),
            Action::Repeat(writer) => {
                state.retries -= 1;
                state.writers[writer] = Writer::Deciding;
                if state.told[writer] == Told::NotAccepted {
                    state.told[writer] = Told::Nothing;
                }
            }
            Action::Read => {
                state.reads -= 1;
                state.reader = Reader::Reading { confirmed: state.confirmed(), item: None, record: None };
            }
        }
        // Drainers are alike: which one is at what makes no difference.
        state.drainers.sort_unstable();
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

impl Protocol {
    fn calls(&self, state: &State, process: Process, actions: &mut Vec<Action>) {
        let Some(call) = self.next_call(state, process) else { return };
        let ends: &[End] = if matches!(call, Call::Look | Call::Range) { &End::READING } else { &End::WRITING };
        for end in ends {
            let affordable = *end == End::Answered || state.faults > 0;
            let room = *end != End::Late || !state.late.is_full();
            if affordable && room {
                actions.push(Action::Call(process, *end));
            }
        }
    }

    fn next_call(&self, state: &State, process: Process) -> Option<Call> {
        match process {
            Process::Writer(position) => self.writer_call(state, position),
            Process::Drainer(position) => self.drainer_call(&state.drainers[position]),
            Process::Publisher => self.publisher_call(state),
            Process::ReaderOfItem => state.reader.wants_item().then_some(Call::Look),
            Process::ReaderOfRecord => state.reader.wants_record().then_some(Call::Range),
        }
    }

    fn call(&self, state: &mut State, process: Process, end: End) {
        let Some(call) = self.next_call(state, process) else { return };
        if end != End::Answered {
            state.faults -= 1;
        }
        match end {
            End::Answered => {
                let answer = state.act(self, call);
                self.hear(state, process, Some(answer), false);
            }
            End::Failed => self.hear(state, process, None, false),
            End::Unheard => {
                state.act(self, call);
                self.hear(state, process, None, true);
            }
            End::Late => {
                state.late.push(call);
                state.late.sort_unstable();
                self.hear(state, process, None, true);
            }
            End::CrashBefore => state.crash(process),
            End::CrashAfter => {
                state.act(self, call);
                state.crash(process);
            }
        }
    }

    /// A process hears the answer to its call, or that there is none, and whether the call may have had an effect.
    fn hear(&self, state: &mut State, process: Process, answer: Option<Answer>, in_doubt: bool) {
        match process {
            Process::Writer(position) => self.writer_hears(state, position, answer, in_doubt),
            Process::Drainer(position) => self.drainer_hears(state, position, answer),
            Process::Publisher => self.publisher_hears(state, answer),
            Process::ReaderOfItem | Process::ReaderOfRecord => self.reader_hears(state, process, answer),
        }
    }
}

impl State {
    fn crash(&mut self, process: Process) {
        match process {
            Process::Writer(position) => self.writers[position] = Writer::Silent,
            Process::Drainer(position) => self.drainers[position] = Drainer::Idle,
            Process::Publisher => self.publisher = Publisher::Idle,
            Process::ReaderOfItem | Process::ReaderOfRecord => self.reader = Reader::Idle,
        }
    }
}
