"""The container engine of each host: one layer."""

from collections.abc import Mapping, Sequence

from pulumi import ComponentResource, ResourceOptions

from components.hostrun.layer import HostRef, after_layer
from components.hostrun.step import Step


class Engines(ComponentResource):
    """The engine layer of each host that has steps for it. `registry`, the private registry's host, comes first."""

    refs: dict[str, HostRef]

    def __init__(
        self,
        name: str,
        steps: Mapping[str, Sequence[Step]],
        *,
        hosts: Mapping[str, HostRef],
        registry: str | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:engine:Engines", name, {}, opts)
        self.refs = {}
        for n, ref in sorted(hosts.items(), key=lambda host: host[0] != registry):
            others = self.refs[registry].last if registry and registry != n and not ref.gone else ()
            self.refs[n] = after_layer(ref, "engine", steps[n], parent=self, depends_on=others)
        self.register_outputs({})
