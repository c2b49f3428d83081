"""sitectl explain and schema: what is said of a key is what the schema has."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli import app


def explain(key: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads(CliRunner().invoke(app, ["explain", key, "--json"]).stdout)
    return rows


def test_a_key_and_those_below_it() -> None:
    rows = explain("hosts.ssh")
    assert rows[0]["meaning"].startswith("How hosts are reached.")
    port = next(row for row in rows if row["key"] == "hosts.ssh.port")
    assert (port["type"], port["default"]) == ("integer", "22")


def test_the_name_in_a_map_may_be_left_out() -> None:
    assert explain("hosts.gpu-1.gpu") == explain("hosts.gpu")
    assert {row["key"] for row in explain("tenants.quota")} >= {"tenants.quota.cpu", "tenants.quota.gpus"}


def test_one_of_several_shapes() -> None:
    kind = next(row for row in explain("network.pods") if row["key"] == "network.pods.kind")
    assert kind["type"] == "bridge or flannel"


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("kubernetes.verson", "kubernetes.verson: there is no verson in kubernetes. Did you mean version?"),
        ("nope", "nope: there is no nope. There are: domain, engine,"),
    ],
)
def test_a_key_that_is_none(key: str, says: str) -> None:
    result = CliRunner().invoke(app, ["explain", key])
    assert result.exit_code == 2
    assert result.stderr.startswith(says)


def test_the_schema_as_a_file(tmp_path: Path) -> None:
    file = tmp_path / "site.schema.json"
    assert CliRunner().invoke(app, ["schema", "--to", str(file), "-q"]).output == ""
    assert file.read_text() == CliRunner().invoke(app, ["schema"]).stdout
    assert json.loads(file.read_text())["$defs"]["Site"]
