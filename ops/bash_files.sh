#!/usr/bin/env bash
# The project's bash, one path a line: by its suffix, by its first line, and the parts of the lab's stand-ins.
set -euo pipefail
cd "$(dirname "$0")/.."

{
    git ls-files -co --exclude-standard -z | xargs -0 shfmt -f
    git ls-files -co --exclude-standard -- lab/hosts/fake
} | sort -u
