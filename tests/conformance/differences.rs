//! Where an engine is known to differ from what is asked of it. Each entry must come true: a difference that is gone
//! fails the test, and so does a case that fails in another way.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;

use crate::engine::Engine;

/// One case that fails on one engine.
struct Difference {
    engine: &'static str,
    case: &'static str,
    /// Part of what the failing case says.
    says: &'static str,
    /// Why it is so and what follows.
    why: &'static str,
}

const fn of(engine: &'static str, case: &'static str, says: &'static str, why: &'static str) -> Difference {
    Difference { engine, case, says, why }
}

const NO_LIMITS: &str = "memory knows no limit of sizes, so a simulation never meets one; limits.rs keeps them away";
const RECEIPTS: &str = "a receipt of memory is good as long as its message is: a slow drainer may delete what another \
                        one works on, which is harder on the protocol than SQS FIFO";

#[rustfmt::skip]
const DIFFERENCES: &[Difference] = &[
    of("memory", "events::a_gap_is_no_answer", "a range with a hole",
        "memory shows what is there; that the record has no gaps is what the simulation checks on its own"),
    of("memory", "sizes::an_event_above_400_kb_is_too_large", "taken, whatever its size", NO_LIMITS),
    of("memory", "sizes::an_update_above_400_kb_is_too_large_and_changes_nothing", "taken, whatever its size", NO_LIMITS),
    of("memory", "sizes::a_booking_above_400_kb_is_too_large_and_leaves_the_code_free", "taken, whatever its size", NO_LIMITS),
    of("memory", "queue_letters::a_body_above_1_mib_is_too_large", "taken, whatever its size", NO_LIMITS),
    of("memory", "stale::a_page_ends_at_1_mb", "1 pages", "memory shows a segment in one page"),
    of("memory", "queue::an_old_receipt_deletes_nothing", "gone by a receipt that was no longer good", RECEIPTS),
    of("memory", "queue::an_old_receipt_is_refused_for_back_off", "taken, though the receipt was no longer good", RECEIPTS),
    of("memory", "queue_letters::a_dead_letter_set_aside_twice_is_one", "left: 2",
        "memory keeps both, against the port's word; a test counts letters of messages that were set aside once"),
    of("memory", "queue_letters::a_message_received_too_often_moves_away_and_frees_its_group", "received 4 times",
        "memory never gives up on a message, and the template lets SQS do so only after 1000 receives"),
];

/// Runs `case` and holds its outcome against [`DIFFERENCES`].
pub(crate) async fn check(engine: &Engine, name: &str, case: impl Future<Output = ()>) {
    let outcome = AssertUnwindSafe(case).catch_unwind().await;
    let known = DIFFERENCES.iter().find(|known| known.engine == engine.name && known.case == name);
    match (outcome, known) {
        (Ok(()), None) => {}
        (Ok(()), Some(known)) => {
            panic!("{} no longer differs in {name}: take it off the list ({})", engine.name, known.why)
        }
        (Err(panic), None) => std::panic::resume_unwind(panic),
        (Err(panic), Some(known)) => {
            let said = said(&*panic);
            assert!(said.contains(known.says), "{} differs in {name}, but not as known: {said}", engine.name);
            println!("{} is known to differ in {name}: {}", engine.name, known.why);
        }
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

#[test]
fn every_difference_names_a_case() {
    for known in DIFFERENCES {
        assert!(crate::CASES.contains(&known.case), "no case is called {}", known.case);
        assert!(["memory", "embedded", "ministack"].contains(&known.engine), "{}", known.engine);
    }
}
