"""The keys of a site for Run:ai (rows R1, R3 to R11).

Source: seeds/runai-appliance.txt, "Hyperscalers Run:ai Appliance"; newer facts: Run:ai's documentation of 2.25 and 3.0.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from components.delivery.config import Delivery
from components.forms import form
from components.host.artefact import Artefact
from components.kubernetes.config import not_images
from components.local import AuthorityFile, CertificateFile, VendorFile
from components.model import HostName, LabelName, Line, Model, SecretName, Sha256, Storage, Version, Word
from components.parts.part import PlatformConfig
from components.platforms.runai import versions
from components.rule import Rule
from components.tenancy.config import UserName
from components.url import ChartUrl

Email = Annotated[str, form(r"^[^@\s]+@[^@\s.]+\.[^@\s]+$", "is not an address such as admin@example.org.")]
Gpus = Annotated[float, Field(ge=0)]
"""A number of GPUs, also a part of one."""
Weight = Annotated[int, Field(ge=0, le=1000)]
Duration = Annotated[str, form(r"^[1-9][0-9]*(s|m|h)$", 'is not a time such as "60s" or "5m".')]


class Admin(Model):
    """Who administers Run:ai first, and by whom this program speaks to its API (R3)."""

    email: Email
    """The name to log in with."""
    password_secret: SecretName
    """Name of the secret that holds the password: 8 signs or more, with lower and upper case, a digit and a sign."""


class Inference(Model):
    """Names and certificate of models that are served (R1)."""

    domain: HostName
    """Models are at *.DOMAIN."""
    certificate: CertificateFile
    """PEM chain for *.DOMAIN."""
    key_secret: SecretName
    """Name of the secret that holds its key."""


class SystemNode(Model):
    """What each system node must have (R1); preflight looks."""

    cpus: Annotated[int, Field(ge=1)] | None = None
    """Default: a share of what control plane and cluster ask for together, 4 at least."""
    memory_gb: Annotated[int, Field(ge=1)] | None = None
    """Default: the same of memory, 8 GB at least."""
    disk_gb: Annotated[int, Field(ge=1)] | None = None
    """Default: the same of the disk with /var/lib, 120 GB at least."""


class Nodes(Model):
    """Which nodes do what, by names of hosts or groups (R5). Each is a label, taken off with its word here."""

    system: tuple[Word, ...] = ()
    """Run Run:ai itself, and only these do. Without any, it runs where there is room."""
    gpu_worker: tuple[Word, ...] = ()
    """Run workloads with GPUs. With gpuWorker or cpuWorker, a node that has neither role runs no workload."""
    cpu_worker: tuple[Word, ...] = ()
    """Run workloads without GPUs."""
    all: bool = False
    """true: every worker that is no system node is a gpuWorker."""
    least: SystemNode = SystemNode()


class Registry(Model):
    """A registry with Run:ai's images, for a site without internet."""

    images: Annotated[str, Rule(not_images)]
    """HOST:PORT/PATH of the images."""
    username: Line | None = None
    """Who pulls; with passwordSecret. Without both, nobody has to log in."""
    password_secret: SecretName | None = None
    """Name of the secret that holds the password, or an API key."""
    prometheus: Annotated[str, Rule(not_images)] | None = None
    """HOST:PORT/PATH of Prometheus' image, without a tag. Default: its own registry, or the engine's mirror of it."""


class Diagnostics(Model):
    """Run:ai's own pre-install diagnostics (R1): run on a control plane before Run:ai is installed; if they fail,
    nothing is. Their report is kept beside the file, as FILE.txt."""

    file: VendorFile
    """The program for Linux, on your own machine: preinstall-diagnostics-linux-amd64."""
    sha256: Sha256
    """Its SHA-256, as sha256sum prints it."""
    arguments: tuple[Line, ...] | None = None
    """All of its arguments. Default: --domain and --cluster-domain with the domain, --output, and with registry
    --airgapped and --registry: the names of version 2.18."""


