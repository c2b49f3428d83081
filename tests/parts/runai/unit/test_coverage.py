"""coverage.md of Run:ai names what is there, beside what tests/unit/test_coverage.py looks at: resources of the
sample's plan, and in its sentences keys, files for researchers, verbs, and questions of `sitectl verify`."""

import re
from pathlib import Path

from typer.testing import CliRunner

from components.platforms.runai.part import PART
from ops.cli import app
from ops.explain import explain
from tests.parts.runai.sites import of_version, parts_of
from tests.samples import ROOT
from tests.unit.test_coverage import schema
from tests.unit.test_golden import planned

PAGE = ROOT / "docs/parts/runai/coverage.md"
WORDS = re.findall(r"`([^`]+)`", re.sub(r"^\|.*\n", "", PAGE.read_text(), flags=re.MULTILINE))
"""What stands as code in sentences: the tables are the other test's."""


def test_each_resource_that_the_page_names_is_in_the_samples_plan(tmp_path: Path) -> None:
    said = re.findall(r"[Rr]esources? ((?:`[a-z0-9-]+`(?:, | and |,\s)?)+)", re.sub(r"\s+", " ", PAGE.read_text()))
    named = {name for each in said for name in re.findall(r"`([a-z0-9-]+)`", each)}
    assert len(named) > 8
    assert named - {each.name for each in planned("runai", tmp_path).resources.values()} == set()


def test_each_key_in_a_sentence_is_one() -> None:
    own = [word.partition(":")[0].lstrip(".") for word in WORDS if re.match(r"\.[a-z]", word)]
    assert len(own) > 15
    for key in own:
        explain(schema("runai"), key)
    for key in ("gpuOperator.pools", "gpuOperator.nfd", "kubernetes.oidc", "network.ingress.address", "storage.nfs"):
        assert key in WORDS
        explain(schema(""), key)


def test_each_file_that_researchers_get_is_written(tmp_path: Path) -> None:
    site = of_version(tmp_path, "3.0.0", scheduling={"fractions": True}, mlflow={"repository": "r.example.org/m"})
    written = {Path(path).name for path in PART.files(*parts_of(site))}
    text = PAGE.read_text()
    named = set(re.findall(r"`([a-z_-]+\.(?:yaml|json))`", text))
    assert named == {
        *("batch.yaml", "gang.yaml", "interactive.yaml", "kubernetes_config.json"),
        *("fraction.yaml", "memory.yaml", "fraction-of-two.yaml", "fraction-limit.yaml"),
    }
    assert named - written == set()


def test_each_verb_and_each_question_is_there(tmp_path: Path) -> None:
    text = PAGE.read_text()
    verbs = set(re.findall(r"`sitectl ([a-z]+(?: [a-z]+)?)", text))
    assert verbs == {"verify", "files", "top", "drift", "user kubeconfig"}
    for verb in verbs:
        assert CliRunner().invoke(app, [*verb.split(), "--help"]).exit_code == 0, verb
    asked = PART.cluster.questions(*parts_of(of_version(tmp_path, "3.0.0"))) if PART.cluster else ()
    assert {f"runai/{each.id}" for each in asked} == set(re.findall(r"`(runai/[a-z]+)`", text)) - {"runai/queue"}
