#!/usr/bin/env bash
# Gets the tools of the named groups (python, uv, site) with whatever python3 the machine has: see get.py.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v python3 >/dev/null || {
    echo '✗ python [path] there is no python3 on PATH. Fix: install Python 3.11 or newer.' >&2
    exit 1
}
exec python3 -m tools.get "$@"
