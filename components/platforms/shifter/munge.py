"""munge with the site's key, as data; and the proof that all hosts have one key and one time (row F4)."""

from collections.abc import Mapping
from pathlib import Path

from components.host.config import Host
from components.host.packages import packages
from components.hostrun.step import Step
from components.hostrun.target import Target
from components.parts.part import Hook
from components.platforms.shifter import ring, roles
from components.platforms.shifter.config import Shifter

_SCRIPTS = Path(__file__).parent / "steps"


def steps(config: Shifter, host: Host, hosts: Mapping[str, Host]) -> list[Step]:
    """The steps of munge, which come first on every host of the platform."""
    if host.name not in roles.members(config, hosts):
        return []
    return [
        packages(["@munge"], label="munge"),
        Step(_SCRIPTS / "munge_key.sh", secrets={"key": config.munge_secret}),
        Step(_SCRIPTS / "munge.sh"),
    ]


def across(config: Shifter, hosts: Mapping[str, Host]) -> Hook:
    """The hook before the last layer: it proves that every host decodes what one of them encodes."""
    names = [host.name for host in roles.there(roles.members(config, hosts), hosts)]

    async def hook(targets: Mapping[str, Target]) -> None:
        await ring.prove([targets[name] for name in names])

    return hook


def last(config: Shifter, hosts: Mapping[str, Host]) -> list[Step]:
    """Records the proof of `across`, so that a new key or another host makes it run again."""
    names = [host.name for host in roles.there(roles.members(config, hosts), hosts)]
    return [Step(_SCRIPTS / "munge_proven.sh", {"hosts": " ".join(names)}, secrets={"key": config.munge_secret})]
