#!/bin/bash
# Runs the checks of steps for one runner, each in a copy of this process: what all of them need is read once.
# asker.sh MARK [FOLDER]; on stdin, for each check, the length of its declarations (as child.sh gets them), a line end and
# the declarations. Answers with the check's output, then NUL, `MARK STATUS`, NUL. FOLDER is where `once` keeps answers, for
# as long as this process lives.
set -uo pipefail
shopt -s inherit_errexit
# shellcheck source=files.sh
. "${BASH_SOURCE[0]%/*}/files.sh"
# shellcheck source=lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"
gm_once=${2-}
if [[ -n $gm_once ]]; then
    _forget() { [[ ! -e $gm_once ]] || rm -rf -- "$gm_once"; }
    _forget # of a killed one
    trap _forget EXIT
fi
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
