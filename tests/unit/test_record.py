"""Drift written into the state. Does not prove: that the engine shows it (tests/lab/test_site.py does)."""

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from components.hostrun.report import Check
from ops import record as module

URN = "urn:pulumi:dev::gpu-metal::gpu-metal:host:Hosts$command:remote:Command::"
BASE = (
    "sudo -n gpu-metal apply base \\\n  :: swap_off@91ab3c \\\n"
    "  :: 'packages@77aa01#tools' 'names=curl gnupg' \\\n  :: sysctl@77aa01 vm.swappiness=10"
)


class Backend:
    """A stack's state behind `pulumi stack export` and `import`."""

    def __init__(self, resources: list[dict[str, Any]]) -> None:
        self.state = {"deployment": {"resources": resources}}
        self.imports = 0

    def __call__(self, words: Sequence[str], _stack: str, _folder: Path, *, stdin: str | None = None) -> str:
        if list(words) == ["stack", "export"]:
            return json.dumps(self.state)
        assert list(words) == ["stack", "import"]
        assert stdin
        self.state, self.imports = json.loads(stdin), self.imports + 1
        return ""

    def create(self, name: str) -> str:
        """The recorded command line of a resource."""
        return str(
            next(r["inputs"]["create"] for r in self.state["deployment"]["resources"] if r["urn"].endswith(name))
        )


def command(name: str, create: str, on: str) -> dict[str, Any]:
    """A layer on the host `on` as the state has it."""
    values = {"create": create, "delete": "undo"}
    runner = {"deletedWith": f"{URN}{on}-runner"}
    return {"type": module.COMMAND, "urn": URN + name, "inputs": values, "outputs": copy.copy(values), **runner}


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Backend:
    """Two hosts; the second one's membership is a layer of the first."""
    made = Backend(
        [
            command("gpu-1-base", BASE, "gpu-1"),
            command("cp-1-base", BASE, "cp-1"),
            command(
                "dev-members-07", "sudo -n gpu-metal apply members-07 \\\n  :: node_member@aa#gpu-1 node=gpu-1", "cp-1"
            ),
            command("dev-kubeconfig", "sudo -n cat /etc/kubernetes/admin.conf", "cp-1"),
            command("gpu-1-sqream-run", "sudo -n gpu-metal apply sqream-run \\\n  :: sqream_status@aa", "gpu-1"),
        ]
    )
    monkeypatch.setattr(module, "pulumi", made)
    return made


def failed(host: str, id_: str, saw: str = "it is not so") -> Check:
    """A step that does not hold."""
    return Check(id_, host, "failed", saw)


def test_the_line_of_the_step_says_what_is_untrue(backend: Backend) -> None:
    assert module.record([failed("gpu-1", "base/sysctl", "vm.swappiness is 60")], "dev", Path()) == ["gpu-1-base"]
    assert backend.create("gpu-1-base").splitlines()[-1] == "  :: sysctl@77aa01 DRIFTED vm.swappiness is 60"
    assert backend.create("gpu-1-base").splitlines()[:-1] == BASE.splitlines()[:-1]
    assert backend.create("cp-1-base") == BASE


def test_a_labelled_step_is_told_from_its_twin(backend: Backend) -> None:
    module.record([failed("gpu-1", "base/packages#tools")], "dev", Path())
    assert "packages@77aa01#tools DRIFTED" in backend.create("gpu-1-base")


def test_a_membership_is_recorded_at_its_group(backend: Backend) -> None:  # noqa: ARG001
    assert module.record([failed("cp-1", "members-07/node_member#gpu-1")], "dev", Path()) == ["dev-members-07"]


def test_a_layer_is_known_by_what_it_applies(backend: Backend) -> None:
    assert module.record([failed("gpu-1", "sqream-run/sqream_status")], "dev", Path()) == ["gpu-1-sqream-run"]
    assert "sqream_status@aa DRIFTED" in backend.create("gpu-1-sqream-run")


def test_a_run_that_did_not_end_is_a_line_of_its_own(backend: Backend) -> None:
    assert module.record([failed("gpu-1", "base/run", "a run has not ended")], "dev", Path()) == ["gpu-1-base"]
    assert module.record([failed("gpu-1", "base/run", "a run has not ended")], "dev", Path()) == []
    assert backend.create("gpu-1-base") == f"{BASE}\n# run DRIFTED a run has not ended"


def test_nothing_untrue_writes_nothing(backend: Backend) -> None:
    assert (
        module.record([Check("base/sysctl", "gpu-1", "ok"), Check("address", "cp-1", "unknown")], "dev", Path()) == []
    )
    assert backend.imports == 0


@pytest.mark.row("K12")
@pytest.mark.parametrize("step", ["certificates", "kubeconfig_read"])
def test_with_certificates_that_are_renewed_the_kubeconfig_is_read_anew(backend: Backend, step: str) -> None:
    found = [failed("cp-1", f"node/{step}")]
    assert module.record(found, "dev", Path()) == ["dev-kubeconfig"]
    assert backend.create("dev-kubeconfig").startswith("DRIFTED ")
    assert module.record(found, "dev", Path()) == []


def test_what_is_recorded_already_is_not_written_twice(backend: Backend) -> None:
    module.record([failed("gpu-1", "base/sysctl")], "dev", Path())
    assert module.record([failed("gpu-1", "base/sysctl")], "dev", Path()) == []
    assert backend.imports == 1


def test_a_host_that_lost_everything_gets_everything_again(backend: Backend) -> None:
    assert module.record([failed("gpu-1", "runner")], "dev", Path()) == [
        "gpu-1-base",
        "gpu-1-sqream-run",
    ]
    assert "DRIFTED" in backend.create("gpu-1-base")
    assert "DRIFTED" not in backend.create("dev-members-07")


def test_with_a_control_plane_its_memberships_and_the_kubeconfig_are_lost(backend: Backend) -> None:
    assert module.record([failed("cp-1", "runner")], "dev", Path()) == ["cp-1-base", "dev-members-07", "dev-kubeconfig"]
    assert backend.create("gpu-1-base") == BASE


def test_a_host_that_lacks_a_step_gets_its_library_again(backend: Backend) -> None:
    backend.state["deployment"]["resources"].append(command("gpu-1-runner", "sudo -n bash -s -- install", "gpu-1"))
    lost = Check("base/library", "gpu-1", "failed", "swap_off@91ab3c is not in this host's library.")
    assert module.record([lost], "dev", Path()) == ["gpu-1-base", "gpu-1-runner"]
    assert backend.create("gpu-1-runner") == "DRIFTED the host's library lacks a step"
    assert backend.create("cp-1-base") == BASE


def test_a_check_that_broke_is_recorded_as_its_fix_says(backend: Backend) -> None:  # noqa: ARG001
    broke = Check("base/sysctl", "gpu-1", "unknown", "check broke with status 1.", fix=module.MEND)
    works = Check("base/run", "gpu-1", "unknown", "a run goes on here.", fix="wait for its end, then again")
    assert module.record([works], "dev", Path()) == []
    assert module.record([broke], "dev", Path()) == ["gpu-1-base"]
