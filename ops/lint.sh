#!/usr/bin/env bash
# Every linter, no finding: ruff, mypy --strict, shellcheck, shfmt, yamllint, and no file over 300 lines.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH

ruff check .
ruff format --check .
mypy --strict .
# The example part is type-checked in a copy of the project, in the folders of a real part.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
python -m tests.example_copy "$copy"
(cache=$PWD/.mypy_cache/example && cd "$copy" && mypy --strict --cache-dir "$cache" {components/parts,tests/parts,lab/parts}/example)
ops/bash_files.sh | xargs shellcheck
ops/bash_files.sh | xargs shfmt -d
yamllint --strict .
long=$(git ls-files -co --exclude-standard -z -- '*.py' '*.sh' | xargs -0 wc -l | awk '$2 != "total" && $1 > 300')
[ -z "$long" ] || {
    printf 'over 300 lines:\n%s\n' "$long" >&2
    exit 1
}
