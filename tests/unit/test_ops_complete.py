"""The words that the shell completes, as its completion asks for them; and what --help and --version say."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli import app
from tests.unit.fake_hosts import SITE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for stack in ("dev", "lab"):
        (tmp_path / f"Pulumi.{stack}.yaml").write_text(SITE.replace("gpu-1:", '"gpu-[1,3]":'))
    return tmp_path


def completed(words: str) -> list[str]:
    """What bash is offered for the last word."""
    count = str(len(words.split(" ")) - 1)
    env = {"_SITECTL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": count}
    return CliRunner().invoke(app, [], prog_name="sitectl", env=env).stdout.split()


def test_hosts_also_of_a_range_and_of_a_site_with_faults(folder: Path) -> None:
    assert completed(f"sitectl drift -s lab -C {folder} ") == ["cp-1", "gpu-1", "gpu-3", "gpu-2"]
    assert completed(f"sitectl verify -s lab -C {folder} gpu-") == ["gpu-1", "gpu-3", "gpu-2"]
    (folder / "Pulumi.lab.yaml").write_text("config: [")
    assert completed(f"sitectl drift -s lab -C {folder} ") == []


def test_stacks_keys_and_checks(folder: Path) -> None:
    assert completed(f"sitectl drift -C {folder} -s ") == ["dev", "lab"]
    assert completed("sitectl explain kern") == ["kernel"]
    assert "kernel.reboot" in completed("sitectl explain kernel.")
    assert completed("sitectl explain no.such.") == []
    assert completed("sitectl preflight --only clock") == ["clock-skew"]
    assert {"cpus", "secrets"} <= set(completed("sitectl preflight --skip "))


def test_help_has_an_example_and_no_jargon() -> None:
    for verb in ("init", "preflight", "drift", "scan"):
        text = CliRunner().invoke(app, [verb, "--help"]).stdout
        assert f"Example: sitectl {verb} " in text
        assert not [word for word in ("[[", "<bool>", "300.0", "int range", "<path>") if word in text]


def test_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout.startswith("sitectl of gpu-metal ")
