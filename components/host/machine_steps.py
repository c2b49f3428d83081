"""The steps for the machine itself, as data (rows H2, H4, H5, H9 to H13). Nothing here touches a host."""

from pathlib import Path

from components.host.config import Host
from components.host.machine import Account, Disk, Person
from components.host.packages import packages
from components.hostrun.step import Step

_SCRIPTS = Path(__file__).parent / "steps"


def preflight(host: Host) -> list[Step]:
    """Checks only: the data disks are there and may be used, and no user loses what the site does not name."""
    disks = [_step("disk_free", _label(disk), **_place(disk)) for disk in _by_mount(host)]
    return [*disks, *_adopted(host), *_free(host)]


def machine(host: Host) -> list[Step]:
    """The steps after the packages and before the kernel settings."""
    return [*accounts(host), *locale(host), *timezone(host), *disks(host), *swap(host)]


def accounts(host: Host) -> list[Step]:
    """Groups, then each user and its rights to become root. A user's `password` is the secret that the site names."""
    groups = dict(host.account_groups)
    steps = [_group(name, gid) for name, gid in sorted(groups.items())]
    if "docker" not in groups and any("docker" in account.groups for account in host.accounts.values()):
        # The engine's layer comes later. Its package uses a group that exists; this one is as it would create it.
        steps.append(_step("account_group", "docker", name="docker", system="yes"))
    if any(account.sudo != "no" for account in host.accounts.values()):
        steps.append(packages(["@sudo"], label="sudo"))
    for name, account in sorted(host.accounts.items()):
        login = "yes" if host.ssh.user == name else "no"
        steps += [
            _account(name, account, login),
            _step("account_sudo", name, name=name, sudo=account.sudo, login=login),
        ]
    return steps


def locale(host: Host) -> list[Step]:
    """The system's language."""
    return [_step("locale", name=host.locale)] if host.locale else []


def timezone(host: Host) -> list[Step]:
    """The time zone."""
    return [packages(["tzdata"], label="timezone"), _step("timezone", name=host.timezone)] if host.timezone else []


def disks(host: Host) -> list[Step]:
    """Data disks, an outer mount before those below it."""
    if not host.disks:
        return []
    tools = sorted({f"@{disk.filesystem}" for disk in host.disks})
    steps = [packages(tools, label="filesystems")]
    for disk in _by_mount(host):
        owner = {"owner": disk.owner} if disk.owner else {}
        steps.append(_step("disk_mount", _label(disk), **_place(disk), options=",".join(disk.options), **owner))
    return steps


def swap(host: Host) -> list[Step]:
    """No swap, if the site or a room above turns it off."""
    return [_step("swap_off")] if host.swap == "off" else []


def modules(host: Host) -> list[Step]:
    """Kernel modules: the site's, and those of the rooms above."""
    names = " ".join(dict.fromkeys(host.modules))
    return [_step("kernel_modules", names=names)] if names else []


def sysctl(host: Host) -> list[Step]:
    """Kernel settings: the site's, over those of the rooms above."""
    return [Step(_SCRIPTS / "sysctl.sh", dict(sorted(host.sysctl.items())))] if host.sysctl else []


def limits(host: Host) -> list[Step]:
    """PAM limits of all users, proven by a login of root and of the site's own user."""
    values = {name: str(value) for name, value in sorted(host.limits.items())}
    return [Step(_SCRIPTS / "limits.sh", {**values, "login": host.ssh.user})] if values else []


def tuned(host: Host) -> list[Step]:
    """tuned and its profile."""
    return [packages(["@tuned"], label="tuned"), _step("tuned", profile=host.tuned)] if host.tuned else []


def target(host: Host) -> list[Step]:
    """The target that systemd boots into."""
    return [_step("target", name=host.target)] if host.target else []


def services(host: Host) -> list[Step]:
    """Units that are stopped and masked."""
    return [_step("services_off", units=" ".join(host.services_off))] if host.services_off else []


def _adopted(host: Host) -> list[Step]:
    unsaid = {
        key: " ".join(
            name
            for name, account in sorted(host.accounts.items())
            if field not in account.model_fields_set and not isinstance(account, Person)
        )
        for key, field in (("password", "password_secret"), ("sudo", "sudo"))
    }
    inputs = {key: names for key, names in unsaid.items() if names}
    return [_step("account_adopted", **inputs)] if inputs else []


def _free(host: Host) -> list[Step]:
    people = {name: account for name, account in sorted(host.accounts.items()) if isinstance(account, Person)}
    homes = {name: {"home": account.home} if account.home else {} for name, account in people.items()}
    return [
        _step("account_free", name, name=name, uid=str(account.uid), **homes[name]) for name, account in people.items()
    ]


def _group(name: str, gid: int | None) -> Step:
    inputs = {"name": name} if gid is None else {"name": name, "gid": str(gid)}
    return _step("account_group", name, **inputs)


def _account(name: str, account: Account, login: str) -> Step:
    inputs = {"name": name, "groups": " ".join(account.groups), "login": login}
    inputs["password"] = "yes" if account.password_secret else "no"
    if account.uid is not None:
        inputs["uid"] = str(account.uid)
    if account.shell is not None:
        inputs["shell"] = account.shell
    if account.home is not None:
        inputs["home"] = account.home
    if account.keys:
        inputs["keys"] = "yes"
    if isinstance(account, Person):
        inputs["own"] = "yes"
    return Step(
        _SCRIPTS / "account.sh",
        inputs,
        bulk={"keys": "\n".join(account.keys)} if account.keys else {},
        secrets={"password": account.password_secret} if account.password_secret else {},
        label=name,
    )


def _by_mount(host: Host) -> list[Disk]:
    return sorted(host.disks, key=lambda disk: disk.mount)


def _label(disk: Disk) -> str:
    return disk.mount.strip("/").replace("/", ":")


def _place(disk: Disk) -> dict[str, str]:
    return {"device": disk.device, "mount": disk.mount, "filesystem": disk.filesystem}


def _step(script: str, label: str = "", /, **inputs: str) -> Step:
    return Step(_SCRIPTS / f"{script}.sh", inputs, label=label)
