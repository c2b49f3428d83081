#!/usr/bin/env bash
# The project's bash, one path a line: by its suffix, by its first line; and what is sourced or put together: tools/activate, the lab's stand-ins.
set -euo pipefail
cd "$(dirname "$0")/.."

{
    git ls-files -co --exclude-standard -z | xargs -0 shfmt -f
    git ls-files -co --exclude-standard -- lab/hosts/fake tools/activate
} | sort -u
