//! Tools from PyPI that the tests run: installed by the tests themselves, pinned by version and hash.

mod ministack;
mod venv;

pub(crate) use ministack::{Ministack, REGION};
pub(crate) use venv::programs;
