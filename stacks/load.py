"""From the site file to the Site, or every fault of that file at once.

    Pulumi.<stack>.yaml + includes → merged levels → Site → hosts with the defaults of other rooms → cross checks

The Pulumi program has the object from Pulumi (`site_from`), sitectl reads the file (`load_site`).
A Site has the names of secrets, never their values.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ruamel.yaml.nodes import ScalarNode

from components.host.config import HostSettings
from components.model import expanded
from components.problem import Key, Problem
from components.shown import saying
from stacks.checks import problems
from stacks.checks_texts import passwords
from stacks.faults import Fault, Mark, SiteError
from stacks.former import former
from stacks.hosts import merge_levels
from stacks.known_hosts import pin
from stacks.messages import nested
from stacks.model import Site, named_parts, site_model
from stacks.needed import prepared
from stacks.reading import compose
from stacks.source import Source, from_object, join, read_plain, read_stack, same
from stacks.validation import validate

Drafts = Mapping[Path, str]
"""Texts that are to replace files: each is checked before its file is written."""


def load_site(stack: str, folder: Path, *, keys: bool = True, drafts: Drafts | None = None) -> Site:
    """The site of a stack from its file in `folder`. `keys=False` accepts hosts without a host key (sitectl scan).

    `drafts` are read in place of the site's file or of files that it includes, by the paths that `included` gives.
    Raises SiteError; NoSiteError if there is no such file.
    """
    path = folder / f"Pulumi.{stack}.yaml"
    source = read_stack(path, (drafts or {}).get(path))
    return _site(source, stack, folder, keys=keys, drafts=drafts or {})


def included(data: Mapping[str, Any], folder: Path) -> Iterator[tuple[int, str, Path]]:
    """Place, name and path of each file that a site includes; the model reports a malformed `include`."""
    names = data.get("include")
    for index, name in enumerate(names if isinstance(names, list) else ()):
        with suppress(ValueError):
            yield index, str(name), expanded(Path(str(name)), folder)


def site_from(data: Mapping[str, Any], *, stack: str, folder: Path, keys: bool = True) -> Site:
    """The site from Pulumi's own object, or from one that has no file yet. `keys` as in load_site.

    Faults have line numbers if the stack's file in `folder` has the same content.
    """
    try:
        source = read_stack(folder / f"Pulumi.{stack}.yaml")
    except SiteError:
        source = None  # the stack file was given by --config-file and Pulumi has read it
    if source is None or not same(source.data, data):
        source = from_object(dict(data), "gpu-metal:site")
    return _site(source, stack, folder, keys=keys, drafts={})


def _site(source: Source, stack: str, folder: Path, *, keys: bool, drafts: Drafts) -> Site:
    _include(source, folder, drafts)
    merged = merge_levels(source.data, (field.alias or name for name, field in HostSettings.model_fields.items()))
    data = {"knownHosts": f"known_hosts.{stack}", **source.data}
    data |= {k: v for k, v in (("groups", merged.groups), ("hosts", merged.hosts)) if isinstance(data.get(k), dict)}

    def fault(problem: Problem) -> Fault:
        key, mark = merged.locate(problem.key, source.marks)
        secret = str(problem.key[-1]).endswith("Secret") if problem.key else False
        return Fault(mark, key, problem.text if secret else saying(nested(data, problem.key), problem.text))

    def number(key: Key) -> str:
        return merged.locate(key, source.marks)[1].number

    wrong_here = [
        *merged.problems,
        *passwords(source.data),
        *former(source.data),
        *_named(data, stack, _project(folder)),
        *pin(merged.hosts, str(data["knownHosts"]), folder, wanted=keys),
    ]
    site, wrong, lacks = validate(site_model(named_parts(data)), _ordered(data), folder, number)
    if wrong:  # a misspelt key or kind is answered with the nearest of all that there are
        site, wrong, lacks = validate(site_model(), _ordered(data), folder, number)
    if merged.problems and not merged.hosts:
        lacks.add(("hosts",))  # that there are none follows
    faults = [*source.faults, *map(fault, wrong_here)]
    site = prepared(site) if site else None
    said = {fault.key for fault in faults}
    faults += [each for each in map(fault, wrong) if each.key not in said]  # only the cause, not its consequences
    faults += [fault(problem) for problem in (problems(site) if site else ()) if not _follows(problem, lacks)]
    if faults or site is None:
        raise SiteError(faults)
    return site


def _follows(problem: Problem, lacks: set[Key]) -> bool:
    """Whether a cross check may only have missed what was left out as wrong: it says something about the same entry."""
    entries = [key[:2] if key[0] in ("hosts", "groups") else key[:1] for key in lacks]
    named = {str(entry[-1]) for entry in entries} | {str(key[-1]) for key in lacks}
    words = set(re.findall(r"[\w-]+", problem.text))
    same = any(all(ours == theirs for ours, theirs in zip(problem.key, entry, strict=False)) for entry in entries)
    return same or not named.isdisjoint(words)


def _include(source: Source, folder: Path, drafts: Drafts) -> None:
    """Unite the site with the files that it includes."""
    for index, name, path in included(source.data, folder):
        if not path.is_file():
            key = ("include", index)
            source.faults.append(Fault(source.marks[key], key, f"there is no file {name}."))
            continue
        other = read_plain(path, name, drafts.get(path))
        if "include" in other.data:
            del other.data["include"]
            other.faults.append(Fault(other.marks["include",], ("include",), "is allowed in the site file only."))
        join(source, other)


def _ordered(data: Any) -> Any:  # noqa: ANN401 - any YAML
    """Sort maps by key: Pulumi's object has another order than the file, which must not change a resource."""
    if isinstance(data, dict):
        return {key: _ordered(data[key]) for key in sorted(data, key=str)}
    return [_ordered(item) for item in data] if isinstance(data, list) else data


def _project(folder: Path) -> str:
    """The name in the project's file; that of this project where no such file is beside the site. Raises SiteError."""
    file = folder / "Pulumi.yaml"
    if not file.is_file():
        return "gpu-metal"
    for key, value in compose(file, file.name).value:
        if key.value == "name" and isinstance(value, ScalarNode) and value.value:
            return str(value.value)
    raise SiteError([Fault(Mark(file.name, 1), ("name",), "is missing. Write name: gpu-metal.")])


def _named(data: dict[str, Any], stack: str, project: str) -> Iterator[Problem]:
    """Name the site after its stack and each host after its key; a name that is written in the file is a problem."""
    hosts = data["hosts"] if isinstance(data.get("hosts"), dict) else {}
    named: list[tuple[Key, object, str, str]] = [((), data, "name", stack), ((), data, "project", project)]
    named += [(("hosts", name), entry, "name", name) for name, entry in hosts.items()]
    for key, entry, word, text in named:
        if isinstance(entry, dict):
            if word in entry:
                yield Problem((*key, word), _GIVEN[word])
            entry[word] = text


_GIVEN = {
    "name": "no such key: a host is named by the key above it, a site by its stack.",
    "project": "no such key: the project is named in Pulumi.yaml.",
}
