"""write_file and same_file, which all steps use: any content, short or long, by pipe or file, comes out as it went in.

Does not prove: links (test_links.py), and that files survive a power cut.
"""

import subprocess
from pathlib import Path

import pytest

FILES = Path("components/hostrun/files.sh").resolve()
TEXTS = {
    "empty": b"",
    "a line": b"one\n",
    "no line end": b"one\ntwo",
    "many line ends": b"\n\n one \n\n\n",
    "not UTF-8, and what bash marks its own text with": b"\xff\xfe\x01\x7f\\n%s$(x)\x1b",
    "a NUL": b"before\0after\n",
    "only a NUL": b"\0",
    "a NUL after much": b"x" * 4095 + b"\0" + b"y",
    "as much as is read at once": b"x" * 4096,
    "a NUL where reading stops": b"x" * 4096 + b"\0y",
    "more than that": b"x\n" * 3000,
    "every byte": bytes(range(256)) * 40,
}


def bash(root: Path, script: str, stdin: bytes) -> int:
    """Its status, with `stdin` on a pipe."""
    text = f"set -euo pipefail; umask 077; export LC_ALL=C GPU_METAL_RUN={root}/run; . {FILES}; {script}"
    return subprocess.run(["bash", "-c", text], input=stdin, timeout=60, check=False).returncode


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("source", ["", " <'{}/given'"], ids=["pipe", "file"])
def test_what_is_written_is_what_came_and_a_second_time_touches_nothing(
    tmp_path: Path, text: bytes, source: str
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "given").write_bytes(text)
    path, given = tmp_path / "etc" / "file", source.format(tmp_path)
    write = f"write_file '{path}' 0640{given}"
    assert bash(tmp_path, write, text) == 0
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (text, 0o640)
    before = path.stat()
    assert bash(tmp_path, write, text) == 0
    assert path.stat() == before
    same = f"same_file '{path}'{given}"
    assert bash(tmp_path, same, text) == 0
    for other in (text + b"x", text + b"\n", text[:-1] if text else b"\0", b"y" + text[1:]):
        path.write_bytes(other)
        assert bash(tmp_path, same, text) == 1
    assert bash(tmp_path, write, text) == 0
    assert path.read_bytes() == text
    assert [found.name for found in path.parent.iterdir()] == ["file"]
    assert list((tmp_path / "run").iterdir()) == []


def test_a_wrong_mode_alone_is_mended_in_place(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("text\n")
    path.chmod(0o666)
    before = path.stat()
    assert bash(tmp_path, f"write_file '{path}' 600", b"text\n") == 0
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_mode & 0o777) == (before.st_ino, before.st_mtime_ns, 0o600)


def test_a_file_that_cannot_be_written_is_a_failure_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder" / "file").mkdir(parents=True)
    assert bash(tmp_path, f"write_file '{tmp_path}/folder/file' 0600", b"text\n") == 1
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["file"]
