"""Whether the versions of a site fit together: what it has, held against the files compatibility.yaml.

A pair that is known to fail is refused. One that no row knows is refused too, unless the site says allowUntested: true;
then it is a note. What a site leaves open (the newest driver of a branch, the system of a host) is preflight's matter.

Rows: X7.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from components.engine.config import Containerd
from components.forms import SYSTEM
from components.gpu import models
from components.gpu import steps as gpu_steps
from components.host.config import SYSTEMS, Host
from components.kubernetes import needed as kubernetes
from components.kubernetes.config import Kubernetes
from components.kubernetes.given import CONFIGURATION
from components.matrix import Facts, Matrix, Thing, Verdict, misfit, numbers, read, thing, untested
from components.problem import Problem, dotted
from components.registry import REGISTERED
from stacks.messages import suggestion
from stacks.model import Site

PROGRAM = thing("gpu-metal", "gpu-metal", "gpu-metal")
"""This program, for what it knows at all."""

_COMPONENTS = Path(__file__).parents[1] / "components"
_SYSTEMS = Path(__file__).with_suffix(".yaml")
_UNIFIED = "systemd.unified_cgroup_hierarchy=1"
_PACKAGE = re.compile(r"(?:\d+:)?(\d+(?:\.\d+)+)")


def files() -> tuple[Path, ...]:
    """Each compatibility.yaml: of the systems, of rooms, and of the parts that have one."""
    of_parts = (_COMPONENTS / each.room / each.kind / "compatibility.yaml" for each in REGISTERED)
    return (_SYSTEMS, kubernetes.FACTS, models.FACTS, *(file for file in of_parts if file.is_file()))


@cache
def matrix() -> Matrix:
    """The rows of all files."""
    return Matrix(read(file) for file in files())


class Pair(NamedTuple):
    """Two things that do not fit, or of which nothing is known."""

    judged: Thing
    given: Thing
    verdict: Verdict


def pairs(site: Site) -> Iterator[Pair]:
    """The pairs of a site that are not known to fit."""
    whole = (PROGRAM, *_of_site(site))
    for first, second, verdict in _unfit(whole):
        yield Pair(whole[first], whole[second], verdict)
    # Hosts are alike, but for their keys: each kind of host is judged once.
    known: dict[object, list[tuple[int, int, Verdict]]] = {}
    for host in site.active:
        things = (*whole, *_of_host(site, host), *_of_parts(site, host))
        kind = tuple((each.name, each.values) for each in things)
        if kind not in known:
            known[kind] = list(_unfit(things, done=len(whole)))
        for first, second, verdict in known[kind]:
            yield Pair(things[first], things[second], verdict)


def _unfit(things: Sequence[Thing], done: int = 0) -> Iterator[tuple[int, int, Verdict]]:
    """Places of the pairs that do not fit, or of which nothing is known; not those of which both are before `done`."""
    for first, judged in enumerate(things):
        for second, given in enumerate(things):
            if max(first, second) >= done and (judged.name, given.name) in matrix().pairs:
                verdict = matrix().verdict(judged, given)
                if not verdict.fits:
                    yield first, second, verdict


def _of_site(site: Site) -> Iterator[Thing]:
    """What all hosts share: Kubernetes, and the parts of the cluster."""
    config = site.kubernetes
    if config is not None:
        yield kubernetes.version(config)
        if not {"SystemVerification", "all"} & {*config.ignore_preflight_errors}:
            yield thing("kubeadm", f"kubeadm {config.version}", config.version, ("kubernetes", "version"))
        if mode := config.kube_proxy.get("mode"):
            shown = f"kube-proxy's mode {mode}"
            yield thing("kube-proxy", shown, str(mode), ("kubernetes", "kubeProxy", "mode"))
        yield from _authentication(config)
        if "kubernetes" not in site.repositories:
            yield thing("repository", "the repository pkgs.k8s.io", "pkgs.k8s.io")
    for entry, used in zip(site.entries, site.entry_hosts, strict=True):
        half = entry.part.cluster
        # One that names what others run, such as monitoring: {kind: existing}, has no version here.
        if not used and (half is None or half.made(entry.config)):
            yield entry.version


def _authentication(config: Kubernetes) -> Iterator[Thing]:
    """The version of the operator's own file for signing in; checks_api_server.py refuses one that is no such file."""
    path = config.api_server_files.get(CONFIGURATION)
    try:
        found = YAML(typ="safe").load(path.read_bytes()) if path else None
    except (OSError, ValueError, YAMLError):
        return
    version = str(found.get("apiVersion")).rpartition("/")[2] if isinstance(found, dict) else ""
    if version in ("v1alpha1", "v1beta1", "v1"):
        shown = f"an AuthenticationConfiguration of {version}"
        yield thing("authentication", shown, version, ("kubernetes", "apiServerFiles", CONFIGURATION))


def _of_parts(site: Site, host: Host) -> Iterator[Thing]:
    """The parts that use a host."""
    used = zip(site.entries, site.entry_hosts, strict=True)
    return (entry.version for entry, names in used if host.name in names)


