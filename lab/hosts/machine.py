"""What the lab needs of this machine: checks it before anything is changed, then installs Debian's packages."""

import json
import os
import shutil
from dataclasses import dataclass
from ipaddress import ip_network

from lab import paths
from lab.hosts.command import run
from lab.hosts.inventory import BRIDGE, NETWORK, LabError

PACKAGES = {  # program: Debian's package
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "nft": "nftables",
    "iptables": "iptables",
    "nsenter": "util-linux",
    "ssh-keygen": "openssh-client",
}
SBIN = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PREVIEW = "`make preview` plans the dev site on any machine, without root or hosts."


@dataclass(frozen=True)
class Sources:
    """The machine's own Debian mirrors."""

    main: str
    security: str | None


def need_root() -> None:
    """Raises LabError for any other user."""
    _refuse("root", os.geteuid() == 0, f"its hosts need root, this is user {os.geteuid()}", "run it as root")


def prepare() -> None:
    """Refuses a machine that cannot run the lab, before any change; then installs what is missing."""
    apt = shutil.which("apt-get") and shutil.which("dpkg")
    _refuse("apt", bool(apt), "this machine has no apt and dpkg", "use a Debian machine")
    _one_lab()
    missing = [package for program, package in PACKAGES.items() if not shutil.which(program, path=SBIN)]
    if missing:
        _can_be_installed(missing)
    if shutil.which("ip", path=SBIN):
        _address_is_free()
    if missing:
        run("apt-get", "install", "-qy", "--no-install-recommends", *missing, env=_noninteractive())
        _address_is_free()


def _refuse(check: str, holds: bool, untrue: str, fix: str) -> None:
    if not holds:
        raise LabError(f"lab [{check}] cannot run here: {untrue}. Fix: {fix}. Otherwise {PREVIEW}")


def _one_lab() -> None:
    """One lab per machine: bridge, addresses and cgroups have fixed names."""
    owner = paths.RUN / "folder"
    other = owner.read_text() if owner.exists() else str(paths.LAB)
    _refuse(
        "one-lab",
        other == str(paths.LAB),
        f"the lab of {other} runs on this machine",
        f"stop it: GPU_METAL_LAB={other} make lab-down",
    )


def sources() -> Sources:
    """The mirrors out of apt's own configuration, so that no host name is written here. Raises LabError for none."""
    fields = "$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)"
    found = [line.split("|") for line in _index_targets(fields) or (_update() and _index_targets(fields)) or []]
    mirrors = {label: uri for origin, label, component, uri in found if origin == "Debian" and component == "main"}
    _refuse("mirror", "Debian" in mirrors, "apt's sources name no Debian repository", "use a Debian machine")
    return Sources(mirrors["Debian"], mirrors.get("Debian-Security"))


def _index_targets(fields: str) -> list[str]:
    return run("apt-get", "indextargets", "--format", fields, "Created-By: Packages").splitlines()


def _update() -> bool:
    run("apt-get", "update", "-q", env=_noninteractive(), deadline=300)
    return True


def _can_be_installed(packages: list[str]) -> None:
    """Raises LabError unless apt could install them; asks the mirror once when its lists are old or absent."""
    simulate = ("apt-get", "install", "--simulate", "-q", "--no-install-recommends", *packages)
    try:
        run(*simulate)
    except LabError:
        try:
            _update()
            run(*simulate)
        except LabError as refused:
            names = ", ".join(packages)
            _refuse("packages", False, f"{names} cannot be installed ({refused})", "make apt work on this machine")


def _address_is_free() -> None:
    for route in json.loads(run("ip", "-j", "-4", "route", "show", "table", "all")):
        target, device = route["dst"], route.get("dev", "")
        if target == "default" or device == BRIDGE:
            continue
        overlaps = ip_network(target, strict=False).overlaps(NETWORK)
        _refuse(
            "address",
            not overlaps,
            f"this machine routes {target} by {device}, the lab needs {NETWORK}",
            "remove that route while the lab runs",
        )


def _noninteractive() -> dict[str, str]:
    return {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
