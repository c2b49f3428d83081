"""The keys of a site for Orchestra: its database, its source, its node table, its pilot (rows T1 to T4).

Source: seeds/orchestra-rancher.txt; jodafons/orchestra, orchestra/scripts.
"""

from typing import Annotated, Literal

from pydantic import Field

from components.forms import form
from components.host.addresses import Address
from components.host.artefact import Artefact
from components.host.machine import OwnAccount, OwnFolder
from components.host.openings import Network
from components.local import TextFile
from components.model import HostName, LabelName, Line, Model, Port, SecretName
from components.parts.part import PlatformConfig
from components.platforms.orchestra.versions import PGADMIN
from components.url import GitUrl, WebUrl

Revision = Annotated[str, form(r"^[0-9a-f]{40}$", "is not a revision: 40 digits 0-9 a-f, as git rev-parse shows.")]
SqlName = Annotated[
    str,
    form(
        r"^[a-z_][a-z0-9_]{0,40}$",
        "is not a name in the database: a-z, 0-9 and '_', 41 at most, no digit first and no '.'.",
    ),
]
Queue = Annotated[
    str,
    form(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$", "is not the name of a queue: letters, digits, '_' and '-', no '.'."),
]
Variable = Annotated[str, form(r"^[A-Z][A-Z0-9_]*$", "is not a variable: A-Z, 0-9 and '_', a letter first.")]
Calendar = Annotated[
    str,
    form(
        r"^[A-Za-z0-9*][A-Za-z0-9*:,./ ~-]*$", 'is not a time as systemd writes it, such as "daily" or "*-*-* 03:30".'
    ),
]
Email = Annotated[
    str, form(r"^[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$", "is not an address such as admin@example.org.")
]
Release = Annotated[str, form(r"^[0-9]+\.[0-9]+(\.[0-9]+)*$", 'is not a version of pgadmin4. Write it quoted: "9.18".')]
Slots = Annotated[int, Field(ge=0)]


class Git(Model):
    """A git repository at one revision, which is also its checksum."""

    url: GitUrl
    """Its URL: https, ssh or file."""
    revision: Revision
    """The full id of the commit; not a branch or tag, which could move."""


class Source(Model):
    """A source tree: either archive or git."""

    archive: Artefact | None = None
    """The source as a tarball with one folder at its top."""
    git: Git | None = None


class Backup(Model):
    """The database's backups. Each is restored on trial as soon as it is made."""

    folder: OwnFolder = "/var/backups/orchestra"
    """Where they are, on the database's host; better on another disk."""
    time: Calendar = "daily"
    """When, as systemd.time(7) writes it."""
    keep: Annotated[int, Field(ge=1)] = 7
    """How many; the oldest are deleted."""


class Database(Model):
    """PostgreSQL from packages (T1)."""

    host: HostName | None = None
    """The host that runs it. Default: Orchestra's."""
    port: Port = 5432
    """The port that it listens on."""
    listen: tuple[Address, ...] = ()
    """The host's addresses that it listens on besides 127.0.0.1. Default: none; if Orchestra runs on another host, the
    host's address in the site."""
    clients: tuple[Network, ...] = ()
    """Networks that may connect to those addresses, besides Orchestra's host."""
    name: SqlName = "orchestra"
    """The database, created if it is absent."""
    user: SqlName = "orchestra"
    """Its owner, created; one that others made is refused."""
    password_secret: SecretName
    """Name of the secret that holds the owner's password: 12 or more printable ASCII characters."""
    variable: Variable = "ORCHESTRA_DATABASE_URL"
    """The environment variable in which Orchestra's commands find the database's URL; they have libpq's own, such as
    PGHOST, too."""
    recreate: Literal["no", "yes-lose-data"] = "no"
    """no: a database with tables that Orchestra did not create for this site is refused. yes-lose-data: it is backed
    up, and those tables are dropped, once."""
    backup: Backup = Backup()


class PgAdmin(Model):
    """pgAdmin on the database's host (T1). It listens on 127.0.0.1 only: people reach it through SSH."""

    email: Email
    """The address that its administrator logs in with. A former one may not log in any more."""
    password_secret: SecretName
    """Name of the secret that holds that login's password: 12 or more printable ASCII characters."""
    port: Port = 15432
    """The port that it listens on."""
    version: Release = PGADMIN
    """pgadmin4 of the package index."""


class Commands(Model):
    """Orchestra's commands: Bash, run as its user in the source's folder, with its virtual environment."""

    setup: Line | None = "source setup_modules.sh && source setup_modules.sh --head"
    """Runs once after the source or the environment is new; null if there is nothing to run."""
    init: Line | None = "source setup.sh"
    """Runs in the same shell before each of the next two; null if there is nothing to run."""
    create_tables: Line = "python3 orchestra/scripts/create_lps_db.py"
    """Creates the tables. It runs once."""
    pilot: Line = "cd orchestra/scripts && python3 run_rancher.py"
    """The pilot: it must stay in the foreground."""


class Node(Model):
    """A machine's row in Orchestra's table `node` (T3); the columns beyond these are Orchestra's own."""

    cpu: Slots = 1
    """CPUJobs: slots for jobs on CPUs."""
    gpu: Slots = 0
    """GPUJobs: slots for jobs on GPUs."""
    max_cpu: Slots = 30
    """maxCPUJobs: to how many cpu may be raised."""
    max_gpu: Slots | None = None
    """maxGPUJobs: to how many gpu may be raised. Default: the number of GPUs of this host of the site."""
    queue: Queue = "lps"
    """queueName."""


class Orchestra(PlatformConfig):
    """Orchestra: its database, its node table and its pilot."""

    kind: Literal["orchestra"]
    """Orchestra and PostgreSQL."""
    name: LabelName = "orchestra"
    """The name of its layers."""
    host: HostName
    """The host that runs the pilot."""
    source: Source
    """Orchestra's source (T2)."""
    partitura: Source | None = None
    """The settings of a cluster, which upstream keeps in a private repository: external/partitura in the source."""
    path: OwnFolder = "/opt/orchestra"
    """Folder of the source and of its virtual environment."""
    user: OwnAccount = "orchestra"
    """The user that runs Orchestra's commands; created if the host does not have it."""
    requirements: TextFile | None = None
    """Python packages with their versions, one `name==version` a line. Default: requirements.txt of the source."""
    index: WebUrl | None = None
    """Package index for pip, in a site without internet. Default: pip's own. By http nothing verifies its packages."""
    commands: Commands = Commands()
    kubeconfig_secret: SecretName | None = None
    """Name of the secret that holds the kubeconfig by which the pilot starts jobs (KUBECONFIG in its environment)."""
    database: Database
    pgadmin: PgAdmin | None = None
    """pgAdmin for the database; none is installed without this key."""
    nodes: Annotated[dict[HostName, Node], Field(min_length=1)]
    """All of table `node`, by machine; a row of a machine that is not here is deleted."""
