"""What the engine room lets in through a host's firewall."""

from components.engine.config import Registry
from components.host.openings import Opening


def of_registry(config: Registry) -> tuple[Opening, ...]:
    """The private registry, for the site's hosts."""
    return (Opening("registry", str(config.port)),)
