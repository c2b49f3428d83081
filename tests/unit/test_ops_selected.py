"""Which site sitectl means: the named one, else the one that pulumi has selected, else the lab's.
And what it says when its state or a secret is not found.

Does not prove: that Pulumi keeps its selection there; tests/lab/test_readme.py does, with the real one.
"""

import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli import app
from tests.unit.fake_hosts import SITE, FakePulumi, Sitectl, key


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with two sites, and a link to it."""
    monkeypatch.delenv("PULUMI_STACK", raising=False)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    site = tmp_path / "checkout"
    site.mkdir()
    (tmp_path / "link").symlink_to(site)
    for stack in ("dev", "lab"):
        (site / f"Pulumi.{stack}.yaml").write_text(SITE)
        (site / f"known_hosts.{stack}").write_text("".join(f"{name} {key(name)}\n" for name in ("cp-1", "gpu-1")))
        with (site / f"known_hosts.{stack}").open("a") as file:
            file.write(f"gpu-2 {key('gpu-2')}\n")
    return site


def select(home: Path, path: Path, stack: str) -> None:
    """As `pulumi stack select` does; the digest is of the path as Pulumi sees it."""
    digest = hashlib.sha1(f"{path}/Pulumi.yaml".encode(), usedforsecurity=False).hexdigest()
    (home / "workspaces").mkdir(parents=True, exist_ok=True)
    (home / "workspaces" / f"gpu-metal-{digest}-workspace.json").write_text(json.dumps({"stack": stack}))


def validate(*words: str) -> tuple[str, str]:
    """The first line on stderr, and the answer on stdout."""
    result = CliRunner().invoke(app, ["validate", *words])
    return result.stderr.splitlines()[0], result.stdout


def test_the_stack_that_pulumi_has_selected(folder: Path, tmp_path: Path) -> None:
    select(tmp_path / "home", folder, "organization/gpu-metal/lab")
    first, out = validate("-C", str(folder))
    assert first == "Site lab (selected by pulumi)."
    assert "✓ ok: Pulumi.lab.yaml, 3 hosts." in out


def test_a_selection_belongs_to_the_folder_as_the_shell_names_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    select(tmp_path / "home", tmp_path / "link", "lab")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PWD", str(tmp_path / "link"))
    assert validate()[0] == "Site lab (selected by pulumi)."
    monkeypatch.setenv("PWD", str(folder))
    assert validate()[0].startswith("Site dev (no stack")


@pytest.mark.parametrize("named", ["lab", "organization/gpu-metal/lab"])
def test_a_name_wins(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    select(tmp_path / "home", folder, "dev")
    monkeypatch.setenv("PULUMI_STACK", named)
    first, out = validate("-C", str(folder))
    assert (first, "Pulumi.lab.yaml" in out) == ("Site lab.", True)
    assert validate("-C", str(folder), "-s", "dev")[0] == "Site dev."


def test_without_any_it_says_so(folder: Path, tmp_path: Path) -> None:
    assert validate("-C", str(folder))[0] == "Site dev (no stack is named or selected: the lab's)."
    select(tmp_path / "home", folder, "")  # after `pulumi stack rm`
    assert validate("-C", str(folder))[0] == "Site dev (no stack is named or selected: the lab's)."


def test_quiet_and_programs_are_not_disturbed(folder: Path) -> None:
    words = ["validate", "-C", str(folder), "-s", "lab"]
    assert CliRunner().invoke(app, [*words, "--quiet"]).stderr == ""
    assert json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)["site"] == "lab"


@pytest.mark.parametrize(
    ("said", "code", "fix"),
    [
        (
            "PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions",
            3,
            "is not logged in to the backend that has the state. Fix: pulumi login --local, or ",
        ),
        (
            "no stack named 'dev' found",
            6,
            "export PULUMI_STACK=NAME; if the state is elsewhere, pulumi login ADDRESS; ",
        ),
        (
            "unable to open bucket file:///gone?no_tmp_dir=true: stat /gone: no such file or directory",
            3,
            "Fix: mount that folder, or log in to the backend that has the state: pulumi login ADDRESS.",
        ),
    ],
)
def test_a_state_that_is_not_found_says_the_way_to_it(
    ctl: Sitectl, cli: FakePulumi, said: str, code: int, fix: str
) -> None:
    """As Pulumi 3.220 says it."""
    (cli.folder / "pulumi").write_text(f'#!/bin/sh\necho "error: {said}" >&2\nexit 255\n')
    result = ctl("recover")
    assert result.exit_code == code
    assert said in result.stderr
    assert fix in result.stderr


def test_a_secret_that_is_not_set_says_how_to_set_it(ctl: Sitectl, cli: FakePulumi) -> None:
    (ctl.folder / "Pulumi.dev.yaml").write_text(SITE.replace("user: deploy", "user: deploy, passwordSecret: door"))
    said = "configuration key 'door' not found for stack 'dev'"
    (cli.folder / "pulumi").write_text(f'#!/bin/sh\necho "error: {said}" >&2\nexit 255\n')
    result = ctl("drift")
    assert result.exit_code == 3
    assert f"{said}. Fix: pulumi config set --secret door --stack dev < FILE\n" in result.stderr
