"""Rules for Shifter in its site. Pure functions; each problem names the key, from the entry on, and the fix."""

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from itertools import chain

from components.parts.part import Ground
from components.platforms.shifter import checks_gateway, checks_slurm, roles, udiroot
from components.platforms.shifter.config import Shifter
from components.problem import Key, Problem

_MOUNT = re.compile(r"(/[^\s:;]*):(/[^\s:;]+)(:[\w=:,]+)?")
_SYSTEM = ("/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr")
"""System folders of an image: Shifter's own documents ask not to mount over them."""
_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def hosts(config: Shifter, ground: Ground) -> Iterator[Problem]:
    """The hosts of the gateway and of containers are in the site and not gone."""
    host = ground.hosts.get(config.gateway.host)
    if host is None or host.state == "gone":
        what = "is gone" if host else "is not a host of this site"
        yield Problem(("gateway", "host"), f"{config.gateway.host} {what}. Write one of hosts.")
    for index, text in roles.wrong(config.runtimes, ground.hosts, needed=True):
        if index is None:
            yield Problem(("runtimes",), f"{text} Write another one.")
        else:
            yield Problem(("runtimes", index), text)


def source(config: Shifter, _: Ground) -> Iterator[Problem]:
    """Shifter has one source."""
    own = config.source
    if (own.archive is None) == (own.git is None):
        yield Problem(("source",), "needs one of archive and git. Write archive: {url: URL, sha256: SUM}.")
    if own.archive and (own.archive.file is None) == (own.archive.url is None):
        yield Problem(("source", "archive"), "needs one of file and url. Write where the archive is.")


def settings(config: Shifter, _: Ground) -> Iterator[Problem]:
    """udiRoot.conf has no key that the version refuses, and none twice."""
    own, at, version = config.udi_root, ("udiRoot",), config.source.version
    if own.site_resources and not udiroot.has_site_resources(config):
        text = (
            f"Shifter {version} refuses a udiRoot.conf with siteResources. Take it away; or, if this source is a fork"
        )
        text += " that knows it, write source: {siteResources: true}."
        yield Problem((*at, "siteResources"), text)
    if own.auto_load_kernel_module and udiroot.has_modules(config):
        text = f"Shifter {version} does not load kernel modules. Take it away: then each host loads them at boot."
        yield Problem((*at, "autoLoadKernelModule"), text)
    for name, value in own.more.items():
        if not udiroot.may_name(name, config):
            yield Problem((*at, "more", name), _no_key(name, config))
        elif not value.strip() or "\n" in value:
            yield Problem((*at, "more", name), "is empty or more than a line. Write its value on one line.")
    yield from _environment(config, at)


def mounts(config: Shifter, _: Ground) -> Iterator[Problem]:
    """Each entry of siteFs has both paths, and does not hide a system folder of the image."""
    for index, entry in enumerate(config.udi_root.site_fs):
        at = ("udiRoot", "siteFs", index)
        parts = _MOUNT.fullmatch(entry)
        if parts is None:
            yield Problem(at, 'is not FROM:TO, two paths from / on, for example "/home:/home".')
        elif any(parts[2] == path or parts[2].startswith(f"{path}/") for path in _SYSTEM):
            yield Problem(at, f"would hide {parts[2]} of every image. Mount it below /opt or a path of your own.")


def gpus(config: Shifter, ground: Ground) -> Iterator[Problem]:
    """If containers are to have GPUs, the version supports that."""
    if config.gpu_default and not config.gpu:
        yield Problem(("gpuDefault",), "needs gpu: true. Write that, or take this away.")
    runtimes = roles.there(roles.runtimes(config, ground.hosts), ground.hosts)
    with_gpus = [host.name for host in runtimes if host.gpu]
    if config.gpu and with_gpus and not (udiroot.has_modules(config) or udiroot.has_site_resources(config)):
        text = f"Shifter {config.source.version} does not support GPUs, and {with_gpus[0]} has some."
        yield Problem(("gpu",), f"{text} Use version 18.03 or later, or write gpu: false.")


def folders(config: Shifter, _: Ground) -> Iterator[Problem]:
    """Each folder has one purpose, and root runs nothing from a folder that the gateway's user may write to."""
    images, user = config.images, config.gateway.user
    theirs = {"images.path": images.path, "images.cache": images.cache, "images.expand": images.expand}
    roots = {
        "prefix": config.prefix,
        "sysconfdir": config.sysconfdir,
        "udiRoot.etcPath": udiroot.etc_path(config),
        "gateway.path": config.gateway.path,
    }
    first: dict[str, str] = {}
    for name, path in {**theirs, **roots}.items():
        if path and first.setdefault(path.rstrip("/"), name) != name:
            other = first[path.rstrip("/")]
            yield Problem(tuple(name.split(".")), f"{path} is also {other}. Give each a folder of its own.")
    for name, path in ((name, path.rstrip("/")) for name, path in theirs.items() if path):
        for other, root in roots.items():
            if root.startswith(f"{path}/"):
                text = f"is inside {name}, where {user} may write, but root runs what is in it. Write a folder outside."
                yield Problem(tuple(other.split(".")), text)


CHECKS: tuple[Callable[[Shifter, Ground], Iterator[Problem]], ...] = (
    *(hosts, source, settings, mounts, gpus, folders),
    *checks_gateway.CHECKS,
    *checks_slurm.CHECKS,
)


def checks(config: Shifter, ground: Ground) -> Iterator[Problem]:
    """Every problem of an entry."""
    return chain.from_iterable(check(config, ground) for check in CHECKS)


def notes(config: Shifter, ground: Ground) -> Iterator[Problem]:
    """Remarks about settings that are allowed."""
    others = [name for name in roles.runtimes(config, ground.hosts) if name != config.gateway.host]
    if others and not config.images.shared:
        text = f"false; you must copy images from {config.gateway.host} to {', '.join(others)} yourself."
        yield Problem(("images", "shared"), text)
    if config.source.static_sshd:
        text = "the build downloads OpenSSH, LibreSSL and more without comparing checksums."
        yield Problem(("source", "staticSshd"), text)
    yield from checks_gateway.notes(config)
    yield from checks_slurm.notes(config, ground)


def _no_key(name: str, config: Shifter) -> str:
    if name in udiroot.keys(config):
        return "follows from other keys of the site. Take it away."
    known = udiroot.more_keys(config)
    near = get_close_matches(name, known, 1)
    fix = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
    return f"no such key: Shifter {config.source.version} would refuse the file. {fix}"


def _environment(config: Shifter, at: Key) -> Iterator[Problem]:
    for name, value in config.udi_root.site_env.items():
        if not _VARIABLE.fullmatch(name) or re.search(r"\s", value):
            yield Problem(
                (*at, "siteEnv", name), "makes no variable of udiRoot.conf: name and value must not have blanks."
            )
