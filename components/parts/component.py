"""A part on hosts: its layers, wave after wave."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pulumi import ComponentResource, Resource, ResourceHook, ResourceHookArgs, ResourceOptions

from components.hostrun.layer import HostRef, layer
from components.hostrun.target import Target
from components.parts.part import Hook, Wave


class OnHosts(ComponentResource):
    """The layers of one part. A wave's layers run at once, after the previous wave and their host's previous layer."""

    refs: dict[str, HostRef]
    """All hosts of the site; the next layer of a used host waits for the part's last layer there."""

    def __init__(
        self,
        name: str,
        token: str,
        waves: Sequence[Wave],
        *,
        hosts: Mapping[str, HostRef],
        targets: Mapping[str, Target],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(token, name, {}, opts)
        self.refs = dict(hosts)
        before: list[Resource] = []
        for wave in waves:
            made: list[Resource] = []
            for n, steps in wave.steps.items():
                ref, resource = self.refs[n], f"{n}-{wave.layer}"
                if not ref.has(resource):
                    continue
                hooks = [_hook(resource, wave.before[n], targets)] if n in wave.before else []
                done = layer(resource, ref, wave.layer, steps, parent=self, hooks=hooks, depends_on=before)
                self.refs[n] = replace(ref, last=(done,))
                if not ref.gone:
                    made.append(done)
            before = made or before
        self.register_outputs({})


def _hook(name: str, hook: Hook, targets: Mapping[str, Target]) -> ResourceHook:
    async def run(_: ResourceHookArgs) -> None:
        await hook(targets)

    return ResourceHook(f"before-{name}", run)
