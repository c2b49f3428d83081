"""A host's disk: an overlay of its own on the base system, with what makes the host itself: name, address, keys."""

import hashlib
import os
import shutil
import uuid
from pathlib import Path

from lab import paths
from lab.hosts import frozen, gpus, keys
from lab.hosts.inventory import GATEWAY, NETWORK, USER, WEB_PORT, Host, LabError

WITHOUT = "".join(f"path-exclude=/usr/share/{name}/*\n" for name in ("doc", "info", "lintian", "locale", "man"))
"""Of all packages: nobody reads it here, and its files are a good part of an installation."""
NEEDED = "path-include=/usr/share/locale/locale.alias\n"
"""By locale-gen."""
NOT_OVERLAY = ("containerd", "kubelet", "docker")  # below /var/lib; they mount overlays of their own


def folder(host: Host) -> Path:
    """The folder of the host's disk."""
    return paths.DISKS / host.name


def prepare(host: Host, base: Path) -> None:
    """Makes the disk when it is absent, or anew when it was made for another base, key or host."""
    disk = folder(host)
    seeded = disk / "identity"
    if not seeded.exists() or seeded.read_text() != _identity(host, base):
        renew(host, base)
    _write(disk / "upper/etc/resolv.conf", _resolver(), 0o644)  # the machine may have moved to another network


def renew(host: Host, base: Path, layer: str = "") -> None:
    """A new disk, bare or on a frozen layer. The host must be off; LabError for a layer of another host."""
    disk, owner = folder(host), frozen.owner(layer) if layer else ""
    if owner not in ("", host.name):
        raise LabError(f"{host.name} [frozen] the layer {layer} is of {owner}. Fix: start {owner} from it.")
    if layer and frozen.base_of(layer) != base.name:
        raise LabError(f"{host.name} [frozen] the layer {layer} is of another base system. Fix: make it anew.")
    erase(host)
    for part in ("upper", "work", "root", *NOT_OVERLAY):
        (disk / part).mkdir(parents=True)
        (disk / part).chmod(0o755)  # the host's / has the mode of upper
    if layer:
        frozen.copy_apart(layer, disk, NOT_OVERLAY)
        (disk / "layer").write_text(layer)
    if not owner:
        _seed(host, base)
    (disk / "identity").write_text(_identity(host, base))


def freeze(host: Host, base: Path, key: str, *, own: bool) -> None:
    """Turns the host's disk into a frozen layer, for any host, or with `own` for itself alone. The host must be off."""
    disk = folder(host)
    (disk / "identity").unlink()  # so that the leftovers of a killed run do not pass as a disk
    owner = host.name if own else ""
    frozen.keep(key, disk, host=owner, base=base.name, below=layer_of(host), apart=NOT_OVERLAY)
    erase(host)


def layer_of(host: Host) -> str:
    """The frozen layer that the disk started from; empty for none."""
    marker = folder(host) / "layer"
    return marker.read_text() if marker.exists() else ""


def lower(host: Host, base: Path) -> str:
    """The layers below the disk, in the form of overlay's lowerdir."""
    layer = layer_of(host)
    return ":".join(str(each) for each in [*(frozen.lowers(layer) if layer else []), base])


def erase(host: Host) -> None:
    """Deletes the host's disk. The host must be off."""
    if folder(host).exists():
        shutil.rmtree(folder(host))


def _identity(host: Host, base: Path) -> str:
    """A digest of what a disk is made for: base system, host, keys, stand-ins and package sources."""
    public = [path.read_text() for path in (_public(keys.USER_KEY), _public(keys.host_key(host)))]
    fakes = gpus.files(str(host.gpus), gpus.DRIVER) if host.gpus else {}
    return hashlib.sha256(repr((base.name, host, public, fakes, _sources(host))).encode()).hexdigest()


def _public(key: Path) -> Path:
    return key.with_name(f"{key.name}.pub")


def _sources(host: Host) -> dict[str, str]:
    """The host's package sources, which are the depot's, Debian's packages too; path from / → text."""
    if not paths.SIGNING_KEY.exists():
        raise LabError(f"{host.name} [sources] the lab has no key yet. Fix: python -m lab keys")
    key = "usr/share/keyrings/lab.asc"
    line = f"deb [signed-by=/{key}] http://{GATEWAY}:{WEB_PORT}/debian {host.release} main\n"
    return {key: paths.SIGNING_KEY.read_text(), "etc/apt/sources.list": line}


def _seed(host: Host, base: Path) -> None:
    disk = folder(host)
    etc = disk / "upper/etc"
    _write(etc / "dpkg/dpkg.cfg.d/lab", WITHOUT + NEEDED, 0o644)
    _write(etc / "hostname", f"{host.name}\n", 0o644)
    _write(etc / "hosts", f"127.0.0.1 localhost\n127.0.1.1 {host.name}\n", 0o644)  # as Debian's installer does
    _write(etc / "machine-id", f"{uuid.uuid4().hex}\n", 0o444)
    _write(etc / "lab-metal", f"ADDRESS={host.address}/{NETWORK.prefixlen}\nGATEWAY={GATEWAY}\n", 0o644)
    key = keys.host_key(host)
    _write(etc / "ssh/ssh_host_ed25519_key", key.read_text(), 0o600)
    _write(etc / "ssh/ssh_host_ed25519_key.pub", _public(key).read_text(), 0o644)
    _authorize(disk / "upper", base)
    for path, text in _sources(host).items():
        _write(disk / "upper" / path, text, 0o644)
    if host.gpus:
        for path, (text, mode) in gpus.files(str(host.gpus), gpus.DRIVER).items():
            _write(disk / "upper" / path, text, mode)


def _authorize(upper: Path, base: Path) -> None:
    """The user's key, owned by the base system's user: in an overlay, the upper folder's owner counts."""
    home = (base / "home" / USER).stat()
    ssh = upper / "home" / USER / ".ssh"
    _write(ssh / "authorized_keys", _public(keys.USER_KEY).read_text(), 0o600)
    for path, mode in ((ssh.parent, 0o700), (ssh, 0o700), (ssh / "authorized_keys", 0o600)):
        os.chown(path, home.st_uid, home.st_gid)
        path.chmod(mode)


def _write(path: Path, text: str, mode: int) -> None:
    for missing in reversed([parent for parent in path.parents if not parent.exists()]):
        missing.mkdir(mode=0o755)
        missing.chmod(0o755)
    path.write_text(text)
    path.chmod(mode)


def _resolver() -> str:
    """The machine's name servers. Hosts cannot use systemd-resolved's own address, so they get the real servers."""
    real = Path("/run/systemd/resolve/resolv.conf")
    return (real if real.exists() else Path("/etc/resolv.conf")).read_text()