class Release(Model):
    """Where a chart is from, and values beyond ours. Its version is that of Run:ai."""

    chart: str | None = None
    """A chart name in `repository`, a path such as artefacts/control-plane-2.25.tgz, or an oci:// address."""
    repository: ChartUrl | None = None
    """Address of the chart repository. Default: that of the open-source release, from 3.0 on."""
    values: dict[str, Any] = {}
    """More values of the chart; those that other keys decide are refused here."""


class PoolQuota(Model):
    """What a department or a project gets of one node pool (R6)."""

    gpus: Gpus = 0
    """Deserved: it gets as many whenever it asks."""
    limit: Gpus | None = None
    """It gets no more, idle ones included; unset: no limit."""
    over_quota: Weight = 2
    """Its weight among those that share idle GPUs; 0: it gets none."""


class NodePool(Model):
    """Nodes whose GPUs are counted by themselves (R6): a label on each, which Run:ai finds them by."""

    hosts: Annotated[tuple[Word, ...], Field(min_length=1)]
    """Names of hosts or groups; a host is in one pool. All others are in the pool default."""
    gpu_placement: Literal["binpack", "spread"] | None = None
    """Whether workloads fill a GPU's node first, or go to the emptiest one; unset: as Run:ai has it."""


class Department(PoolQuota):
    """Projects that share a quota (R6)."""

    pools: dict[LabelName, PoolQuota] = {}
    """By node pool, in place of the three keys above, which are about the pool default."""


class ProjectShare(Model):
    """What Run:ai has of a project beyond `projects` of the site, whose gpus are what it deserves (R6)."""

    department: LabelName = "default"
    """One of departments; default is there by itself."""
    limit: Gpus | None = None
    """It gets no more GPUs, idle ones included; unset: no limit."""
    over_quota: Weight = 2
    """Its weight among those that share idle GPUs; 0: it gets none."""
    pools: dict[LabelName, PoolQuota] = {}
    """By node pool, in place of the two keys above; together they deserve the project's gpus."""
    role: Line | None = None
    """What its members may do, by the name of a role in Run:ai. Default: that of somebody who submits workloads."""


class Scheduling(Model):
    """How GPUs are divided among workloads (R11). Unset leaves what the chart has."""

    fractions: bool = False
    """true: pods ask for a part of a GPU by the annotation gpu-fraction or gpu-memory. From 3.0 on the GPU Operator
    and the driver must be new enough."""
    dynamic_fractions: bool | None = None
    """Whether a pod may use more of its GPU than it asked for while nobody else does."""
    time_slicing: Literal["timesharing", "strict", "fair"] | None = None
    """How pods take turns on one GPU."""
    gang_argo: bool | None = None
    """Whether all pods of an Argo workflow start together."""
    gang_knative: bool | None = None
    """Whether all pods of a Knative service start together."""
    hierarchy_fairness: bool | None = None
    """Whether departments share idle GPUs before their projects do."""
    grace: Duration | None = None
    """How long a workload that lost a pod of its gang may go on."""


class Kubeflow(Model):
    """Kubeflow, which others installed in the cluster: its users' notebooks get their GPUs from Run:ai (R10)."""

    users: Annotated[tuple[UserName, ...], Field(min_length=1)]
    """Names of users of the site. The profile of ana is the project kubeflow-ana, which has her as a member."""
    fractions: dict[LabelName, Annotated[float, Field(ge=0.01, lt=1)]] = {}
    """Parts of a GPU that a notebook can have, by the name that its form shows: {runai-half-gpu: 0.5}."""
    namespaces: tuple[LabelName, ...] = ("kubeflow", "istio-system")
    """Where Kubeflow and its gateway are: their pods may reach the notebooks."""


class JumpBox(Model):
    """Hosts from which people use Run:ai in a shell (R8): its commands, with completion in bash and zsh."""

    hosts: Annotated[tuple[Word, ...], Field(min_length=1)]
    """Names of hosts or groups. One with frontEnd: true has accounts for users of the site."""
    cli: Artefact
    """The program runai for Linux, as Run:ai's user interface gives it (Help, Researcher Command Line Interface)."""
    admin_cli: Artefact | None = None
    """The program runai-adm of releases before 3.0."""


