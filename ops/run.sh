#!/usr/bin/env bash
# The door behind `make`: gets the tools, then does one job for the stack $STACK (dev, the lab, unless told).
set -euo pipefail
cd "$(dirname "$0")/.."

stack=${STACK:-dev}
site=(--stack "$stack")
where=(--stack "$stack")
yes=()

# Temporary files of jobs are removed when they end.
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/gpu-metal.XXXXXX")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

# What every job needs: the Python environment, the CLI and the plugins on PATH. The lab brings its own state and keys;
# a plan (`prepare plan`) needs nothing that its hosts run, and only tests need what sites with parts do (`prepare parts`).
prepare() {
    case $stack:$1 in
        dev:*) eval "$(python3 -m lab env)" ;;&
        dev:plan) python3 -m lab.tools.get plan ;;
        dev:parts) tools_of_the_lab parts ;;
        dev:*) tools_of_the_lab ;;
        *) tools/get.sh site ;;
    esac
    . tools/activate
    [ "$stack" != dev ] || stack_of_the_lab
}

# Makes the hosts' base system (network and disk) beside the builds (processors).
tools_of_the_lab() {
    local base status=0
    python3 -m lab.tools.get debian
    python3 -m lab check # before the builds, which can take half an hour
    python3 -m lab base &
    base=$!
    python3 -m lab.tools.get plan lab "$@" || status=$?
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

# Changes the site by Pulumi, within a time limit: a host may freeze while a command runs there. After a run that failed,
# ends what it left running and says for each host where it stopped.
change() {
    local status=0
    ops/in_time.sh pulumi "$@" || status=$?
    [ "$status" -eq 0 ] || python -m ops recover --look "${where[@]}" >&2 || true
    return "$status"
}

# Go on after drift (1), or with a host that does not answer (4) or is too slow (9): the run then reports or mends it.
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
    change up "${site[@]}" --suppress-outputs "${yes[@]}"
    python -m ops verify "${where[@]}"
}

preview() {
    prepare plan
    pulumi preview "${site[@]}" --diff --suppress-outputs
}

down() {
    prepare plan
    python -m ops recover "${where[@]}"
    change destroy "${site[@]}" "${yes[@]}"
    if [ "$stack" = dev ]; then
        python -m lab down
    else
        echo "Pulumi.$stack.yaml is the site: it stays. To forget its empty state: pulumi stack rm --preserve-config $stack" >&2
    fi
}

# Starts with new hosts, since leftovers of a killed run would fail this one. One pytest runs all tests, grouped by the
# hosts that they use, on four workers (tests/schedule.py). `-m ""` also runs those marked `long`.
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
        prepare parts
        ops/lint.sh
        tests
        ;;
    test-all) prepare parts && python -m lab.tools.get former containerd policies logs && tests -m "" ;;
    bench) prepare all && python -m bench ;;
    *)
        echo "usage: ops/run.sh up|preview|down|test|test-all|bench|lab-up|lab-down" >&2
        exit 2
        ;;
esac
