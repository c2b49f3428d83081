#!/usr/bin/env bash
# The project's bash, one path a line: found by suffix or first line; and files that are sourced: tools/activate, the lab's fakes.
set -euo pipefail
cd "$(dirname "$0")/.."

{
    git ls-files -co --exclude-standard -z | xargs -0 shfmt -f
    git ls-files -co --exclude-standard -- lab/hosts/fake tools/activate
} | sort -u
