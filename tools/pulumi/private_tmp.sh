#!/usr/bin/env bash
# pulumi, with a folder of its own for temporary files: the kubernetes plugin writes the administrator's kubeconfig into
# TMPDIR at every run and leaves it there (mode 0600).
set -euo pipefail
# `destroy --remove` deletes Pulumi.STACK.yaml, which is the site, and has no flag that keeps it; `stack rm` has one
# (tools/activate).
words=" $* "
if [[ $words =~ \ (destroy|down|dn)\  && $words == *" --remove "* ]]; then
    echo "✗ --remove would delete the site file, too. Nothing was done. Fix: pulumi destroy; then pulumi stack rm --preserve-config" >&2
    exit 2
fi
# After `su`, XDG_RUNTIME_DIR is still the other user's.
runtime=${XDG_RUNTIME_DIR:-/tmp}
[ -w "$runtime" ] || runtime=/tmp
TMPDIR=$(mktemp -d "${TMPDIR:-$runtime}/gpu-metal.XXXXXX")
export TMPDIR
# Removes the folder when pulumi, which takes over this process, has ended, in whatever way. A plugin does not count: the
# kubernetes plugin outlives a pulumi that was killed.
(
    trap '' HUP INT TERM
    while kill -0 $$; do sleep 1; done
    rm -rf "$TMPDIR"
) </dev/null >/dev/null 2>&1 &
exec @PROGRAM@ "$@"
