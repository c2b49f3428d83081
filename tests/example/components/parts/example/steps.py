"""The example on a host: layer `example`, and what preflight asks for. Pure."""

from collections.abc import Sequence
from pathlib import Path

from components.host.artefact_steps import there
from components.host.config import Host
from components.host.listening import Listening
from components.host.packages import packages
from components.hostrun.step import Step
from components.parts.example.config import Example
from components.parts.part import Hosts, Wave

_SCRIPTS = Path(__file__).parent / "steps"


def uses(config: Example, _: Hosts) -> Sequence[str]:
    """One host, also when it is gone."""
    return (config.host,)


def preflight(config: Example, _: Host, __: Hosts) -> Sequence[Step]:
    """The page is there where the operator was to put it, and its folder is nobody else's."""
    return [*there(config.page, "the page", label="example"), Step(_SCRIPTS / "example_free.sh")]


def listening(config: Example, _: Host, __: Hosts) -> Sequence[Listening]:
    """The page, for the site's hosts."""
    return (Listening("example", "the example's page", str(config.port), key=("port",), layer="example"),)


def waves(config: Example, hosts: Hosts) -> Sequence[Wave]:
    """One layer on one host; of a host that the site does not know, the checks tell."""
    if config.host not in hosts:
        return ()
    served = Step(_SCRIPTS / "example_page.sh", {**config.page.inputs(), "port": str(config.port)})
    return (Wave("example", {config.host: [packages(["@example-page"], label="example"), served]}),)


def url(config: Example, hosts: Hosts) -> str:
    """Where the page is read."""
    address = hosts[config.host].address
    return f"http://{address if address.version == 4 else f'[{address}]'}:{config.port}/page.html"
