"""Layers by which keys of Secrets come and go: each phase on all control planes before the next (secret_keys.sh)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pulumi import Resource

from components.hostrun.layer import HostRef, after_layer
from components.hostrun.step import Step
from components.kubernetes.encryption import FIRST, KNOWN, ONLY, WRITTEN


@dataclass(frozen=True, slots=True)
class Encrypted:
    """`planes`: the layers of each control plane, also of those that are gone; `home` asks the cluster."""

    planes: Mapping[str, Mapping[str, Sequence[Step]]]
    home: str
    parent: Resource

    def known(self, refs: Mapping[str, HostRef]) -> dict[str, HostRef]:
        """Before the layer `node`, in which an API server that does not encrypt yet is given the file."""
        return self._in_turn(refs, KNOWN, ())

    def used(self, refs: Mapping[str, HostRef], nodes: Sequence[Resource]) -> dict[str, HostRef]:
        """After the layer `node` of all control planes, `nodes`: their hosts `refs` after all of it."""
        found = self._in_turn(refs, FIRST, nodes)
        found = self._in_turn(found, WRITTEN, [each for name in self.planes for each in found[name].last])
        return self._in_turn(found, ONLY, found[self.home].last)

    def _in_turn(self, refs: Mapping[str, HostRef], layer: str, done: Sequence[Resource]) -> dict[str, HostRef]:
        """One API server restarts at a time."""
        found = dict(refs)
        for name, layers in self.planes.items():
            ref = after_layer(refs[name], layer, layers.get(layer, ()), parent=self.parent, depends_on=done)
            if ref is not refs[name]:
                found[name], done = ref, ref.last
        return found