class Tracking(Model):
    """MLflow's tracking server in the cluster (R9), at https://mlflow.DOMAIN: runs, what they measured and made."""

    password_secret: SecretName
    """Name of the secret that holds the password of its user admin: 13 signs or more, of A-Z a-z 0-9 - . _ ~ + = @."""
    projects: dict[LabelName, SecretName]
    """Name of the secret that holds a project's password, 13 signs or more, by the project's name. Its user is called
    like the project, sees only what it made itself, and is what the project's pods log in as."""
    size: Storage = "50Gi"
    """Of the volume with its database and all that runs leave there."""
    storage_class: LabelName | None = None
    """Class of this volume. Default: the cluster's default class."""
    chart: str = "mlflow"
    """A chart name in `repository`, a path, or an oci:// address."""
    repository: ChartUrl = versions.MLFLOW_REPOSITORY
    """Address of the chart repository."""
    version: Version = versions.MLFLOW
    """Exact version of the chart."""
    values: dict[str, Any] = {}
    """More values of the chart; those that other keys decide are refused here."""


class Mlflow(Model):
    """MLflow runs projects as jobs of Run:ai, by files that `sitectl files` writes (R9)."""

    repository: Annotated[str, Rule(not_images)]
    """HOST:PORT/PATH to which people push MLflow's images, and from which the nodes get them."""
    server: Tracking | None = None


class Runai(PlatformConfig):
    """Run:ai, self-hosted: control plane and cluster in the site's own Kubernetes (R3, R4)."""

    kind: Literal["runai"]
    """Run:ai, self-hosted."""
    name: LabelName = "runai"
    """The name of its resources."""
    state: Literal["active", "gone"] = "active"
    """gone: its API is lost for good. The program asks it nothing, and removes its objects from the state alone."""
    version: Version = versions.VERSION
    """Of control plane and cluster. An upgrade goes four releases at most."""
    domain: HostName | None = None
    """Where the control plane answers; its own names are below. Default: the site's domain."""
    certificate: CertificateFile
    """PEM chain, the certificate for DOMAIN and *.DOMAIN first (R1)."""
    key_secret: SecretName
    """Name of the secret that holds the certificate's key (PEM)."""
    authority: AuthorityFile | None = None
    """The authority that signed the certificate, if it is your own: pods of Run:ai then trust it."""
    inference: Inference | None = None
    admin: Admin
    supported: bool = False
    """true: the Support-Entitled release, whose charts and images need a login."""
    storage_class: LabelName | None = None
    """Class of the control plane's volumes, 110 GB in all. Default: the cluster's default class."""
    registry: Registry | None = None
    package: Delivery | None = None
    """The vendor's archive for a site without internet (R2): its images are pushed to registry.images, and its charts
    are used unless controlPlane and cluster name others."""
    diagnostics: Diagnostics | None = None
    control_plane: Release = Release()
    """The chart control-plane, release runai-backend (R3)."""
    cluster: Release = Release()
    """The chart runai-cluster, release runai-cluster (R4)."""
    cluster_uid: Annotated[str, form(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "is not a UUID.")] | None = None
    """Of a cluster that the control plane knows already. Default: found by its name, or made."""
    nodes: Nodes = Nodes()
    scheduling: Scheduling = Scheduling()
    kubeflow: Kubeflow | None = None
    jump_box: JumpBox | None = None
    mlflow: Mlflow | None = None
    node_pools: dict[LabelName, NodePool] = {}
    """Node pools by name, besides default (R6)."""
    departments: dict[LabelName, Department] = {}
    """Departments by name (R6)."""
    projects: dict[LabelName, ProjectShare] = {}
    """More about projects of the site, by their names (R6). One that is not here has the defaults."""
    administrators: tuple[UserName, ...] = ()
    """Names of users who administer Run:ai (R6)."""
