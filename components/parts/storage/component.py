"""Storage in the cluster: volumes with their claims, and the classes with what makes their volumes.

Rows: S2, S3, S7.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Input, Resource, ResourceOptions

from components.kubernetes.handle import ClusterRef
from components.parts.chart import merged
from components.parts.part import Ground
from components.parts.storage import layout, objects, values
from components.parts.storage.config import Chart, Csi, LocalPath, Storage, Subdir
from components.parts.storage.layout import Place


class Volumes(ComponentResource):
    """Two objects a volume, one if it has no claim; a release and a class for each way to make volumes."""

    def __init__(
        self,
        name: str,
        config: Storage,
        *,
        ground: Ground,
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],  # noqa: ARG002 - it has none
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:parts:StorageVolumes", name, {}, opts)
        self._cluster = cluster
        share = layout.share(config, ground.hosts)
        for each in config.volumes:
            self._volume(name, each, config, layout.place(config, config.volumes[each], ground.hosts))
        if share and any(isinstance(each, Csi) for each in config.classes.values()):
            chart = config.charts.csi_nfs
            self._release(f"{name}-csi-nfs", values.CSI_NAMESPACE, values.CSI, chart, values.csi(config))
        for each in config.classes:
            self._class(name, each, config, share)
        self.register_outputs({})

    def _class(self, name: str, each: str, config: Storage, share: Place | None) -> None:
        settings = config.classes[each]
        if isinstance(settings, Csi) and share:
            made = objects.csi_class(each, config, settings, share)
            opts = self._anew(("parameters", "reclaimPolicy"))
            k8s.storage.v1.StorageClass(f"{name}-class-{each}", **made, opts=opts)
        elif isinstance(settings, Subdir) and share:
            own = values.subdir(config, each, settings, share)
            self._release(f"{name}-subdir-{each}", values.SUBDIR_NAMESPACE, each, config.charts.nfs_subdir, own)
        elif isinstance(settings, LocalPath) and config.charts.local_path:
            own, chart = values.local_path(config, each, settings), config.charts.local_path
            self._release(f"{name}-local-path", values.LOCAL_PATH_NAMESPACE, values.LOCAL_PATH, chart, own)

    def _volume(self, name: str, each: str, config: Storage, place: Place | None) -> None:
        if place is None:
            return
        volume = config.volumes[each]
        made = k8s.core.v1.PersistentVolume(
            f"{name}-volume-{each}",
            **objects.volume(each, config, volume, place),
            opts=self._anew(("spec.nfs", "spec.claimRef", "spec.accessModes")),
        )
        if volume.namespace:
            # The name is an output of the volume: where that is made anew, the claim goes before it and comes after it.
            # A bound volume that is deleted first waits for its claim for ever; and it stays bound to the old claim, so
            # that a new one of the same name does not get it.
            opts = self._anew(("spec",), made)
            # Kubernetes changes the size of no static claim; NFS bounds none.
            opts.ignore_changes = ["spec.resources"]
            k8s.core.v1.PersistentVolumeClaim(
                f"{name}-claim-{each}", **objects.claim(each, volume, made.metadata.name), opts=opts
            )

    def _anew(self, properties: Sequence[str], *depends_on: Resource) -> ResourceOptions:
        """Options of an object that Kubernetes lets nobody change in these properties."""
        opts = self._cluster.options(self, *depends_on)
        opts.replace_on_changes, opts.delete_before_replace = list(properties), True
        return opts

    def _release(self, resource: str, namespace: str, release: str, chart: Chart, own: dict[str, Any]) -> None:
        self._cluster.release(self, resource, (namespace, release), chart, merged(chart.values, own))
