"""The library's archive. That a host takes it is proven in tests/scripts/test_install.py."""

import io
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from components.hostrun import library
from components.hostrun.step import Step

COMPONENTS = Path(library.__file__).parents[1]


def members() -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(library.archive()), mode="r:gz") as tar:
        return tar.getmembers()


def test_the_archive_is_the_same_bytes_whenever_and_by_whomever_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    first = library.archive()
    monkeypatch.setattr("time.time", lambda: 2e9)
    library.archive.cache_clear()
    assert library.archive() == first
    assert library.digest() == sha256(first).hexdigest()
    found = members()
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in found} == {(0, 0, 0, "", "")}
    assert [m.name for m in found] == sorted(m.name for m in found)


def test_the_archive_has_the_runner_with_its_parts_and_every_step_by_its_digest() -> None:
    names = {m.name for m in members()}
    assert {"runner/runner.sh", "runner/child.sh", "runner/lib.sh", "runner/os/debian.sh"} <= names
    assert "runner/install.sh" not in names
    scripts = list(COMPONENTS.glob("**/steps/*.sh"))
    assert scripts
    assert {f"library/{Step(path).ref}.sh" for path in scripts} == {n for n in names if n.startswith("library/")}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [("Bad.sh", "check() { :; }\n", "a step is named by"), ("none.sh", "apply() { :; }\n", "has a function check")],
)
def test_a_file_that_is_no_step_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, says: str
) -> None:
    (tmp_path / "room" / "steps").mkdir(parents=True)
    (tmp_path / "room" / "steps" / name).write_text(text)
    monkeypatch.setattr(library, "_COMPONENTS", tmp_path)
    with pytest.raises(ValueError, match=says):
        library.files()
