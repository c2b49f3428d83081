"""The library's archive. That a host takes it is proven in tests/scripts/test_install.py."""

import io
import re
import tarfile
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import pytest

from components.hostrun import library, step
from components.hostrun.step import Step, libraries

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
    _only(tmp_path, monkeypatch)
    with pytest.raises(ValueError, match=says):
        library.files()


def test_a_step_travels_with_what_it_uses_and_is_named_by_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script, helper = tmp_path / "room" / "steps" / "thing.sh", tmp_path / "room" / "lib.sh"
    script.parent.mkdir(parents=True)
    script.write_text("# uses: room\ncheck() { helper; }\n")
    helper.write_text("helper() { :; }\n")
    _only(tmp_path, monkeypatch)
    [(name, content)] = [item for item in library.files().items() if item[0].startswith("library/")]
    assert content == helper.read_bytes() + script.read_bytes()
    assert name == f"library/thing@{sha256(content).hexdigest()[:12]}.sh"


@pytest.mark.parametrize("line", ["check() { :; }", "undo() { :; }", "# limit: 30"])
def test_a_room_s_library_has_nothing_that_belongs_to_a_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    script = tmp_path / "room" / "steps" / "thing.sh"
    script.parent.mkdir(parents=True)
    script.write_text("# uses: room\ncheck() { :; }\n")
    (tmp_path / "room" / "lib.sh").write_text(f"{line}\n")
    _only(tmp_path, monkeypatch)
    with pytest.raises(ValueError, match=r"lib\.sh: .* belongs to a step; a lib\.sh is put in front of many"):
        library.files()


def test_names_of_all_rooms_are_in_one_table_a_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for room, text in {"hostrun": "@a  one\n", "parts/x": "# x\n@b  two", "parts/y": "@c  three\n"}.items():
        (tmp_path / room / "os").mkdir(parents=True)
        (tmp_path / room / "os" / "debian.names").write_text(text)
    _only(tmp_path, monkeypatch)
    assert library.names() == {"debian.names": "@a  one\n# x\n@b  two\n@c  three\n"}
    # Also when another file of the family has it: which one is meant would depend on the system.
    (tmp_path / "parts/y/os/debian-13.names").write_text("@b  other\n")
    with pytest.raises(ValueError, match=r"parts/y/os/debian-13\.names: @b is in .*parts/x/os too\. Fix: use that one"):
        library.names()


def test_the_archive_has_the_names_of_every_room() -> None:
    table = library.files()["runner/os/debian.names"].decode()
    rooms = [path.read_text() for path in COMPONENTS.glob("**/os/debian.names")]
    assert len(rooms) > 2
    assert all(text.rstrip() in table for text in rooms)


def _only(components: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rooms are those of that folder."""
    for module in (library, step):
        monkeypatch.setattr(module, "COMPONENTS", components)


def test_no_step_takes_the_place_of_a_function_of_the_library() -> None:
    """They are one program on the host: `restore` would call the step's function of that name."""
    hostrun = COMPONENTS / "hostrun"
    parts = ("files", "lib", "folders", "packages", "sources", "networks", "window", "asked")
    common = _functions([*(hostrun / f"{part}.sh" for part in parts), *(hostrun / "os").glob("*.sh")])
    doubled = {}
    for script in (*COMPONENTS.glob("*/steps/*.sh"), *COMPONENTS.glob("*/*/steps/*.sh")):
        rooms = _functions(libraries(script))
        if both := _functions([script]) & (common | rooms):
            doubled[script.name] = both
    assert doubled == {}


def _functions(scripts: Iterable[Path]) -> set[str]:
    return {name for script in scripts for name in re.findall(r"^(\w+)\(\)", script.read_text(), re.MULTILINE)}
