"""A step and the bash that its room shares: what runs is what was applied, of both.

How the two become one file: tests/unit/test_library.py.
"""

import pytest

from tests.scripts.runner_host import Host


def test_undo_runs_the_helpers_that_were_applied_although_only_they_have_changed(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def release(version: str) -> list[str]:
        room = host.root / version / "room"
        (room / "steps").mkdir(parents=True)
        (room / "lib.sh").write_text(f'mark() {{ echo "$1 {version}" >>{host.root}/log; }}\n')
        (room / "steps" / "used.sh").write_text(
            "# Its mark is there.\n# uses: room\n"
            f"check() {{ grep -q apply {host.root}/log 2>/dev/null || untrue 'no mark'; }}\n"
            "apply() { mark apply; }\nundo() { mark undo; }\n"
        )
        monkeypatch.setattr("components.hostrun.step.COMPONENTS", host.root / version)
        return [host.brought(room / "steps" / "used.sh")]

    old = release("old")
    host.apply("base", old)
    new = release("new")
    assert old != new
    host.apply("base", host.file("a", "x"))
    assert (host.root / "log").read_text() == "apply old\nundo old\n"
