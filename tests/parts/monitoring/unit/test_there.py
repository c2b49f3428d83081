"""What is said where `kind: existing` is not true, before a release that needs the operator's kinds.

Does not prove: how kubectl answers; it has a stand-in.
"""

import asyncio
import subprocess
from pathlib import Path

import pytest

from components.hostrun import ssh
from components.hostrun.target import SshError, Target
from components.parts.monitoring.there import NoOperatorError, must_be_there

pytestmark = pytest.mark.row("M1")

PLANES = [Target(name, "192.0.2.1", 22, "root", "ssh-ed25519 AAAA") for name in ("cp-1", "cp-2")]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with the kinds that cp-2 knows; cp-1 is dark."""
    kinds = tmp_path / "kinds"
    answer = f'for word; do if [[ $word == *.coreos.com ]]; then grep -x "$word" {kinds} || true; fi; done'
    (tmp_path / "kubectl").write_text(f"#!/bin/bash\n{answer}\n")
    (tmp_path / "kubectl").chmod(0o755)

    async def run(target: Target, command: str, *, stdin: bytes, deadline: float) -> ssh.Result:
        assert deadline > 0
        if target.name == "cp-1":
            raise SshError("cp-1", "address", "did not answer. Fix: switch it on")
        env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
        done = subprocess.run(["/bin/bash", "-c", command], input=stdin, capture_output=True, check=False, env=env)
        return ssh.Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    monkeypatch.setattr(ssh, "run", run)
    return kinds


def said(kinds: Path, *there: str) -> str:
    kinds.write_text("".join(f"{kind}.monitoring.coreos.com\n" for kind in there))
    try:
        asyncio.run(must_be_there(PLANES, "runai-cluster"))
    except NoOperatorError as error:
        return str(error)
    return ""


def test_where_the_operator_is_nothing_is_said(cluster: Path) -> None:
    assert said(cluster, "prometheuses", "servicemonitors", "probes") == ""


def test_without_its_kinds_the_key_and_both_ways_out_are_named(cluster: Path) -> None:
    assert said(cluster, "prometheuses") == (
        "cp-2 [monitoring] the cluster has no servicemonitors.monitoring.coreos.com, which runai-cluster needs, and the"
        " site says monitoring: {kind: existing}, that others run the Prometheus Operator there. runai-cluster was not"
        " installed. Fix: install that operator, then pulumi up; or write monitoring: {} in the site, which brings it"
    )
    assert "no prometheuses.monitoring.coreos.com and no servicemonitors" in said(cluster)


def test_nobody_is_taken_for_an_answer(cluster: Path) -> None:
    (cluster.parent / "kubectl").write_text("#!/bin/bash\necho the server is down >&2\nexit 1\n")
    assert said(cluster).startswith("cp-1 [monitoring] no control plane could say whether the Prometheus Operator is")
