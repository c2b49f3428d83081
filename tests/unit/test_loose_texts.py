"""No text of a site reaches a host with blanks, line ends or shell syntax in it, unless it is free text.

Each text of the sample sites is replaced by one that a shell would run. Does not prove: texts that no sample has.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.forms import FORMS
from components.problem import Key, dotted
from stacks.faults import SiteError
from tests import samples
from tests.samples import Sample
from tests.unit.test_config import load

LOOSE = "x y\n$(id)"
FREE = {
    "repositories.docker.keyFile",  # a path on the operator's machine, which the next rows of checks look at
    "ssh.keyFile",  # likewise
    "kubernetes.kubeProxy.mode",  # in a file of Kubernetes' own, which kubeadm judges
    *(f"kubernetes.kubelet.evictionHard.{what}.available" for what in ("memory", "nodefs", "imagefs")),  # likewise
    "network.pods.values.podCidr",  # a chart's own values
}


def texts(data: object, key: Key = ()) -> Iterator[Key]:
    """The keys of all texts."""
    if isinstance(data, dict | list):
        for name, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from texts(value, (*key, name))
    elif isinstance(data, str):
        yield key


def shape(key: Key) -> Key:
    """The key without the names that a site gives."""
    named = key[0] in ("hosts", "groups", "users", "projects", "accounts", "repositories")
    return tuple("#" if isinstance(part, int) else "*" if at == 1 and named else part for at, part in enumerate(key))


def refused(sample: Sample, folder: Path, keys: list[Key]) -> str:
    """What is said when these texts are loose; empty when nothing is."""
    data: Any = YAML(typ="safe").load(sample.file)
    for key in keys:
        at = data["config"]["gpu-metal:site"]
        for part in key[:-1]:
            at = at[part]
        at[key[-1]] = LOOSE
    folder.mkdir()
    YAML().dump(data, folder / "loose.yaml")
    try:
        load(replace(sample, file=folder / "loose.yaml"), folder)
    except SiteError as error:
        return str(error)
    return ""


@pytest.mark.row("X1")
def test_a_loose_text_is_refused(tmp_path: Path) -> None:
    seen: set[Key] = set()
    accepted = []
    for number, sample in enumerate([*samples.good(), *samples.shown()]):
        site = YAML(typ="safe").load(sample.file)["config"]["gpu-metal:site"]
        new = {shape(key): key for key in texts(site) if shape(key) not in seen}
        seen |= new.keys()
        said = refused(sample, tmp_path / f"{number}", list(new.values()))
        rest = [key for key in new.values() if f" {dotted(key)}: " not in said]
        for each, key in enumerate(rest):
            if not refused(sample, tmp_path / f"{number}-{each}", [key]):
                accepted.append(dotted(key))
    assert len(seen) > 100
    assert set(accepted) <= FREE


def test_patterns_know_digits_and_letters_of_ascii_only() -> None:
    r"""\d and \w also match digits and letters of other scripts."""
    assert [pattern for pattern in FORMS if "\\d" in pattern or "\\w" in pattern] == []
