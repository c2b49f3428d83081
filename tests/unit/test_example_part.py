"""A part is one folder and one line (ADR 18): tests/example in a copy of the project, with no other file edited.

Does not prove: that its halves work on hosts and in a cluster; tests/lab/test_site_part.py does.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.example_copy import EXAMPLE, LINE, git, make

PLACES = {"components/parts/example", "docs/parts/example", "lab/parts/example", "tests/parts/example"}
GENERATED = {
    *("README.md", "docs/parts/README.md", "docs/reference/checks.md", "docs/reference/compatibility.md"),
    *("docs/rows.md", "docs/sites.md", "site.schema.json"),
}
"""By `make schema`."""
GOLDEN = "tests/parts/example/golden/sample.txt"
BAD = ("forms", "hosts", "keys")
WALK_PARTS = (
    *(
        "compatibility",
        "config",
        "coverage",
        "depot_parts",
        "golden",
        "imports",
        "layers_in_a_row",
        "library",
        "parts",
        "reference",
    ),
    *("rows", "shape"),
)
"""The project's own tests that find parts by folder, or by the registry."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("example") / "copy")


def run(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )


def changed(copy: Path) -> set[str]:
    return set(git(copy, "diff", "--name-only").split())


def test_it_is_a_folder_in_four_places_and_one_line(copy: Path) -> None:
    assert git(copy, "diff", "--numstat").split() == ["1", "0", "components/registry.py"]
    assert f"+{LINE}" in git(copy, "diff")
    new = git(copy, "ls-files", "--others", "--exclude-standard").split()
    assert {"/".join(path.split("/")[:3]) for path in new} == PLACES
    print(f"{len(new)} files added, one line in components/registry.py")  # noqa: T201 - for the closing note


def test_schema_and_reference_are_made_with_it(copy: Path) -> None:
    schema = run(copy, "stacks.schema")
    (copy / "site.schema.json").write_text(schema.stdout)
    assert run(copy, "ops.reference").returncode == 0
    assert changed(copy) == {"components/registry.py", *GENERATED}
    for page in GENERATED:
        assert "example_page" in (copy / page).read_text() or '"example"' in schema.stdout, page


def test_the_projects_own_tests_take_it_in(copy: Path) -> None:
    """After `make schema`: the test above has done as it does."""
    files = [f"tests/unit/test_{name}.py" for name in WALK_PARTS]
    chosen = "example or not (golden or layers_in_a_row or coverage or guarantee)"  # those of others are as before
    flags = ("-p", "no:xdist", "-p", "no:cacheprovider", "-vv", "-k", chosen)
    done = run(copy, "pytest", *flags, *files, "tests/parts/example/unit")
    if os.environ.get("UPDATE_GOLDEN"):
        shutil.copy(copy / GOLDEN, EXAMPLE / GOLDEN)
    assert done.returncode == 0, done.stdout[-6000:]
    passed = {line.split()[0] for line in done.stdout.splitlines() if " PASSED" in line}
    golden, config = "tests/unit/test_golden.py::test_", "tests/unit/test_config.py::test_"
    rows = "tests/unit/test_layers_in_a_row.py::test_layers_of_a_host_are_in_a_row_in_every_sample"
    assert passed >= {
        f"{golden}the_plan_of_a_sample_site_is_the_golden_one[example]",
        f"{golden}the_plan_of_a_sample_site_obeys_the_policy[example]",
        f"{golden}each_host_is_told_of_all_its_layers[example]",
        f"{golden}each_object_of_a_sample_site_may_be_taken_back[example]",
        f"{rows}[example]",
        *(f"{config}a_bad_site_gets_exactly_the_lines_at_its_foot[example-{bad}]" for bad in BAD),
        f"{config}each_check_has_a_bad_site",
    }
    assert changed(copy) <= {"components/registry.py", *GENERATED}


def test_sitectl_knows_it(copy: Path, tmp_path: Path) -> None:
    shutil.copy(copy / "components/parts/example/sample.yaml", tmp_path / "Pulumi.lab.yaml")
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    (tmp_path / "known_hosts.lab").write_text(f"10.2.1.* {key}\n")
    said = run(copy, "ops", "validate", "--stack", "lab", "--cwd", str(tmp_path))
    assert (said.returncode, said.stderr) == (0, "Site lab.\n")
    assert "✓ ok: Pulumi.lab.yaml, 2 hosts." in said.stdout
    meaning = run(copy, "ops", "explain", "example.port").stdout
    assert "Where it is served, for the hosts of the site." in meaning
