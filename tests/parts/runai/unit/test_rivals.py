"""A second installation of Run:ai in the cluster, by anybody, is refused before ours is begun.

Does not prove: how Helm writes its records (Helm 3's form is here); kubectl has a stand-in.
"""

import asyncio
import base64
import gzip
import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from components.parts.monitoring.there import NoOperatorError
from components.platforms.runai.component import must_have_room
from components.platforms.runai.rivals import RivalError, must_be_alone
from tests.parts.runai.sites import parts_of, site_of
from tests.unit.planes import PLANES, second_answers

pytestmark = pytest.mark.row("R4")


def record(namespace: str, name: str, chart: str, version: str, **values: object) -> str:
    """A line of kubectl's answer, as Helm 3 keeps a release."""
    metadata = {"name": chart, "home": "https://run.ai", "version": version}
    release = {"name": name, "info": {}, "chart": {"metadata": metadata, "values": values}, "namespace": namespace}
    packed = gzip.compress(json.dumps(release, separators=(",", ":")).encode())
    return f"{namespace} {name} {base64.b64encode(packed).decode()}"


OURS = record("runai-backend", "runai-backend", "control-plane", "3.0.0", tenantsManager={})
OTHER = record("kyverno", "kyverno", "control-plane", "1.2.3", admission={})
THEIRS = record("old", "backend", "control-plane", "2.25.1", tenantsManager={})
OLDER = record("old", "backend", "runai-backend", "2.5.0", tenantsManager={})


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lines of this file are what kubectl answers on cp-2; cp-1 is dark."""
    lines = tmp_path / "lines"
    second_answers(tmp_path, monkeypatch, f'#!/bin/bash\n[[ "$*" == *owner=helm* ]] && cat {lines}\n')
    return lines


def said(lines: Path, *records: str, release: str = "runai-backend") -> str:
    lines.write_text("".join(f"{line}\n" for line in records))
    try:
        asyncio.run(must_be_alone(PLANES, release))
    except RivalError as error:
        return str(error)
    return ""


def test_ours_and_what_others_call_control_plane_are_no_rivals(cluster: Path) -> None:
    assert said(cluster) == said(cluster, OURS, OTHER) == ""


@pytest.mark.parametrize(("theirs", "version"), [(THEIRS, "2.25.1"), (OLDER, "2.5.0")])
def test_a_second_control_plane_is_refused_with_its_place(cluster: Path, theirs: str, version: str) -> None:
    assert said(cluster, OTHER, theirs, OURS) == (
        f"cp-2 [release] the cluster has control-plane {version} of Run:ai already, as release backend in namespace"
        " old."
        " Nothing was changed. Fix: if nobody needs it, helm uninstall backend -n old;"
        " else take this platform out of the site"
    )


def test_a_second_cluster_release_too(cluster: Path) -> None:
    ours = record("runai", "runai-cluster", "runai-cluster", "3.0.0", clusterConfig={})
    theirs = record("more", "runai-cluster", "runai-cluster", "3.0.0", clusterConfig={})
    assert said(cluster, ours, THEIRS, release="runai-cluster") == ""
    assert "release runai-cluster in namespace more." in said(cluster, ours, theirs, release="runai-cluster")


def test_nothing_is_installed_where_none_answers(cluster: Path) -> None:
    (cluster.parent / "kubectl").write_text("#!/bin/bash\necho the server is down >&2\nexit 1\n")
    text = said(cluster)
    assert text.startswith("cp-1 [release] no control plane could say which releases Helm has. cp-1: [address]")
    assert text.endswith("cp-2: the server is down. Nothing was changed. Fix: bring one of them back, then pulumi up")


@pytest.mark.parametrize("monitoring", ["existing", "prometheus"])
def test_prometheus_of_others_is_looked_for_before_each_release(cluster: Path, tmp_path: Path, monitoring: str) -> None:
    cluster.write_text("")
    (cluster.parent / "kubectl").write_text("#!/bin/bash\n")
    _, ground = parts_of(site_of(tmp_path, of={"monitoring": {"kind": monitoring}}))
    lacking = pytest.raises(NoOperatorError, match="which runai-backend needs, and the site says monitoring")
    with lacking if monitoring == "existing" else nullcontext():
        asyncio.run(must_have_room(ground, PLANES, "runai-backend"))
