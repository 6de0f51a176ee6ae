#!/usr/bin/env bash
# Fuzzes each target (or those named) for so many seconds: tests/fuzz/run.sh 600 request stream
# Needs a nightly toolchain and cargo-fuzz (cargo install cargo-fuzz). A finding is left in artifacts/.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo +nightly fuzz list)
for target in "${targets[@]}"; do
    mkdir -p "corpus/$target"
    cargo +nightly fuzz run "$target" "corpus/$target" "seeds/$target" -- \
        -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=4096 -print_final_stats=1
done
