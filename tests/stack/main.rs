//! The functions as they are shipped: release `bootstrap` binaries, deployed from template.yaml by CloudFormation onto
//! ministack, with the template's own roles enforced, driven over HTTP with signed requests.
//!
//! What has to be changed in the template for that stands in [`transform`], nowhere else.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "whatever fails here fails the test")]

mod aws;
mod binaries;
mod contract;
mod letters;
mod outage;
mod projections;
#[path = "../python/mod.rs"]
mod python;
mod stack;
mod system;
mod torture;
mod tortured;
mod transform;
mod unreachable;