def _of_host(site: Site, host: Host) -> Iterator[Thing]:
    key = ("hosts", host.name)
    brought = _brought(host.os)
    # checks_values.py refuses any other.
    if host.os and SYSTEM.fullmatch(host.os) and host.os.partition("-")[0] in SYSTEMS:
        yield thing("os", host.os, host.os, (*key, "os"))
    yield from _kernel(site, host, brought)
    engine = site.engine_on(host)
    if isinstance(engine, Containerd):
        if engine.version and (match := _PACKAGE.match(engine.version)):
            yield thing("containerd", f"containerd {match[1]}", match[1], ("engine", "version"))
        elif engine.package == "containerd" and not engine.version and "containerd" in brought:
            version = brought["containerd"]
            yield thing("containerd", f"containerd {version} of {host.os}", version, ("engine", "package"))
        if way := site.devices_on(host):
            yield thing("devices of pods", f"GPUs of pods by {way.upper()}", way)
    yield from _gpu(host)


def _kernel(site: Site, host: Host, brought: dict[str, str]) -> Iterator[Thing]:
    """The kernel that a host will run, and its version of control groups, where both are known."""
    key = ("hosts", host.name, "os")
    least, own = host.kernel.at_least, brought.get("kernel")
    if least and own and numbers(least) > numbers(own):
        yield thing("kernel", f"kernel {least}", least, ("hosts", host.name, "kernel", "atLeast"))
    elif own and not host.kernel.package:
        yield thing("kernel", f"kernel {own} of {host.os}", own, key)
    refused = site.kubernetes is None or site.kubernetes.kubelet.get("failCgroupV1") is not False
    if "cgroup" in brought and refused:
        version = "v2" if _UNIFIED in host.kernel.arguments else brought["cgroup"]
        yield thing("cgroup", f"cgroup {version} of {host.os}", version, key)


def _gpu(host: Host) -> Iterator[Thing]:
    """The toolkit; GPUs and driver if the site has a say in them: it installs the driver, or wants MIG."""
    gpu, key = host.gpu, ("hosts", host.name, "gpu")
    if gpu is None:
        return
    if gpu.toolkit:
        at = (*key, "toolkit")
        yield thing("toolkit", gpu.toolkit.package, gpu.toolkit.package, (*at, "package"))
        yield thing("toolkit mode", f"mode {gpu.toolkit.mode}", gpu.toolkit.mode, (*at, "mode"))
    if gpu.installed or gpu.mig:
        model = models.gpu(gpu.model)
        yield Thing(model.name, model.shown, model.values, (*key, "model"))
    if gpu.mig:
        yield thing("mig", "mig: true", "true", (*key, "mig"))
    if gpu.installed is None:
        return
    branch, at = gpu.installed.branch, (*key, "driver")
    yield thing("driver", f"driver {branch}", branch, at)
    if gpu.mig:
        yield thing("mig driver", f"driver {branch}", branch, at)
    if gpu.cuda:
        yield thing("cuda", f"CUDA {gpu.cuda}", gpu.cuda, (*key, "cuda"))
    # The kind that auto chooses fits whatever the driver fits.
    if gpu.installed.module != "auto":
        module = models.module(gpu_steps.kind(gpu, gpu.installed))
        names = ("module",) if gpu.installed.runfile else ("module", "packaged module")
        yield from (Thing(name, module.shown, module.values, (*at, "module")) for name in names)


@cache
def _brought(system: str | None) -> dict[str, str]:
    """What a system brings: kernel, control groups, containerd. Of rhel-8.9 as of rhel-8."""
    facts: Facts = read(_SYSTEMS)
    names = (system or "", (system or "").rpartition(".")[0])
    return next((fact.has for name in names for fact in facts.facts if name in fact.of), {})


def fitting(site: Site) -> Iterator[Problem]:
    """No pair of versions is known to fail; unless the site allows it, none is unknown."""
    found = list(pairs(site))
    bad = {pair.judged.key for pair in found if pair.verdict.fits is False}
    for pair in found:
        key = pair.judged.key
        if pair.verdict.fits is False:
            yield Problem(key, misfit(pair.judged, pair.given, pair.verdict))
        elif not site.allow_untested and key not in bad:  # what is unknown of a bad one does not matter
            text = f"{_unknown(pair)} Write one that is, or allowUntested: true at top level to try it."
            yield Problem(key, text)


def _unknown(pair: Pair) -> str:
    """For a pair with this program, only what it does not know; for a GPU the nearest model, not all generations."""
    if pair.judged.name == "gpu":
        near = suggestion(pair.judged.shown.removeprefix("GPU "), models.NAMES)
        return f"{pair.judged.shown} is not in the compatibility matrix. {near}".rstrip()
    return untested(pair.judged, pair.given, pair.verdict).replace(f" with {PROGRAM.shown} ", " ")


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (fitting,)


def notes(site: Site) -> list[str]:
    """The unknown pairs of a site that allows them, each once with the number of its hosts."""
    first: dict[str, list[str]] = {}
    for pair in pairs(site) if site.allow_untested else ():
        if pair.verdict.fits is None:
            keys = first.setdefault(_unknown(pair), [])
            if (key := dotted(pair.judged.key)) not in keys[:1]:
                keys.append(key)
    return [f"{keys[0]}{f' and {len(keys) - 1} more' if keys[1:] else ''}: {text}" for text, keys in first.items()]
