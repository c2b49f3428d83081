#!/usr/bin/env bash
# pulumi, with a folder of its own for temporary files: the kubernetes plugin writes the administrator's kubeconfig into
# TMPDIR at every run and leaves it there (mode 0600).
set -euo pipefail
# After `su`, XDG_RUNTIME_DIR is still the other user's.
runtime=${XDG_RUNTIME_DIR:-/tmp}
[ -w "$runtime" ] || runtime=/tmp
TMPDIR=$(mktemp -d "${TMPDIR:-$runtime}/gpu-metal.XXXXXX")
export TMPDIR
# Pulumi and its plugins inherit this pipe. It closes when the last of them has ended, in whatever way; then the folder goes.
exec 9> >(
    trap '' HUP INT TERM
    exec >/dev/null 2>&1
    cat
    rm -rf "$TMPDIR"
)
exec @PROGRAM@ "$@"
