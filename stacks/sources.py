"""The package sources of a host: the site's own, and the official ones that it needs and the site does not replace."""

from collections.abc import Mapping

from components.host.config import Host
from components.host.repositories import Repository
from stacks.model import Site


def repositories(site: Site, host: Host, official: Mapping[str, Repository]) -> dict[str, Repository]:
    """The sources for the host's family, by name; `official` are those that its rooms need."""
    kind = "dnf" if host.family == "rhel" else "apt"
    named = {name: source for name, source in site.repositories.items() if source is None or source.kind == kind}
    return {name: source for name, source in {**official, **named}.items() if source}


def keys(sources: Mapping[str, Repository]) -> dict[str, str]:
    """The armored key of each source that has a key file. Raises OSError."""
    return {name: source.key_file.read_text() for name, source in sources.items() if source.key_file}
