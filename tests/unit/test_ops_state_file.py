"""Files of Pulumi's backend that were cut or deleted, and a lock whose run is alive: what sitectl says of them.

Does not prove: what Pulumi does with a copy that was brought back.
"""

import json
import os

import pytest

from ops.state import plain
from tests.unit.fake_hosts import FakePulumi, Sitectl
from tests.unit.test_ops_pulumi import CREATING, lock, state


def test_a_lock_whose_file_was_cut_is_dead(ctl: Sitectl, cli: FakePulumi) -> None:
    state(cli)
    cli.says("cancel --yes", "")
    lock(ctl, host="laptop", pid=1).write_text('{"pid": 1, "userna')
    result = ctl("recover")
    assert result.exit_code == 0
    assert result.stdout.startswith("the lock of a run that is dead is taken away: ?@")
    assert "cancel --yes --stack dev --non-interactive" in cli.asked


def test_where_hosts_stopped_is_not_asked_while_the_run_is_alive(ctl: Sitectl, cli: FakePulumi) -> None:
    state(cli, CREATING)
    lock(ctl, host="laptop", pid=1)
    result = ctl("recover", "--look")
    assert result.stdout == (
        "stack dev is locked by ana@laptop (pid 1) since 2026-11-22T12:00:00Z: that run still works. "
        "Fix: wait for its end.\n"
    )
    assert ctl.hosts.asked == []


@pytest.mark.parametrize(
    ("said", "begin"),
    [
        (
            "failed to load checkpoint: place 1: unexpected end of JSON input",
            ": the file of the state is damaged. Nothing was changed. Fix: ",
        ),
        ("no stack named 'dev' found", "(pulumi whoami -v). Fix: if its file was deleted, "),
    ],
)
def test_a_state_file_that_is_cut_or_gone_comes_back_from_the_newest_whole_copy(
    ctl: Sitectl, cli: FakePulumi, said: str, begin: str
) -> None:
    """As Pulumi 3.220 says it."""
    (cli.folder / "pulumi").write_text(f'#!/bin/sh\necho "error: {said}" >&2\nexit 255\n')
    root = ctl.folder / "state/.pulumi"
    names = ("history/gpu-metal/dev/dev-1.checkpoint", "history/gpu-metal/dev/dev-2.checkpoint", "stacks/gpu-metal/dev")
    first, second, file = (root / f"{name}.json" for name in names)
    for when, (path, text) in enumerate(((first, "{}"), (second, "{}"), (file.with_suffix(".json.bak"), '{"vers'))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (1000 + when, 1000 + when))
    told = ctl("drift", "--record").stderr if "checkpoint" in said else ctl("recover").stderr
    assert f"{begin}cp {second} {file}" in told
    assert "then sitectl recover, sitectl drift --record, pulumi up" in told


@pytest.mark.parametrize(
    ("why", "fix"),
    [
        ("no space left on device", "make room on this machine (df -h, df -i); then again."),
        ("read-only file system", "mount the folder of the state writable on this machine; then again."),
    ],
)
def test_a_disk_of_this_machine_that_takes_no_state(ctl: Sitectl, cli: FakePulumi, why: str, fix: str) -> None:
    """As Pulumi 3.220 says it: it wrote nothing, and the state is as it was."""
    said = f"could not import deployment: blob (code=Unknown): write /s/luck.json.18ec.tmp: {why}"
    (cli.folder / "pulumi").write_text(f'#!/bin/sh\necho "error: {said}" >&2\nexit 255\n')
    result = ctl("recover")
    assert result.exit_code == 3
    assert f"{why}. Fix: {fix}" in result.stderr


def saved(ctl: Sitectl, text: str) -> None:
    file = ctl.folder / "state/.pulumi/stacks/gpu-metal/dev.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)


def test_a_state_in_a_folder_is_read_without_a_start_of_pulumi(ctl: Sitectl, cli: FakePulumi) -> None:
    latest = {"resources": [{"urn": "a"}]}
    saved(ctl, json.dumps({"version": 3, "checkpoint": {"stack": "dev", "latest": latest}}))
    assert plain("dev", ctl.folder) == {"deployment": latest}
    assert cli.asked == []


@pytest.mark.parametrize("text", ['{"version": 4, "checkpoint": {"latest": {}}}', '{"version": 3, "chec', "[]"])
def test_a_state_file_of_another_form_is_left_to_pulumi(ctl: Sitectl, cli: FakePulumi, text: str) -> None:
    saved(ctl, text)
    state(cli)
    assert plain("dev", ctl.folder)["deployment"]
    assert len(cli.asked) == 1


def test_a_state_in_a_bucket_is_left_to_pulumi(ctl: Sitectl, cli: FakePulumi, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(ctl, '{"version": 3, "checkpoint": {"latest": {"resources": []}}}')
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket")
    state(cli)
    plain("dev", ctl.folder)
    assert len(cli.asked) == 1
