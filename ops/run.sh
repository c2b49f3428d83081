#!/usr/bin/env bash
# The door behind `make`: gets the tools, then does one job for the stack $STACK (dev, the lab, unless told).
set -euo pipefail
cd "$(dirname "$0")/.."

stack=${STACK:-dev}
site=(--stack "$stack")
where=(--stack "$stack")
yes=()

# What jobs write for themselves goes when they end.
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/gpu-metal.XXXXXX")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

# What every job needs: the Python environment, the CLI and the plugins on PATH. The lab brings its own state and keys;
# to plan it (`prepare plan`) nothing of what its hosts run is needed.
prepare() {
    case $stack:$1 in
        dev:*) eval "$(python3 -m lab env)" ;;&
        dev:plan) python3 -m lab.tools.get plan ;;
        dev:*) tools_of_the_lab ;;
        *) tools/get.sh site ;;
    esac
    . tools/activate
    [ "$stack" != dev ] || stack_of_the_lab
}

# What waits for the network and the disk goes beside what waits for the processors: the hosts' base system beside builds.
tools_of_the_lab() {
    local base status=0
    python3 -m lab.tools.get debian
    python3 -m lab base &
    base=$!
    python3 -m lab.tools.get plan lab || status=$?
    wait "$base" || status=$?
    return "$status"
}

# Pulumi writes the salt of a passphrase into the stack's file. The lab's passphrase belongs to this machine, so Pulumi
# is given a copy of the file in the lab's folder, and the checkout stays as it is.
stack_of_the_lab() {
    local copy=$GPU_METAL_LAB/project salt=
    python -m lab keys
    mkdir -p "$copy" "$GPU_METAL_LAB/state"
    [ ! -f "$copy/Pulumi.dev.yaml" ] || salt=$(grep '^encryptionsalt:' "$copy/Pulumi.dev.yaml" || true)
    cp Pulumi.yaml "$copy/"
    {
        cat Pulumi.dev.yaml
        printf '%s\n' "$salt"
    } >"$copy/Pulumi.dev.yaml"
    [ -f "$GPU_METAL_LAB/state/.pulumi/stacks/gpu-metal/dev.json" ] || pulumi -C "$copy" stack init dev >&2
    site+=(--config-file "$copy/Pulumi.dev.yaml")
    where+=(--cwd "$copy")
    yes=(--yes --skip-preview)
}

# The command's own dial can hang for ever on a host that takes the connection and says nothing; no hook stands before
# a delete. So a run as a whole has an end: first as Ctrl-C would (what was begun is recorded), then for good.
in_time() {
    local limit=${GPU_METAL_LIMIT:-2h} status=0
    timeout --foreground --signal=INT --kill-after=2m "$limit" "$@" || status=$?
    if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
        echo "✗ no end within $limit (GPU_METAL_LIMIT). Fix: sitectl verify names the host that hangs; then repeat." >&2
    fi
    return "$status"
}

# Drift (1), a host that cannot be asked (4) or is too slow (9) end no run here: what follows says it, or mends it.
record_drift() {
    local status=0
    python -m ops drift --record --quiet "${where[@]}" >/dev/null || status=$?
    case $status in 0 | 1 | 4 | 9) ;; *) return "$status" ;; esac
}

up() {
    prepare all
    [ "$stack" != dev ] || python -m lab up
    python -m ops recover "${where[@]}"
    record_drift
    in_time pulumi up "${site[@]}" --suppress-outputs "${yes[@]}"
    python -m ops verify "${where[@]}"
}

preview() {
    prepare plan
    pulumi preview "${site[@]}" --diff --suppress-outputs
}

down() {
    prepare plan
    python -m ops recover "${where[@]}"
    in_time pulumi destroy "${site[@]}" "${yes[@]}"
    [ "$stack" != dev ] || python -m lab down
}

# Hosts are new: what an earlier run that was killed left on them would fail this one. One run of pytest has all tests:
# groups by the hosts that they use, on four workers (tests/schedule.py). Without the marker all means all.
tests() {
    unset PYTHONDONTWRITEBYTECODE # else each worker compiles each test again
    python -m lab down --erase
    python -m pytest -n 4 --durations=20 "$@"
}

case ${1:-} in
    up | preview | down) "$1" ;;
    lab-up) prepare all && python -m lab up ;;
    lab-down) python -m lab down ;;
    test)
        prepare all
        ops/lint.sh
        tests
        ;;
    test-all) prepare all && tests -m "" ;;
    bench) prepare all && python -m bench ;;
    *)
        echo "usage: ops/run.sh up|preview|down|test|test-all|bench|lab-up|lab-down" >&2
        exit 2
        ;;
esac
