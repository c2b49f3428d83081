"""What must hold of Shifter in its site. Pure functions; each problem names the key, from the entry on, and the fix."""

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from itertools import chain

from components.host.folders import is_the_systems
from components.parts.part import Ground
from components.platforms.shifter import checks_gateway, checks_slurm, roles, udiroot, versions
from components.platforms.shifter.config import Shifter
from components.problem import Key, Problem

_MOUNT = re.compile(r"(/[^\s:;]*):(/[^\s:;]+)(:[\w=:,]+)?")
_SYSTEM = ("/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr")
"""Of the image; Shifter's own documents ask to leave them alone."""
_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def hosts(config: Shifter, ground: Ground) -> Iterator[Problem]:
    """The gateway and who runs containers are there."""
    host = ground.hosts.get(config.gateway.host)
    if host is None or host.state == "gone":
        what = "is gone" if host else "is not a host of this site"
        yield Problem(("gateway", "host"), f"{config.gateway.host} {what}. Write one of hosts.")
    for index, word in enumerate(config.runtimes):
        if not roles.there(roles.named([word], ground.hosts), ground.hosts):
            text = f"{word} is neither a host nor a group with hosts that are there. Write one of those."
            yield Problem(("runtimes", index), text)


def source(config: Shifter, _: Ground) -> Iterator[Problem]:
    """One source, of a version that is known here."""
    own = config.source
    if (own.archive is None) == (own.git is None):
        yield Problem(("source",), "needs one of archive and git. Write archive: {url: URL, sha256: SUM}.")
    if own.archive and (own.archive.file is None) == (own.archive.url is None):
        yield Problem(("source", "archive"), "needs one of file and url. Write where the archive is.")
    if versions.release(own.version) < versions.FIRST:
        yield Problem(("source", "version"), f"{own.version} is older than any known here. Use 16.08 or later.")


def settings(config: Shifter, _: Ground) -> Iterator[Problem]:
    """udiRoot.conf has no key that the version refuses, and none twice."""
    own, at, version = config.udi_root, ("udiRoot",), config.source.version
    if own.site_resources and not udiroot.has_site_resources(config):
        text = f"Shifter {version} refuses a udiRoot.conf with siteResources. Take it away."
        yield Problem((*at, "siteResources"), text)
    if own.auto_load_kernel_module and udiroot.has_modules(config):
        text = f"Shifter {version} loads no modules. Take it away: then every start of the host loads them."
        yield Problem((*at, "autoLoadKernelModule"), text)
    for name, value in own.more.items():
        if not udiroot.may_name(name, config):
            yield Problem((*at, "more", name), _no_key(name, config))
        elif not value.strip() or "\n" in value:
            yield Problem((*at, "more", name), "is empty or more than a line. Write its value on one line.")
    yield from _environment(config, at)


def mounts(config: Shifter, _: Ground) -> Iterator[Problem]:
    """siteFs has both its ends, and leaves the image its system."""
    for index, entry in enumerate(config.udi_root.site_fs):
        at = ("udiRoot", "siteFs", index)
        parts = _MOUNT.fullmatch(entry)
        if parts is None:
            yield Problem(at, 'is not FROM:TO, two paths from / on, for example "/home:/home".')
        elif any(parts[2] == path or parts[2].startswith(f"{path}/") for path in _SYSTEM):
            yield Problem(at, f"would hide {parts[2]} of every image. Mount it below /opt or a path of your own.")


def gpus(config: Shifter, ground: Ground) -> Iterator[Problem]:
    """Where containers are to have GPUs, the version can give them."""
    if config.gpu_default and not config.gpu:
        yield Problem(("gpuDefault",), "needs gpu: true. Write that, or take this away.")
    runtimes = roles.there(roles.runtimes(config, ground.hosts), ground.hosts)
    with_gpus = [host.name for host in runtimes if host.gpu]
    if config.gpu and with_gpus and versions.release(config.source.version) < versions.SITE_RESOURCES:
        text = f"Shifter {config.source.version} knows no GPUs, and {with_gpus[0]} has some."
        yield Problem(("gpu",), f"{text} Use version 18.03 or later, or write gpu: false.")


def folders(config: Shifter, _: Ground) -> Iterator[Problem]:
    """Each folder is for one thing; what root runs is not where the gateway's user may write."""
    images, user = config.images, config.gateway.user
    theirs = {"images.path": images.path, "images.cache": images.cache, "images.expand": images.expand}
    roots = {
        "prefix": config.prefix,
        "sysconfdir": config.sysconfdir,
        "udiRoot.etcPath": config.udi_root.etc_path,
        "gateway.path": config.gateway.path,
    }
    first: dict[str, str] = {}
    for name, path in {**theirs, **roots}.items():
        if path and first.setdefault(path.rstrip("/"), name) != name:
            other = first[path.rstrip("/")]
            yield Problem(tuple(name.split(".")), f"{path} is also {other}. Give each a folder of its own.")
    for name, path in ((name, path.rstrip("/")) for name, path in theirs.items() if path):
        if is_the_systems(path or "/"):
            text = f"{path or '/'} would be {user}'s, and it is the system's own. Write a folder in it."
            yield Problem(tuple(name.split(".")), text)
            continue
        for other, root in roots.items():
            if root.startswith(f"{path}/"):
                text = f"lies in {name}, which is {user}'s: what root runs must not. Write a folder outside."
                yield Problem(tuple(other.split(".")), text)


CHECKS: tuple[Callable[[Shifter, Ground], Iterator[Problem]], ...] = (
    *(hosts, source, settings, mounts, gpus, folders),
    *checks_gateway.CHECKS,
    *checks_slurm.CHECKS,
)


def checks(config: Shifter, ground: Ground) -> Iterator[Problem]:
    """All of them."""
    return chain.from_iterable(check(config, ground) for check in CHECKS)


def notes(config: Shifter, ground: Ground) -> Iterator[Problem]:
    """What is allowed and yet worth a line."""
    others = [name for name in roles.runtimes(config, ground.hosts) if name != config.gateway.host]
    if others and not config.images.shared:
        text = f"false; bring images from {config.gateway.host} to {', '.join(others)} yourself."
        yield Problem(("images", "shared"), text)
    if config.source.static_sshd:
        text = "the build fetches OpenSSH, LibreSSL and more, and compares no sums."
        yield Problem(("source", "staticSshd"), text)
    yield from checks_gateway.notes(config)


def _no_key(name: str, config: Shifter) -> str:
    if name in udiroot.keys(config):
        return "is decided by other keys of the site. Take it away."
    known = udiroot.more_keys(config)
    near = get_close_matches(name, known, 1)
    fix = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
    return f"is no key that Shifter {config.source.version} knows: it would refuse the file. {fix}"


def _environment(config: Shifter, at: Key) -> Iterator[Problem]:
    for name, value in config.udi_root.site_env.items():
        if not _VARIABLE.fullmatch(name) or re.search(r"\s", value):
            yield Problem(
                (*at, "siteEnv", name), "is no variable that udiRoot.conf can hold: no blanks in name or value."
            )
