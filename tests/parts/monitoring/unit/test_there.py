"""What is said where `kind: existing` is not true, before a release that needs the operator's kinds.

Does not prove: how kubectl answers; it has a stand-in.
"""

import asyncio
from pathlib import Path

import pytest

from components.parts.monitoring.there import NoOperatorError, must_be_there
from tests.unit.planes import PLANES, second_answers

pytestmark = pytest.mark.row("M1")


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with the kinds that cp-2 knows; cp-1 is dark."""
    kinds = tmp_path / "kinds"
    answer = f'for word; do if [[ $word == *.coreos.com ]]; then grep -x "$word" {kinds} || true; fi; done'
    second_answers(tmp_path, monkeypatch, f"#!/bin/bash\n{answer}\n")
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
