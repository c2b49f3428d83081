"""The example on its host, as data."""

from pathlib import Path

from components.parts.example.config import Example

from components.host.config import Host
from components.host.listening import Listening
from components.hostrun.step import Step
from components.parts.part import Hosts, Wave

_SCRIPTS = Path(__file__).parent / "steps"


def uses(config: Example, hosts: Hosts) -> tuple[str, ...]:
    """One."""
    return tuple(name for name in hosts if name == config.host)


def prepare(config: Example, host: Host, hosts: Hosts) -> Host:
    """A kernel setting, where the site says nothing else."""
    return host.model_copy(update={"sysctl": {"net.core.somaxconn": "4096", **host.sysctl}})


def listening(config: Example, host: Host, hosts: Hosts) -> tuple[Listening, ...]:
    """Its port."""
    return (Listening("example", "the example", str(config.port), key=("port",), layer="example"),)


def waves(config: Example, hosts: Hosts) -> list[Wave]:
    """One layer."""
    step = Step(_SCRIPTS / "example_file.sh", {"image": config.image})
    return [Wave("example", {name: [step] for name in uses(config, hosts)})]
