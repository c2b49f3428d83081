"""The container engine of each host: one layer."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pulumi import ComponentResource, ResourceHook, ResourceOptions

from components.hostrun.layer import HostRef, after_layer
from components.hostrun.step import Step

Hooks = Mapping[str, tuple[ResourceHook, ResourceHook]]
"""By host: what runs before its layer changes, and after."""


class Engines(ComponentResource):
    """The engine layer of each host that has steps for it. `registry`, the private registry's host, comes first.

    `hooks` are of the hosts whose engine changes in turn; those that `waits` names change before a host.
    """

    refs: dict[str, HostRef]

    def __init__(
        self,
        name: str,
        steps: Mapping[str, Sequence[Step]],
        *,
        hosts: Mapping[str, HostRef],
        registry: str | None = None,
        hooks: Hooks = MappingProxyType({}),
        waits: Mapping[str, str] = MappingProxyType({}),
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:engine:Engines", name, {}, opts)
        self.refs = {}
        order = {n: place for place, n in enumerate(hooks)}
        for n, ref in sorted(hosts.items(), key=lambda host: (host[0] != registry, order.get(host[0], -1))):
            others = self.refs[registry].last if registry and registry != n and not ref.gone else ()
            former = self.refs[waits[n]].last if waits.get(n) in self.refs else ()
            before, after = hooks.get(n, (None, None))
            self.refs[n] = after_layer(
                ref,
                "engine",
                steps[n],
                parent=self,
                hooks=[before] if before else (),
                after=[after] if after else (),
                depends_on=[*others, *former],
            )
        self.register_outputs({})
