#!/bin/bash
# Runs one function of one step, with errexit truly on, as a process of its own that timeout can end.
# The step's inputs come on stdin, as bash declarations, and so appear neither in argv nor in the environment.
set -euo pipefail
shopt -s inherit_errexit

eval "$(</dev/stdin)"
# shellcheck source=files.sh
. "${BASH_SOURCE[0]%/*}/files.sh"
# shellcheck source=lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"
# shellcheck source=/dev/null disable=SC2154
. "$gm_file"

# fd 9 is the run's lock. Closed for one call, bash keeps it on a close-on-exec descriptor: this shell holds the lock
# as long as the step runs, also when the runner was killed, and no daemon that the step starts inherits it.
"$gm_function" </dev/null 9>&-
