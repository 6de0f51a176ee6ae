#!/usr/bin/env bash
# Checks template.yaml and the examples with cfn-lint and SAM. Needs python3 (3.10 or later) with venv, and a package index on the
# first run; needs no AWS account. The tools go to target/template-checks and are installed anew when
# requirements.txt changes.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=$root/target/template-checks
installed=$venv/requirements.txt

# Copied last, so that an interrupted install is done again.
if ! cmp -s "$here/requirements.txt" "$installed"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    # The list is complete, so nothing is left for pip to resolve.
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
        -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$installed"
fi

# Any finding fails, warnings and hints too.
lint() {
    "$venv/bin/cfn-lint" --include-checks I --non-zero-exit-code informational --template "$1"
}

cd "$root"
export SAM_CLI_TELEMETRY=0
lint template.yaml
lint examples/cancelled-bookings/template.yaml
# The region only selects the schemas; no credentials are used.
"$venv/bin/sam" validate --lint --template template.yaml --region us-east-1
"$venv/bin/python" "$here/expand.py" template.yaml >"$venv/expanded.json"
lint "$venv/expanded.json"
echo "template.yaml, examples: cfn-lint and sam validate --lint found nothing"
