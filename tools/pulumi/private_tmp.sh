#!/usr/bin/env bash
# pulumi, with a folder of its own for temporary files: the kubernetes plugin writes the administrator's kubeconfig into
# TMPDIR at every run and leaves it there (mode 0600). What this run starts ends with it.
set -euo pipefail
# `destroy --remove` deletes Pulumi.STACK.yaml, which is the site, and has no flag that keeps it; `stack rm` has one
# (tools/activate).
program=@PROGRAM@
words=" $* "
if [[ $words =~ \ (destroy|down|dn)\  && $words == *" --remove "* ]]; then
    echo "✗ --remove would delete the site file, too. Nothing was done. Fix: pulumi destroy; then pulumi stack rm --preserve-config" >&2
    exit 2
fi
# The language host that is built here is older than Pulumi: it ignores `virtualenv` of Pulumi.yaml, and `pulumi install`
# would put the environment's bin/ and lib/ into the top of the checkout. It is a link; the official one is a file.
verb() {
    while [[ ${1:-} == -* ]]; do
        case $1 in -C | --cwd | --color) shift ;; esac
        shift || return 0
    done
    echo "${1:-}"
}
if [[ $(verb "$@") == install && -L ${program%/*}/pulumi-language-python ]]; then
    echo "✗ pulumi install: the language host that was built here would put the Python environment into the top of the checkout, not into .venv. Nothing was done. Fix: make tools" >&2
    exit 2
fi
# After `su`, XDG_RUNTIME_DIR is still the other user's.
runtime=${XDG_RUNTIME_DIR:-/tmp}
[ -w "$runtime" ] || runtime=/tmp
TMPDIR=$(mktemp -d "${TMPDIR:-$runtime}/gpu-metal.XXXXXX")
export TMPDIR
# Before a layer is deleted, the program asks whether its host answers (components/hostrun/leave.py).
case " $* " in *" destroy "* | *" down "* | *" dn "*) export PULUMI_RUN_PROGRAM=${PULUMI_RUN_PROGRAM:-true} ;; esac
# Marks all that this run starts by its process and the time when that began, so that a number that is used again never
# counts. ops/orphans.py reads it, too.
GPU_METAL_CLI=
if [ -r "/proc/$$/stat" ]; then
    read -r stat <"/proc/$$/stat"
    read -ra stat <<<"${stat##*) }"
    export GPU_METAL_CLI=$$.${stat[19]}
fi

# The processes that carry the mark, one a line
marked() {
    [ -n "$GPU_METAL_CLI" ] || return 0
    grep -lszFx "GPU_METAL_CLI=$GPU_METAL_CLI" /proc/[0-9]*/environ | cut -d / -f 3 || true
}

# Ends them: a plugin that outlives a pulumi that was killed would go on to change hosts, and nobody would record it.
end_marked() {
    local tries
    for tries in TERM 0 0 0 0 0 0 0 0 0 KILL; do
        # shellcheck disable=SC2046  # one word is one process
        kill -s "$tries" $(marked) 2>/dev/null || [ -n "$(marked)" ] || return 0
        sleep 1
    done
}

# When pulumi, which takes over this process, has ended, in whatever way.
(
    trap '' HUP INT TERM
    export -n GPU_METAL_CLI # what runs here is no part of the run
    while kill -0 $$; do sleep 1; done
    end_marked
    rm -rf "$TMPDIR"
) </dev/null >/dev/null 2>&1 &
exec "$program" "$@"
