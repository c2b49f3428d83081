"""sitectl explain and schema: the answer about a key is what the schema has."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.explain import explain as rows_of
from stacks.schema import stack_file


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
    assert explain("platforms[].personal") == explain("platforms[1].personal") == explain("platforms.personal")
    assert explain("kubernetes.encryption.keys[0].name") == explain("kubernetes.encryption.keys.name")
    assert {row["key"] for row in explain("projects.limits")} >= {"projects.limits.cpu", "projects.limits.requests"}


def test_what_stands_in_a_list_and_in_a_map_with_ruled_names() -> None:
    assert explain("disks.mount") == explain("disks")[2:3]
    assert explain("accounts.ana.sudo")[0]["type"] == "no, with-password, always"


def test_row_ids_are_not_shown() -> None:
    assert explain("hosts.gpu")[0]["meaning"] == "The GPUs that a host must show, and the software for them."


def test_one_of_several_shapes() -> None:
    kind = next(row for row in explain("network.pods") if row["key"] == "network.pods.kind")
    assert kind["type"] == "bridge or flannel"


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("kubernetes.verson", "kubernetes.verson: there is no verson in kubernetes. Did you mean version?"),
        ("nope", "nope: there is no nope. There are: accountGroups, accounts,"),
        ("pgadmin", "pgadmin: there is no pgadmin. Did you mean platforms.pgadmin?"),
        (
            "kubernetes.taintLost",
            "kubernetes.taintLost: there is no taintLost in kubernetes. Did you mean gpu.taintLost or ",
        ),
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


def test_every_key_has_a_meaning() -> None:
    schema = stack_file()
    seen: set[str] = set()

    def walk(key: str, depth: int) -> None:
        for path, _, _, meaning in rows_of(schema, key):
            assert meaning not in ("", "-"), path
            if path not in seen and depth:
                seen.add(path)
                walk(path, depth - 1)

    walk("", 5)
    assert {"engine.version", "repositories.keyUrl"} <= seen
