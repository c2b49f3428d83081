"""What must hold of a vendor's archive in its site. Pure."""

from collections.abc import Iterator, Mapping

from components.delivery.config import Delivery
from components.host.config import Host
from components.problem import Problem


def problems(delivery: Delivery, hosts: Mapping[str, Host]) -> Iterator[Problem]:
    """With keys relative to the delivery."""
    host = hosts.get(delivery.host)
    if host is None:
        yield Problem(("host",), f"{delivery.host} is not a host of this site. Write one of hosts.")
    elif host.state == "gone":
        yield Problem(("host",), f"{delivery.host} is gone, and what was unpacked there with it. Write another host.")
    given = delivery.given
    if len(given) != 1:
        seen = " and ".join(given) or "none"
        text = f"needs one of local, file and url, and has {seen}. Write where the archive is."
        yield Problem((), text)
