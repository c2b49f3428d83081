"""Hosts from which people use Run:ai in a shell, as data. Pure.

Rows: R8.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from components.gpu.pods import is_named, named
from components.host.artefact import Artefact
from components.host.artefact_steps import there
from components.host.config import Host
from components.host.packages import name_of
from components.hostrun.step import Step
from components.parts.part import Ground, Hosts, Wave
from components.platforms.runai.config import JumpBox, Runai
from components.problem import Problem

_STEPS = Path(__file__).parent / "steps"
RESEARCHER, ADMIN = "runai", "runai-adm"
COMPLETION = "bash-completion"
"""The package by which bash loads what programs bring; called so by every family of systems."""


def uses(config: Runai, hosts: Hosts) -> Sequence[str]:
    """Names of the jump boxes."""
    return named(config.jump_box.hosts, hosts) if config.jump_box else []


def prepare(config: Runai, host: Host) -> Host:
    """A jump box has the package that completion needs."""
    if config.jump_box is None or not is_named(config.jump_box.hosts, host):
        return host
    more = () if COMPLETION in map(name_of, host.packages) else (COMPLETION,)
    return host.model_copy(update={"packages": (*host.packages, *more)})


def waves(config: Runai, hosts: Hosts) -> Sequence[Wave]:
    """One layer on each jump box."""
    of = config.jump_box
    return [Wave(f"{config.name}-cli", {name: _steps(of) for name in uses(config, hosts)})] if of else []


def preflight(config: Runai, host: Host) -> Sequence[Step]:
    """The operator has put the programs on the host."""
    of = config.jump_box
    if of is None or not is_named(of.hosts, host):
        return []
    return [step for name, each in _programs(of) for step in there(each, f"the command {name}", label=name)]


def _programs(of: JumpBox) -> Iterator[tuple[str, Artefact]]:
    yield RESEARCHER, of.cli
    if of.admin_cli:
        yield ADMIN, of.admin_cli


def _steps(of: JumpBox) -> list[Step]:
    programs = [
        Step(_STEPS / "runai_program.sh", {"name": name, **each.inputs()}, label=name) for name, each in _programs(of)
    ]
    return [*programs, Step(_STEPS / "runai_completion.sh", {"name": RESEARCHER})]


def jump_boxes(config: Runai, ground: Ground) -> Iterator[Problem]:
    """Each is a host, and its programs come from one place."""
    of = config.jump_box
    for index, word in enumerate(of.hosts if of else ()):
        if not named([word], ground.hosts):
            text = f"{word} is neither a host nor a group with hosts. Write one."
            yield Problem(("jumpBox", "hosts", index), text)
    for key, each in (("cli", of.cli), ("adminCli", of.admin_cli)) if of else ():
        if each and (each.file is None) == (each.url is None):
            text = "needs file, where you have put it on the host, or url, where the host gets it. Write one of both."
            yield Problem(("jumpBox", key), text)


CHECKS: tuple[Callable[[Runai, Ground], Iterator[Problem]], ...] = (jump_boxes,)
