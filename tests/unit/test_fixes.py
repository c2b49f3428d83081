"""The fix that a message about a site prints is followed, and its key has no fault any more.

Followed in all bad sites: another key or word, quotes, an entry to write, a key to take away. Not followed:
advice that leaves a choice ("Use another port."), commands (the tests of sitectl), and files.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError

from components.host.config import HostSettings
from components.problem import Key, dotted
from stacks import model
from stacks.faults import Fault, SiteError
from stacks.messages import known_keys
from tests import samples
from tests.samples import Sample
from tests.unit.test_config import load

Site = dict[str, Any]
WHOLE = known_keys(model.Site, ()) - known_keys(HostSettings, ())
NEVER = {"modules[0]"}
"""Where the sample has a number in place of a name, quotes alone do not help."""


def faults(sample: Sample, folder: Path) -> list[Fault]:
    """What is wrong with the sample."""
    folder.mkdir()
    try:
        load(sample, folder)
    except SiteError as error:
        return error.faults
    return []


def place(site: Any, key: Key) -> Any:
    """The map or list around the key."""
    for part in key[:-1]:
        site = site[part]
    return site


def renamed(site: Site, key: Key, name: str) -> None:
    around = place(site, key)
    around[name] = around.pop(key[-1])


def written(site: Site, key: Key, text: str) -> None:
    """`name: value` beside or under the key or, if it is one of the site, at top level; or a value for the key."""
    value = YAML(typ="safe").load(text)
    around = place(site, key)
    if isinstance(value, dict) and value.keys() <= WHOLE:
        around, key = site, tuple(value)
    if not isinstance(value, dict) or isinstance(key[-1], int):
        around[key[-1]] = value
    elif set(value) == {key[-1]}:
        around.update(value)
    elif isinstance(around[key[-1]], dict):
        around[key[-1]].update(value)
    else:
        around.update(value)


def gone(site: Site, key: Key) -> None:
    del place(site, key)[key[-1]]


def instead(site: Site, key: Key, text: str) -> None:
    """`name: value` in the map around the key, which goes."""
    gone(site, key)
    while isinstance(place(site, key), list):
        key = key[:-1]
    written(site, key, text)


def fix(fault: Fault) -> Callable[[Site], None] | None:
    """What the message tells to do; None where it leaves a choice."""
    text, key = fault.text, fault.key
    if found := re.search(r"is written (\S+) here\.", text):
        return partial(renamed, key=key, name=found[1])
    if found := re.search(r"Did you mean (\S+)\?", text):
        wrong_key = "no such key" in text
        return (
            partial(renamed, key=key, name=found[1]) if wrong_key else partial(written, key=key, text=f'"{found[1]}"')
        )
    if found := re.search(r'[Qq]uote it: ((?:[\w.-]+: )?".*")\.', text):
        return partial(written, key=key, text=found[1])
    if found := re.search(r"Write ([\w.-]+: [^,…]*?) in its place\.$", text):
        return partial(instead, key=key, text=found[1])
    if found := re.search(r"Write ([\w.-]+: [^,…]*?|[\w.-]+: \{[^…]*?\}|[\w.-]+: \[[^…]*?\])(, or .*)?\.$", text):
        names = re.search(r"\b[A-Z]{3,}\b", found[1])  # NAME stands for what only the operator knows
        return None if names or re.search(r"[\]}] \w", found[1]) else partial(written, key=key, text=found[1])
    return partial(gone, key=key) if re.search(r"[Tt]ake (it|the key) away\.$", text) else None


def after(sample: Sample, fault: Fault, change: Callable[[Site], None], folder: Path) -> list[Fault]:
    """What is wrong at its key when the fix of one fault of the sample has been followed."""
    file = folder.with_suffix(".yaml")
    with suppress(KeyError, ConstructorError):  # the host has the key from elsewhere; a tag
        data = YAML(typ="safe").load(sample.file)
        change(data["config"]["gpu-metal:site"])
        YAML().dump(data, file)
        return [each for each in faults(replace(sample, file=file), folder) if each.key == fault.key]
    return []


@pytest.mark.row("X1")
def test_a_fix_that_is_followed_mends_its_key(tmp_path: Path) -> None:
    tried, wrong = 0, []
    for number, sample in enumerate(samples.bad()):
        before = faults(sample, tmp_path / f"{number}")
        for at, fault in enumerate(before):
            change = fix(fault)
            in_site = fault.mark.file.startswith("Pulumi.") and fault.key[:1] not in ((), ("config",))
            if change is None or not in_site or dotted(fault.key) in NEVER:
                continue
            left = after(sample, fault, change, tmp_path / f"{number}-{at}")
            others = {each.text for each in before if each is not fault}
            wrong += [f"{sample.name}: {fault}\n   then: {each}" for each in left if each.text not in others]
            tried += 1
    assert wrong == [], "\n".join(wrong)
    assert tried > 50
