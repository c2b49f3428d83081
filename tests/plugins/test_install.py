"""install.sh: puts the launcher in place once, and leaves an official plugin alone."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.plugins.tools import CHECKOUT, tool

PLUGIN = "resource-command-v1.2.1/pulumi-resource-command"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "plugins"


def install(monkeypatch: pytest.MonkeyPatch, *, pulumi: bool = True) -> str:
    folder = Path(tool("pulumi")).parent
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin" if pulumi else "/usr/bin:/bin")
    done = subprocess.run([CHECKOUT / "lab/plugins/install.sh"], check=True, capture_output=True, text=True)
    return done.stderr


def test_it_is_installed_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    assert os.access(home / PLUGIN, os.X_OK)
    assert str(CHECKOUT) in (home / PLUGIN).read_text()
    assert [path.name for path in home.iterdir() if path.is_dir()] == ["resource-command-v1.2.1"]
    install(monkeypatch, pulumi=False)  # nothing to do: pulumi is not even asked


def test_a_launcher_of_another_place_is_rewritten(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    launcher = home / PLUGIN
    launcher.write_text(launcher.read_text().replace(str(CHECKOUT), "/moved/away"))
    install(monkeypatch)
    assert "/moved/away" not in launcher.read_text()


def test_an_official_plugin_stays(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    (home / PLUGIN).write_bytes(b"\x7fELF official")
    assert "the official plugin is in" in install(monkeypatch)
    assert (home / PLUGIN).read_bytes() == b"\x7fELF official"
