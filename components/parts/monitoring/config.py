"""What a site may say of its monitoring (rows M1, M2)."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field

from components.forms import form
from components.kubernetes.config import not_images
from components.model import LabelName, Model, Port, SecretName, Storage, Version
from components.parts.monitoring import versions
from components.rule import Rule
from components.url import ChartUrl, WebUrl

Days = Annotated[str, form(r"^[1-9][0-9]*(h|d|w|y)$", 'is not a time such as "15d": a number with h, d, w or y.')]
MailAddress = Annotated[str, form(r"^[^@\s]+@[^@\s]+$", "is not an address such as ana@example.org.")]
MailServer = Annotated[
    str, form(r"^[A-Za-z0-9.-]+:[0-9]{1,5}$", 'is not a mail server, such as "mail.example.org:587".')
]
Severity = Literal["critical", "warning"]


class Volume(Model):
    """The volume that keeps the measurements."""

    size: Storage = "50Gi"
    """Its size. Prometheus deletes its oldest measurements before they fill it."""
    storage_class: LabelName | None = None
    """Its storage class; default: the cluster's default class."""


class Grafana(Model):
    """Grafana, which shows the measurements."""

    password_secret: SecretName
    """Name of the secret that holds the password of its user admin."""


class _Receiver(Model):
    severities: Annotated[tuple[Severity, ...], Field(min_length=1)] = ("critical", "warning")
    """Which alerts it gets."""


class Webhook(_Receiver):
    """Alerts as JSON, by HTTP."""

    kind: Literal["webhook"]
    """A program of your own, or a service's address."""
    url_secret: SecretName
    """Name of the secret that holds the address, in which most services have a token."""


class Slack(_Receiver):
    """Alerts in a channel of Slack."""

    kind: Literal["slack"]
    """Slack, or another chat that takes its messages."""
    url_secret: SecretName
    """Name of the secret that holds the address of the incoming webhook."""
    channel: str
    """The channel, such as "#gpu"."""


class Email(_Receiver):
    """Alerts by mail."""

    kind: Literal["email"]
    """Mail, over TLS."""
    to: MailAddress
    """Who gets them."""
    sender: MailAddress
    """Their sender."""
    server: MailServer
    """HOST:PORT that sends them."""
    user: str | None = None
    """The user that logs in there; default: the sender."""
    password_secret: SecretName | None = None
    """Name of the secret that holds the user's password; without it, nobody logs in."""


AnyReceiver = Annotated[Webhook | Slack | Email, Discriminator("kind")]


class Alertmanager(Model):
    """Alertmanager, which tells people of alerts."""

    receivers: Annotated[dict[LabelName, AnyReceiver], Field(min_length=1)]
    """Who is told, by a name of your own."""


class RemoteWrite(Model):
    """Another Prometheus, or a service like it, that gets all measurements too."""

    url: WebUrl
    """Its address for remote write."""
    user: str | None = None
    """The user that logs in there; with passwordSecret."""
    password_secret: SecretName | None = None
    """Name of the secret that holds the user's password."""
    token_secret: SecretName | None = None
    """Name of the secret that holds a bearer token, in place of user and password."""


class Service(Model):
    """The service at which a Prometheus answers in the cluster."""

    namespace: LabelName
    """Its namespace."""
    name: LabelName
    """Its name."""
    port: Port = 9090
    """Its port."""


class Monitoring(Model):
    """Measurements of hosts, GPUs and the cluster, and alerts: Prometheus, or what the cluster has already (M1, M2)."""

    kind: Literal["prometheus", "existing"] = "prometheus"
    """prometheus, or existing: others run the Prometheus Operator there, and nothing is installed."""
    prometheus: Service | None = None
    """With kind existing: where their Prometheus answers, so that `sitectl verify` can ask it."""
    retention: Days = "15d"
    """How long measurements are kept (M1)."""
    storage: Volume | None = None
    """Where they are kept; without it, in their pod's own folder, and they are lost with the pod."""
    grafana: Grafana | None = None
    """Grafana with dashboards; without it, none is installed."""
    alertmanager: Alertmanager | None = None
    """Tells people of alerts (M1); without it, `sitectl verify` alone shows them."""
    node_exporter: bool = True
    """Measures each host, at its port 9100; false if another program does."""
    kube_state_metrics: bool = True
    """Reports the states of nodes and pods. Alerts about lost GPUs and nodes need it (M2)."""
    control_plane: bool = False
    """true: also scrapes etcd, scheduler, controller manager and kube-proxy. kubeadm lets them listen for scrapes on
    127.0.0.1 only: set their arguments first."""
    remote_write: dict[LabelName, RemoteWrite] = {}
    """Who else gets all measurements, by a name of your own."""
    labels: dict[str, str] = {}
    """Labels of all measurements and alerts that leave the cluster, such as its name."""
    images: Annotated[str, Rule(not_images)] | None = None
    """HOST:PORT/PATH of a mirror that has every image of the chart at its own path, such as prometheus/prometheus.
    Default: the vendors' registries, or the engine's mirrors of them."""
    chart: str = versions.CHART
    """A chart name in `repository`, a path, or an oci:// address."""
    repository: ChartUrl = versions.REPOSITORY
    """Address of the chart repository."""
    version: Version = versions.VERSION
    """Exact version of the chart."""
    values: dict[str, Any] = {}
    """More values of the chart. Those that the keys above decide are refused."""
