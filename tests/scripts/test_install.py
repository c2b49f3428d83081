"""The library comes to a host: what is hashed is used, and the machine is the one that is meant (gA2, gR13, gR14)."""

import io
import os
import subprocess
import tarfile
import threading
from hashlib import sha256
from pathlib import Path

import pytest

from components.hostrun import library
from tests.scripts.runner_host import snapshot


class Machine:
    """A root folder that the install text and the installed gpu-metal work in."""

    def __init__(self, root: Path) -> None:
        self.root, self.bin, self.home = root, root / "sbin" / "gpu-metal", root / "home"
        self.run = root / "run"
        self.run.mkdir()
        self.environment = {
            **os.environ,
            "GPU_METAL_HOME": str(self.home),
            "GPU_METAL_RUN": str(self.run),
            "GPU_METAL_BIN": str(self.bin),
        }

    def bash(self, text: bytes, *words: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            ["bash", "-s", "--", *words], input=text, capture_output=True, env=self.environment, timeout=60, check=False
        )
        return subprocess.CompletedProcess(words, done.returncode, done.stdout.decode(), done.stderr.decode())

    def install(self, content: bytes, name: str = "gpu-1", *, wanted: str = "") -> "subprocess.CompletedProcess[str]":
        staged = self.root / "staged.tar.gz"
        staged.write_bytes(content)
        return self.bash(library.INSTALL.encode(), "install", wanted or sha256(content).hexdigest(), str(staged), name)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def archive_of(**files: str) -> bytes:
    """An archive like the library's, with these files in addition."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        contents = library.files() | {name: text.encode() for name, text in files.items()}
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def test_install_then_use_then_remove_leaves_the_machine_as_it_was(machine: Machine) -> None:
    before = {path.name for path in machine.root.iterdir()}
    first = machine.install(library.archive())
    assert (first.returncode, first.stdout) == (0, f"library {library.digest()[:12]}\n"), first.stderr
    facts = subprocess.run([machine.bin, "facts", "--json"], capture_output=True, env=machine.environment, check=True)
    assert b'"identity": "gpu-1"' in facts.stdout
    assert machine.home.stat().st_mode & 0o777 == 0o700
    removed = machine.bash(library.INSTALL.encode(), "remove")
    assert removed.returncode == 0, removed.stderr
    machine.bin.parent.rmdir()
    assert {path.name for path in machine.root.iterdir()} | {"run"} == before
    assert machine.bash(library.INSTALL.encode(), "remove").returncode == 0


def test_a_second_install_touches_nothing(machine: Machine) -> None:
    machine.install(library.archive())
    before = snapshot(machine.home) | snapshot(machine.bin.parent)
    assert machine.install(library.archive()).returncode == 0
    assert snapshot(machine.home) | snapshot(machine.bin.parent) == before


def test_the_sites_layers_reach_a_host_whose_archive_was_tidied_away(machine: Machine) -> None:
    words = ["install", library.digest(), str(machine.root / "staged.tar.gz"), "gpu-1"]
    assert "staged.tar.gz cannot be read. Fix: run again" in machine.bash(library.INSTALL.encode(), *words).stderr
    machine.install(library.archive())
    assert not (machine.home / "site").exists()
    assert not (machine.root / "staged.tar.gz").exists()
    done = machine.bash(library.INSTALL.encode(), *words, "base", "db")
    assert done.returncode == 0, done.stderr
    assert (machine.home / "site").read_text() == "base\ndb\n"


def test_a_new_library_keeps_the_old_steps_and_mends_what_was_changed(machine: Machine) -> None:
    old = archive_of(**{"library/was@0123456789ab.sh": "# old\n"})
    machine.install(old)
    victim = next(iter((machine.home / "library").glob("*.sh")))
    victim.write_text("changed\n")
    first = machine.bin.readlink()
    (machine.home / "library" / "was@0123456789ab.sh").write_text("# old\n")
    machine.install(library.archive())
    assert machine.bin.readlink() != first
    assert (machine.home / "library" / "was@0123456789ab.sh").read_text() == "# old\n"
    assert all(
        (machine.home / name).read_bytes() == content
        for name, content in library.files().items()
        if name.startswith("library/")
    )


def test_other_bytes_than_the_wanted_ones_are_not_installed(machine: Machine) -> None:
    refused = machine.install(archive_of(evil="x"), wanted=library.digest())
    assert refused.returncode == 1
    assert "[library-digest]" in refused.stderr
    assert "Nothing was installed." in refused.stderr
    assert not machine.bin.exists()
    assert not list(machine.run.glob("install.*/"))


def test_the_bytes_that_were_hashed_are_the_bytes_that_are_installed(machine: Machine) -> None:
    """gA2: while the staged file is swapped in a tight loop, an install refuses or is right."""
    good, bad = library.archive(), archive_of(**{"library/evil@0123456789ab.sh": "evil\n"})
    staged, stop = machine.root / "staged.tar.gz", threading.Event()
    (machine.root / "good").write_bytes(good)
    (machine.root / "bad").write_bytes(bad)

    def swap() -> None:
        while not stop.is_set():
            for target in ("good", "bad"):
                link = machine.root / "link"
                link.symlink_to(target)
                link.replace(staged)

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        for _ in range(8):
            machine.bash(library.INSTALL.encode(), "install", library.digest(), str(staged), "gpu-1")
            assert not (machine.home / "library" / "evil@0123456789ab.sh").exists()
    finally:
        stop.set()
        swapper.join()
    assert machine.install(good).returncode == 0


def test_gr13_a_machine_that_is_another_host_is_refused_before_anything_changes(machine: Machine) -> None:
    machine.install(library.archive(), "cpu-1")
    before = snapshot(machine.home)
    refused = machine.install(library.archive(), "gpu-1")
    assert refused.returncode == 1
    assert "✗ gpu-1 [identity] this machine is cpu-1 " in refused.stderr
    assert "the site calls it gpu-1. Nothing was changed." in refused.stderr
    assert snapshot(machine.home) == before


def test_streamed_answers_with_nothing_installed_and_leaves_nothing(machine: Machine) -> None:
    answer = machine.bash(library.streamed("facts --json"))
    assert answer.returncode == 0, answer.stderr
    assert '"boot_id"' in answer.stdout
    refused = machine.bash(library.streamed("try base :: x@0123456789ab", "bulk x text 1\nit\n"))
    assert (refused.returncode, "[step-digest]" in refused.stderr) == (1, True)
    assert not list(machine.run.iterdir())
    assert not machine.home.exists()


def test_a_text_that_was_cut_on_its_way_does_nothing(machine: Machine) -> None:
    text = library.INSTALL.encode()
    for cut in range(len(text) // 3, len(text) - 30, len(text) // 3):
        machine.bash(text[:cut], "install", library.digest(), "/nowhere", "gpu-1")
        assert not machine.home.exists()
    streamed = library.streamed("facts --json")
    assert "boot_id" not in machine.bash(streamed[:-20]).stdout
    assert not list(machine.run.iterdir())
