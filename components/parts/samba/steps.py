"""Samba shares on their host, as data: config in, steps out. Nothing here touches a host.

Rows: N3.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from components.host.config import Host
from components.host.listening import Listening
from components.host.openings import Sources
from components.host.packages import packages
from components.hostrun.step import Step
from components.parts.part import Hosts, Wave
from components.parts.samba.config import Samba, Share

_SCRIPTS = Path(__file__).parent / "steps"
GROUP = "gm-samba"
"""Of all users, on the host: what one of them writes into a shared folder belongs to it."""
PASSWORDS = "/var/lib/samba/private/gpu-metal.tdb"


def uses(config: Samba, hosts: Hosts) -> Sequence[str]:
    """The one host."""
    return [config.host] if config.host in hosts else []


def listening(config: Samba, _: Host, __: Hosts) -> Sequence[Listening]:
    """SMB, for the people's machines."""
    sources: Sources = config.clients or "any"
    return (Listening("smb", "Samba", "445", sources=sources, key=("host",), fixed=True, layer="samba"),)


def preflight(_: Samba, __: Host, ___: Hosts) -> Sequence[Step]:
    """Nobody else serves folders there by Samba."""
    return (Step(_SCRIPTS / "samba_free.sh"),)


def waves(config: Samba, hosts: Hosts) -> Sequence[Wave]:
    """Programs, folders, settings, passwords."""
    if config.host not in hosts:
        return ()
    host, users = hosts[config.host], sorted(config.users)
    access = "".join(f"{user} {right} {folder}\n" for user, right, folder in sorted(_access(config)))
    folders = {"homes": _places(config, host, homes=True), "shared": _places(config, host, homes=False)}
    return (
        Wave(
            "samba",
            {
                config.host: [
                    packages(["@samba"], label="samba"),
                    Step(_SCRIPTS / "samba_folders.sh", {**folders, "users": " ".join(users)}, bulk={"access": access}),
                    Step(_SCRIPTS / "samba_shares.sh", bulk={"conf": conf(config)}),
                    Step(
                        _SCRIPTS / "samba_users.sh",
                        {"users": " ".join(users)},
                        secrets={f"password-{user}": config.users[user].password_secret for user in users},
                    ),
                ]
            },
        ),
    )


def members(config: Samba, share: Share) -> list[str]:
    """Who may enter a share."""
    return sorted(config.users if share.users is None else share.users)


def conf(config: Samba) -> str:
    """All of smb.conf. https://www.samba.org/samba/docs/current/man-html/smb.conf.5.html."""
    whole = {
        "server role": "standalone server",
        "passdb backend": f"tdbsam:{PASSWORDS}",
        "map to guest": "never",
        "restrict anonymous": "2",
        "ntlm auth": "ntlmv2-only",
        "server min protocol": "SMB3" if config.encrypt else "SMB2_10",
        "server smb encrypt": "required" if config.encrypt else "desired",
        "server signing": "mandatory",
        "smb ports": "445",
        "disable netbios": "yes",
        "usershare max shares": "0",
        "load printers": "no",
        "printing": "bsd",
        "printcap name": "/dev/null",
        "disable spoolss": "yes",
    }
    sections = {"global": whole} | {name: _section(config, share) for name, share in sorted(config.shares.items())}
    lines = ["# gpu-metal: pulumi up writes this file. Change the site.\n"]
    for name, settings in sections.items():
        lines += [f"[{name}]\n", *(f"    {key} = {value}\n" for key, value in settings.items())]
    return "".join(lines)


def _section(config: Samba, share: Share) -> dict[str, str]:
    inside = members(config, share)
    found = {
        "path": f"{share.path}/%u" if share.homes else share.path,
        "valid users": " ".join(inside),
        "read only": "no",
        "create mask": "0600" if share.homes else "0664",
        "directory mask": "0700" if share.homes else "2775",
    }
    if readers := [user for user in inside if user in share.read_only]:
        found["read list"] = " ".join(readers)
    if not share.homes:
        # So that the next user may change what this one wrote.
        found |= {"force group": GROUP, "force create mode": "0664", "force directory mode": "2775"}
    return found


def _access(config: Samba) -> Iterator[tuple[str, str, str]]:
    """User, r or w, and folder on the host, for all that a user may enter."""
    for share in config.shares.values():
        for user in members(config, share):
            folder = f"{share.path}/{user}" if share.homes else share.path
            yield user, "r" if user in share.read_only else "w", folder


def _places(config: Samba, host: Host, *, homes: bool) -> str:
    """`PATH` or `PATH:MOUNT` of each folder of one kind: where a disk of the host must be mounted."""
    found = []
    for path in sorted({share.path for share in config.shares.values() if share.homes == homes}):
        mount = disk(path, host)
        found.append(f"{path}:{mount}" if mount else path)
    return " ".join(found)


def disk(path: str, host: Host) -> str | None:
    """The mount point of the host's disk on which a folder lies, the innermost."""
    found = [each.mount for each in host.disks if PurePosixPath(path).is_relative_to(each.mount)]
    return max(found, key=len, default=None)
