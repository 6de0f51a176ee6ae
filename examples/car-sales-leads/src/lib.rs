//! Leads for a car dealer: who might buy, and whom to call today.
//!
//! A stream per buyer. An offer made to a buyer is a lead of low priority; accepted, it is one of high priority and the
//! buyer is called; withdrawn, it is none. The bus may deliver the withdrawal before the acceptance and the acceptance
//! before the offer: the kit puts them in order, so that [`Leads`] are the same whatever order they came in. And nobody
//! is called about an acceptance that is withdrawn: [`Dealer`] looks at the source before it does what can't be undone.

mod calls;
mod leads;

pub use calls::{CallDesk, Dealer};
pub use leads::{Lead, Leads, LeadsByBuyer, Priority};
