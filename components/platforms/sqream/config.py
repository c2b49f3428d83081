"""The keys of a site for SQream in Docker (rows Q1 to Q9).

Source: seeds/sqream-docker.txt, "Installing and Running SQream in a Docker Container".
"""

import re
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from components.forms import form
from components.host.artefact import Artefact
from components.host.machine import AbsolutePath, AccountName
from components.model import HostName, LabelName, LocalPath, Model, Port, SecretName, Word
from components.parts.part import PlatformConfig

PACKAGE = r"sqream_installer-([A-Za-z0-9_.]+)-DB([A-Za-z0-9_.]+)-CO([A-Za-z0-9_.]+)-ED([A-Za-z0-9_.]+)-(x86_64|ppc64le)"
"""A package's name: versions of the installer, the database, the console, the editor; architecture."""


Setting = str | bool | int | float
"""A value of a worker's JSON configuration."""


class Versions(NamedTuple):
    """The versions in a package, and the architecture that it is for."""

    installer: str
    database: str
    console: str
    editor: str
    architecture: str


class Installer(Artefact):
    """The vendor's tarball `sqream_installer-…-DB…-CO…-ED…-ARCH.tar.gz` (Q2); its name has the versions."""

    package: Annotated[
        str,
        form(
            f"^{PACKAGE}$",
            "is not a package's name: sqream_installer-VERSION-DBVERSION-COVERSION-EDVERSION-ARCH, without .tar.gz.",
        ),
    ]
    """The tarball's name without .tar.gz, which is also the name of the folder in it."""

    @property
    def versions(self) -> Versions:
        """The versions in the package's name."""
        return Versions(*re.findall(PACKAGE, self.package)[0])


class Folders(Model):
    """Folders that the SQream user reads and writes (Q1)."""

    storage: AbsolutePath
    """The cluster folder (-v) with the database: an existing database is taken over, otherwise a new one is made."""
    ingest: AbsolutePath | None = None
    """Data to load (-d)."""
    config: AbsolutePath = "/etc/sqream"
    """Settings (-c). Choose another folder on a host where SQream without Docker is installed already."""
    log: AbsolutePath = "/var/log/sqream"
    """Log files (-l)."""


class Worker(Model):
    """Workers on one GPU (Q6)."""

    gpu: Annotated[int, Field(ge=0)]
    """The GPU's index on its host."""
    count: Annotated[int, Field(ge=1, le=16)] = 1
    """How many workers share the GPU."""
    port: Port | None = None
    """Port of the first of them; the others follow. Default: the next free ports from firstPort on."""
    spool_gb: Annotated[int, Field(ge=1)] | None = None
    """Spool memory of each worker in GB (-m). Default: the console divides the host's memory."""
    settings: dict[str, Setting | dict[str, Setting]] = {}
    """The worker's own JSON configuration (-j), under the vendor's names: cudaMemQuota, limitQueryMemoryGB…; older
    versions group them in sections."""


class WorkerHost(Model):
    """A host with workers only, in distributed mode (--master-host)."""

    workers: Annotated[tuple[Worker, ...], Field(min_length=1)]
    """The workers on this host."""


class Hadoop(Model):
    """Hadoop and Kerberos (Q4)."""

    core_site: LocalPath
    """core-site.xml."""
    hdfs_site: LocalPath
    """hdfs-site.xml."""
    krb5: LocalPath
    """krb5.conf."""
    keytab_secret: SecretName
    """Name of the secret that holds hdfs.keytab, in base64."""
    principal: Annotated[
        str, form(r"^[A-Za-z0-9_./-]+@[A-Za-z0-9_.-]+$", 'is not a principal, for example "nn1@SQ.COM".')
    ]
    """The Kerberos user (-p)."""
    kdc: Annotated[
        str, form(r"^[A-Za-z0-9_.-]+:[0-9a-f.:]+$", 'is not NAME:ADDRESS, for example "kdc.sq.com:192.168.1.111".')
    ]
    """The Kerberos server's name and address (-e)."""


class Sqream(PlatformConfig):
    """SQream in Docker on one host, or on several with one master. Legacy at the vendor's: its newer guides install
    without Docker."""

    kind: Literal["sqream"]
    """SQream in Docker."""
    name: LabelName = "sqream"
    """The name of its layers; two entries of this kind need two names."""
    host: HostName
    """The host of the master, and of `workers`."""
    user: AccountName = "sqream"
    """The user that owns SQream and its folders; not root."""
    installer: Installer
    license_secret: SecretName
    """Name of the secret that holds the licence package, in base64 (Q3)."""
    folders: Folders
    metadata_port: Port = 3105
    """The master's port for metadata (-m)."""
    picker_port: Port = 3108
    """The master's port that clients connect to (-p)."""
    first_port: Port = 5000
    """Port of the first worker on each host; the next workers follow."""
    workers: tuple[Worker, ...] = ()
    """Workers on the master's host, in the order in which they start."""
    worker_hosts: dict[HostName, WorkerHost] = {}
    """Further hosts, with workers only."""
    studio: bool = True
    """true runs SQream Studio on the master's host."""
    studio_port: Port | None = None
    """Port of the editor before version 4. Default: 3000. Studio is always on 8080: the console takes no other."""
    hadoop: Hadoop | None = None
    overwrite: Literal["no", "yes-lose-data"] = "no"
    """yes-lose-data gives -f to the first installation, which overwrites everything in the folders."""
    metadata_change: Word | None = None
    """The database version whose change of the metadata you agree to, for example "2020.3"; without it an upgrade that
    changes the metadata stops before the change (Q8)."""
    window: str | None = None
    """When all services may stop, for an upgrade or for settings that all of them read when they start, in the form of
    `kernel.window`: "Sun 02:00-04:00". Default: at once."""
    hand_over: bool = False
    """true stops all services for good and gives the storage folder to the user, for an installation without Docker
    (Q9)."""
