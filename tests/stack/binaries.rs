//! The functions' binaries, as `sam build` makes them: by `cargo lambda` in release, cross-compiled by zig against an
//! old libc; here for x86-64.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::python;

/// The crates of the functions.
const PACKAGES: [&str; 8] = ["append", "read", "publish", "drain", "audit", "feed", "replay", "price-projection"];
/// Their binaries, a function each.
const BINARIES: [&str; 11] = [
    "append",
    "read",
    "publish",
    "drain",
    "audit",
    "feed-index",
    "feed",
    "replays",
    "replay-worker",
    "price-projection",
    "prices",
];

/// The zip of each function, built if need be.
pub(crate) fn zips() -> Vec<(&'static str, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = &booking_tests::target_directory();
    let programs = python::programs();
    // First in the path, for cargo-lambda finds zig by way of the Python there.
    let path = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect::<Vec<PathBuf>>();
    let path = std::env::join_paths(std::iter::once(programs.to_owned()).chain(path)).unwrap();
    let mut build = Command::new(programs.join("cargo-lambda"));
    build.args(["lambda", "build", "--release", "--locked", "--output-format", "zip"]);
    build.args(PACKAGES.iter().flat_map(|name| ["--package", name]));
    // By the environment: it hands the argument of that name on to a command that knows none.
    build.env("CARGO_TARGET_DIR", target).arg("--lambda-dir").arg(target.join("lambda"));
    // The shipped profile optimises across all crates at the end of each build, which alone would take longer than
    // the rest of the tests. Nothing else of the profile changes.
    build.env("CARGO_PROFILE_RELEASE_LTO", "thin").env("PATH", path).current_dir(root);
    let built = build.output().unwrap();
    assert!(built.status.success(), "cargo lambda build: {}", String::from_utf8_lossy(&built.stderr));
    let zip = |name| std::fs::read(target.join("lambda").join(name).join("bootstrap.zip")).unwrap();
    BINARIES.into_iter().map(|name| (name, zip(name))).collect()
}
