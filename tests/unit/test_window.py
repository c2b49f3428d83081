"""Maintenance windows (hostrun/window.sh), on a host with a clock and a language of its own."""

import subprocess
from pathlib import Path

import pytest

from components.hostrun.step import COMPONENTS

pytestmark = pytest.mark.row("K16")

# A host of Germany: without LC_ALL=C its date has other names of days.
RUN = """
set -euo pipefail
untrue() { echo "$*"; exit 1; }
date() {
    local words=(-u -d "$NOW" "$@")
    if [[ $1 == -d ]]; then words=(-u -d "$NOW UTC $2" "${@:3}"); fi
    command date "${words[@]}" | if [[ ${LC_ALL-} == C ]]; then cat; else sed 's/Sun/So/; s/Mon/Mo/'; fi
}
. "$1"
in_window "$2" "gpu-1 is to be upgraded"
"""


@pytest.mark.parametrize(
    ("now", "window", "says"),
    [
        ("2026-11-29 23:00", "Sun 22:00-04:00", None),
        ("2026-11-30 03:59", "Sun 22:00-04:00", None),
        ("2026-11-30 04:00", "Sun 22:00-04:00", "Mon 2026-11-30 04:00 UTC. Fix: pulumi up from Sun 2026-12-06 22:00"),
        ("2026-11-29 03:00", "Sun 22:00-04:00", "Fix: pulumi up from Sun 2026-11-29 22:00 on"),
        ("2026-11-30 22:30", "daily 22:00-04:00", None),
        ("2026-11-30 12:00", "daily 22:00-04:00", "Fix: pulumi up from Mon 2026-11-30 22:00 on"),
        ("2026-11-30 12:00", "Mon 11:00-13:00", None),
    ],
)  # fmt: skip
def test_it_opens_by_the_day_whatever_the_hosts_language(now: str, window: str, says: str | None) -> None:
    words = ["bash", "-c", RUN, "bash", str(Path(COMPONENTS) / "hostrun/window.sh"), window]
    env = {"PATH": "/usr/bin:/bin", "NOW": now, "LANG": "de_DE.UTF-8"}
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert (done.returncode == 0) == (says is None), done.stdout
    assert (says or "") in done.stdout
