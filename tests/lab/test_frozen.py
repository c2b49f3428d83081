"""Frozen layers: a host that starts from one has its content, and what that host changes stays on that host.

Does not prove: that what runs from a layer is as after an installation; tests of installations start bare.
"""

import json
import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import pytest

from lab import paths
from lab.hosts import disk, faults, frozen, lab
from lab.hosts.inventory import HOSTS, LabError
from tests.scripts.lab_host import HOST

pytestmark = pytest.mark.lab

OTHER = next(one for one in HOSTS.values() if one.name.startswith("steps-") and one != HOST)
SETUP = """\
echo layer >/srv/of-layer; echo first >/etc/changed; rm /etc/issue.net
echo blob >/var/lib/docker/blob; chmod 0711 /var/lib/docker
"""
LOOK = """\
cat /srv/of-layer /etc/changed /var/lib/docker/blob /etc/hostname; stat -c %a /var/lib/docker
test ! -e /etc/issue.net
"""


@pytest.fixture(scope="module")
def layer() -> str:
    """Of a host that is off and has no disk any more."""
    lab.serve(lambda _: None)
    lab.reset(HOST)
    faults.run_in(HOST, ["bash", "-euc", SETUP])
    key = f"{frozen.OF_A_RUN}{os.getpid()}"
    lab.freeze(HOST, key)
    return key


@pytest.mark.parametrize("again", [False, True], ids=["first", "again"])
def test_a_host_starts_with_what_the_layer_has_and_changes_only_its_own(layer: str, again: bool) -> None:
    lab.reset(HOST, layer)
    seen = faults.run_in(HOST, ["bash", "-euc", LOOK]).stdout.split()
    assert seen == ["layer", "first", "blob", HOST.name, "711"], again
    faults.run_in(HOST, ["bash", "-euc", "echo second | tee /etc/changed >/var/lib/docker/blob; rm /srv/of-layer"])


def test_each_host_has_an_identity_of_its_own(layer: str) -> None:
    identities = set()
    for _ in range(2):
        lab.reset(HOST, layer)
        identities.add(faults.run_in(HOST, ["cat", "/etc/machine-id"]).stdout)
    assert len(identities) == 2


def test_a_layer_on_a_layer_has_both(layer: str) -> None:
    lab.reset(HOST, layer)
    faults.run_in(HOST, ["bash", "-euc", "echo upper >/etc/upper"])
    lab.freeze(HOST, f"{layer}-upper")
    lab.reset(HOST, f"{layer}-upper")
    assert faults.run_in(HOST, ["cat", "/etc/upper", "/etc/changed"]).stdout == "upper\nfirst\n"


def test_a_layer_of_one_host_keeps_its_identity_and_is_refused_to_others(layer: str) -> None:
    lab.reset(HOST, layer)
    identity = faults.run_in(HOST, ["cat", "/etc/machine-id"]).stdout
    lab.freeze(HOST, f"{layer}-own", own=True)
    with pytest.raises(LabError, match=rf"{OTHER.name} \[frozen\] the layer {layer}-own is of {HOST.name}\. Fix: "):
        disk.renew(OTHER, paths.CACHE, f"{layer}-own")
    with pytest.raises(
        LabError, match=rf"{HOST.name} \[frozen\] the layer {layer}-own is of another base system\. Fix: "
    ):
        disk.renew(HOST, paths.CACHE, f"{layer}-own")
    lab.reset(HOST, f"{layer}-own")
    assert faults.run_in(HOST, ["cat", "/etc/machine-id"]).stdout == identity
    lab.stop(HOST, grace=0)
    disk.erase(HOST)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Layers of the test's own, with no host behind them."""
    monkeypatch.setattr(paths, "FROZEN", tmp_path / "frozen")
    return tmp_path


def made(folder: Path, key: str, *, below: str = "", age: int = 0, size: int = 0) -> None:
    (folder / "disk" / "upper").mkdir(parents=True)
    frozen.keep(key, folder / "disk", host="", base="debian", below=below, apart=())
    about = frozen.folder_of(key) / "about.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), "bytes": size}))
    os.utime(about, (time.time() - age, time.time() - age))


def left() -> set[str]:
    return {path.name for path in paths.FROZEN.iterdir() if not path.name.startswith(".")}


def test_the_least_used_go_first_and_none_that_another_or_a_disk_stands_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frozen, "KEEP", 2)
    for age, key in enumerate(("new", "upper", "old", "used", "below")):
        made(folder, key, below="below" if key == "upper" else "", age=age * 100)
    frozen.clear(["used", "lost"])  # a disk may outlive its layer
    assert left() == {"new", "upper", "below", "used"}
    frozen.clear([])
    assert left() == {"new", "upper", "below"}


def test_they_have_a_limit_in_bytes_and_those_of_a_run_end_with_it(folder: Path) -> None:
    made(folder, "small", size=1)
    made(folder, "large", age=100, size=frozen.BYTES)
    made(folder, f"{frozen.OF_A_RUN}1")
    frozen.clear([])
    assert left() == {"small", f"{frozen.OF_A_RUN}1"}
    frozen.clear([], of_a_run=True)
    assert left() == {"small"}


def _make(folder: Path, began: Any) -> None:
    with frozen.making("one") as missing:
        began.set()
        time.sleep(0.3)
        if missing:
            made(folder, "one")


def test_who_wants_a_layer_that_is_in_the_making_waits_for_it(folder: Path) -> None:
    fork = multiprocessing.get_context("fork")  # with the folder as it is patched
    began = fork.Event()
    maker = fork.Process(target=_make, args=(folder, began))
    maker.start()
    assert began.wait(60)
    with frozen.making("one") as missing:
        assert not missing
    maker.join()


def test_a_maker_that_was_killed_leaves_nothing_that_is_taken_for_a_layer(folder: Path) -> None:
    half = paths.FROZEN / ".new-one" / "upper"
    half.mkdir(parents=True)
    (half / "half").touch()
    with frozen.making("one") as missing:
        assert missing
        made(folder, "one")
    assert not (frozen.folder_of("one") / "upper" / "half").exists()
    with pytest.raises(LabError, match=r"lab \[frozen\] there is no layer two\. Fix: "):
        frozen.lowers("two")
