#!/usr/bin/env bash
# Checks the dependencies' licences, sources and versions with cargo-deny, installing it if it is not there.
# `cargo deny check advisories` also needs the RustSec database and is left to machines that reach it.
set -euo pipefail
version=0.20.2
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
cargo deny --version 2>/dev/null | grep -qF "$version" || cargo install cargo-deny --version "$version" --locked --quiet
cargo deny --offline check --hide-inclusion-graph licenses bans sources
