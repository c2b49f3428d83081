"""What a site may say of the logs of its cluster (row N3)."""

from typing import Annotated, Any

from components.forms import form
from components.kubernetes.config import not_images
from components.model import LabelName, Model, SecretName, Storage, Version
from components.parts.logs import versions
from components.rule import Rule
from components.url import ChartUrl

Kept = Annotated[
    str,
    form(
        r"^([1-9][0-9]{0,3}d|[1-9][0-9]{0,2}w|[1-9][0-9]?y)$",
        'is not a time such as "14d": a number with d, w or y, less than 100 years.',
    ),
]
"""The store refuses 100 years and more: https://docs.victoriametrics.com/victorialogs/#retention"""


class Volume(Model):
    """The volume that keeps the logs."""

    size: Storage = "50Gi"
    """Its size. The oldest logs are deleted before they fill it."""
    storage_class: LabelName | None = None
    """Its storage class; default: the cluster's default class."""


class StoreChart(Model):
    """The chart of the store."""

    chart: str = versions.STORE
    """A chart name in `repository`, a path, or an oci:// address."""
    repository: ChartUrl = versions.REPOSITORY
    """Address of the chart repository."""
    version: Version = versions.STORE_VERSION
    """Exact version of the chart."""
    values: dict[str, Any] = {}
    """More values of the chart. Those that keys of `logs` decide are refused."""


class CollectorChart(Model):
    """The chart of the agent on each node."""

    chart: str = versions.COLLECTOR
    """A chart name in `repository`, a path, or an oci:// address."""
    repository: ChartUrl = versions.REPOSITORY
    """Address of the chart repository."""
    version: Version = versions.COLLECTOR_VERSION
    """Exact version of the chart."""
    values: dict[str, Any] = {}
    """More values of the chart. Those that keys of `logs` decide are refused."""


class Logs(Model):
    """The logs of all pods in one place, also of those that are gone: VictoriaLogs and its collector (N3)."""

    password_secret: SecretName
    """Name of the secret that holds the password of its user logs. Who has it reads the logs of every project."""
    retention: Kept = "14d"
    """How long logs are kept."""
    storage: Volume | None = None
    """Where they are kept; without it, in their pod's own folder, and they are lost with the pod."""
    name: LabelName | None = None
    """Its name below the site's domain, at the ingress. Default: none; `kubectl port-forward` reaches it."""
    exclude: tuple[LabelName, ...] = ()
    """Namespaces whose logs are not kept."""
    images: Annotated[str, Rule(not_images)] | None = None
    """HOST:PORT/PATH of a mirror that has every image of the charts at its own path, such as
    victoriametrics/victoria-logs. Default: the vendor's registry, or the engine's mirror of it."""
    store: StoreChart = StoreChart()
    collector: CollectorChart = CollectorChart()
