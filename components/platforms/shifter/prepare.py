"""What Shifter needs of its hosts before its own layers.

Rows: F3.
"""

from collections.abc import Mapping

from components.host.config import Host
from components.platforms.shifter import roles
from components.platforms.shifter.config import Shifter

_MODULES = ("loop", "squashfs", "ext4")


def prepare(config: Shifter, host: Host, hosts: Mapping[str, Host]) -> Host:
    """A host that runs containers loads their kernel modules at boot (F3), unless Shifter itself loads them."""
    if host.name not in roles.runtimes(config, hosts) or config.udi_root.auto_load_kernel_module:
        return host
    return host.model_copy(update={"modules": tuple(dict.fromkeys((*host.modules, *_MODULES)))})
