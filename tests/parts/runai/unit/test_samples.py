"""Files for researchers: which jobs a version and its settings have, what each says, and who gets them by `sitectl`.

Does not prove: that Run:ai schedules them; test_on_api_server.py submits them to a real API server.
"""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.platforms.runai import samples
from ops import part_files
from tests.parts.runai.sites import of_version, parts_of, site_of
from tests.unit.fake_hosts import SITE, sitectl

READ = YAML(typ="safe", pure=True)


def jobs(folder: Path, version: str = "3.0.0", **scheduling: Any) -> dict[str, dict[str, Any]]:
    """Those of the project vision, by name."""
    site = of_version(folder, version, scheduling=scheduling)
    found = samples.files(*parts_of(site))
    assert {path.split("/")[1] for path in found} == {"vision", "audio"}
    mine = {Path(path).stem: text for path, text in found.items() if path.startswith("jobs/vision/")}
    return {name: READ.load(text) for name, text in mine.items()}


@pytest.mark.row("R11")
def test_a_job_is_queued_in_its_project_by_run_ais_scheduler(tmp_path: Path) -> None:
    for name, job in jobs(tmp_path, fractions=True).items():
        assert (job["metadata"]["name"], job["metadata"]["namespace"]) == (name, "vision")
        pod = job["spec"]["template"]
        assert pod["spec"]["schedulerName"] == "runai-scheduler"
        assert pod["metadata"]["labels"] == job["metadata"]["labels"]
        assert pod["metadata"]["labels"]["runai/queue"] == "vision"


@pytest.mark.row("R11")
def test_which_jobs_there_are_follows_version_and_settings(tmp_path: Path) -> None:
    parts = {"fraction", "memory", "fraction-of-two"}
    assert set(jobs(tmp_path)) == {"batch", "interactive", "gang"}
    assert set(jobs(tmp_path, fractions=True)) == {"batch", "interactive", "gang", "fraction-limit", *parts}
    assert set(jobs(tmp_path, "2.25.0", fractions=True)) == {"batch", "interactive", "fraction-limit", *parts}
    fixed = jobs(tmp_path, "2.25.0", fractions=True, dynamicFractions=False)
    assert set(fixed) == {"batch", "interactive", *parts}


@pytest.mark.row("R11")
@pytest.mark.parametrize(
    ("version", "batch", "interactive"),
    [
        ("3.0.0", {"kai.scheduler/preemptibility": "preemptible"}, "non-preemptible"),
        ("2.25.0", {"kai.scheduler/preemptibility": "preemptible"}, "non-preemptible"),
        ("2.24.0", {}, None),
    ],
)
def test_whether_others_may_stop_it_is_said_as_the_version_wants_it(
    tmp_path: Path, version: str, batch: dict[str, str], interactive: str | None
) -> None:
    found = jobs(tmp_path, version)
    queue = {"runai/queue": "vision"}
    assert found["batch"]["metadata"]["labels"] == {**queue, **batch}
    stays = {"kai.scheduler/preemptibility": interactive, "priorityClassName": "high"}
    wanted = stays if interactive else {"priorityClassName": "build"}
    assert found["interactive"]["metadata"]["labels"] == {**queue, **wanted}


@pytest.mark.row("R11")
def test_a_gang_is_as_large_as_its_job(tmp_path: Path) -> None:
    gang = jobs(tmp_path)["gang"]
    assert gang["metadata"]["annotations"] == {"kai.scheduler/batch-min-member": "2"}
    assert (gang["spec"]["parallelism"], gang["spec"]["completions"]) == (2, 2)


@pytest.mark.row("R11")
def test_a_part_of_a_gpu_is_an_annotation_without_a_gpu_beside_it(tmp_path: Path) -> None:
    found = jobs(tmp_path, "2.25.0", fractions=True)
    said = {
        "fraction": {"gpu-fraction": "0.5"},
        "memory": {"gpu-memory": "4096"},
        "fraction-of-two": {"gpu-fraction": "0.5", "gpu-fraction-num-devices": "2"},
        "fraction-limit": {"gpu-fraction": "0.5"},
    }
    for name, notes in said.items():
        pod = found[name]["spec"]["template"]
        assert pod["metadata"]["annotations"] == notes
        assert "nvidia.com/gpu" not in pod["spec"]["containers"][0]["resources"]["limits"]
    [container] = found["fraction-limit"]["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "RUNAI_GPU_MEMORY_LIMIT", "value": "0.9"}]
    newer = jobs(tmp_path, "3.0.0", fractions=True)["fraction-limit"]["spec"]["template"]
    assert newer["metadata"]["annotations"] == {"gpu-fraction": "0.5", "gpu-fraction.limit": "0.9"}
    assert "env" not in newer["spec"]["containers"][0]
    [container] = found["batch"]["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1


@pytest.mark.row("R11")
def test_sitectl_lists_writes_and_asks_before_it_replaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = site_of(tmp_path)
    ctl = sitectl(tmp_path, monkeypatch)
    monkeypatch.setattr("ops.site.load", lambda _, **__: site)
    assert "runai/jobs/vision/gang.yaml" in ctl("files", "-o", "name").stdout.splitlines()
    assert "Two pods with a GPU each that start together" in ctl("files").stdout
    to = tmp_path / "out"
    assert ctl("files", "--to", str(to)).exit_code == 0
    written = {str(file.relative_to(to)): file.read_text() for file in to.rglob("*.yaml")}
    assert written == part_files.of_site(site)
    assert ctl("files", "--to", str(to)).exit_code == 0, "nothing to replace"
    mine = to / "runai/jobs/vision/gang.yaml"
    mine.write_text("mine")
    refused = ctl("files", "--to", str(to))
    assert refused.exit_code != 0
    assert "Nothing was written. Fix: repeat with --yes." in refused.output
    assert mine.read_text() == "mine"
    assert ctl("files", "--to", str(to), "--yes").exit_code == 0
    assert mine.read_text() != "mine"


@pytest.mark.row("R11")
def test_a_site_without_such_parts_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ctl = sitectl(tmp_path, monkeypatch)
    assert "vision" in SITE
    said = ctl("files", "--to", str(tmp_path / "out"))
    assert (said.exit_code, (tmp_path / "out").exists()) == (0, False)
    assert "No part of this site has files for people." in said.output
