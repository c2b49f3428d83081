"""The check `os`: which systems a host may have, and what `allowUntested` changes. Host's os-release is faked."""

from pathlib import Path

import pytest

from stacks.load import load_site
from stacks.plan import preflight
from tests.unit.step_host import StepHost

OS = Path(__file__).parents[2] / "components/host/steps/os.sh"
WANTS = "wants Debian 12 or 13, Ubuntu 20.04, 22.04 or 24.04, or RHEL 8 or 9 or one like it. Fix: "


def asked(folder: Path, system: str, **inputs: str) -> str:
    id_, _, version = system.partition("-")
    like = "debian" if id_ in {"debian", "ubuntu"} else "fedora"
    host = StepHost(folder, os=id_, version=version, like=like)
    _, said = host.call(OS, "check", {"declared": "", "kubernetes": "no", **inputs})
    return said


@pytest.mark.row("H16", "X7")
@pytest.mark.parametrize("system", ["debian-11", "debian-14", "ubuntu-26.04"])
def test_a_system_of_which_nothing_is_known_is_refused_until_the_site_allows_it(tmp_path: Path, system: str) -> None:
    said = asked(tmp_path, system, declared=system)
    assert (
        said
        == f"has {system}, {WANTS}reinstall the host with one of them, or allowUntested: true in the site to try it"
    )
    assert asked(tmp_path, system, declared=system, untested="yes") == ""


@pytest.mark.row("H16", "X7")
@pytest.mark.parametrize("system", ["rhel-7", "centos-7.9", "fedora-42", "mint-22"])
def test_a_system_that_is_known_to_fail_or_has_no_steps_stays_refused(tmp_path: Path, system: str) -> None:
    assert asked(tmp_path, system, untested="yes").startswith(f"has {system}, {WANTS}reinstall the host")


@pytest.mark.row("X7")
@pytest.mark.parametrize("allowed", [False, True])
def test_the_sites_word_reaches_the_check(tmp_path: Path, *, allowed: bool) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKtOhP4CLRX5bk0bAYGUDQSUmd5GWhtqpqYbNZlhUuIj"
    host = f'{{address: 10.0.0.21, hostKey: "{key}"}}'
    text = f"config:\n  gpu-metal:site:\n    allowUntested: {str(allowed).lower()}\n    hosts: {{gpu-1: {host}}}\n"
    (tmp_path / "Pulumi.lab.yaml").write_text(text)
    site = load_site("lab", tmp_path)
    (step,) = (step for step in preflight(site, site.hosts["gpu-1"]) if step.id == "os")
    assert step.inputs.get("untested") == ("yes" if allowed else None)
