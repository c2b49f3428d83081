#!/bin/bash
# Runs the checks of steps for one runner, each in a copy of this process: what all of them need is read once.
# asker.sh MARK; on stdin, for each check, the length of its declarations (as child.sh gets them), a line end and the
# declarations. Answers with the check's output, then NUL, `MARK STATUS`, NUL.
set -uo pipefail
shopt -s inherit_errexit
# shellcheck source=files.sh
. "${BASH_SOURCE[0]%/*}/files.sh"
# shellcheck source=lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"
exec 2>/dev/null # bash says there which check was killed

while read -r bytes && IFS= read -r -N "$bytes" declarations; do
    (
        set -e
        eval "$declarations"
        # shellcheck source=/dev/null disable=SC2154
        . "$gm_file"
        "$gm_function"
    ) </dev/null 2>&1
    printf '\0%s %s\0' "$1" "$?"
done
