"""The GPUs of each host: one layer, which may end in a reboot."""

from collections.abc import Mapping, Sequence

from pulumi import ComponentResource, ResourceOptions

from components.hostrun.layer import HostRef, after_layer
from components.hostrun.step import Step


class Gpus(ComponentResource):
    """The gpu layer of each host that has steps for it."""

    refs: Mapping[str, HostRef]

    def __init__(
        self,
        name: str,
        steps: Mapping[str, Sequence[Step]],
        *,
        hosts: Mapping[str, HostRef],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:gpu:Gpus", name, {}, opts)
        self.refs = {n: after_layer(ref, "gpu", steps[n], parent=self) for n, ref in hosts.items()}
        self.register_outputs({})
