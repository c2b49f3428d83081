"""Config of package sources, each with a key of its own, never trusted blindly (H6, gA1)."""

from typing import Annotated, Literal

from pydantic import Tag

from components.forms import form
from components.local import PublicKeyFile
from components.model import Model, kind_or
from components.url import FileUrl

Suite = Annotated[
    str, form(r"^[A-Za-z0-9./_~+{}-]+$", "is not a suite of a Debian repository, for example stable or ./ .")
]
Component = Annotated[
    str, form(r"^[A-Za-z0-9./_~+-]+$", "is not a component of a Debian repository, for example main.")
]

PLACEHOLDERS = ("{os}", "{codename}", "{version}", "{release}", "{arch}")
"""What a URL or a suite may name of the host: os_text in components/hostrun/lib.sh fills it in."""


class _Signed(Model):
    url: FileUrl
    """http, https, or file for a mirror on the host; {os}, {codename}, {version}, {release} and
    {arch} stand for the host's own, for example ubuntu, noble, 24.04, 2404, x86_64; a Rocky 9.4 has version 9."""
    key_file: PublicKeyFile | None = None
    """Public key on the operator's machine, armored or binary; it is sent with the layer."""
    key_url: FileUrl | None = None
    """Public key that the host fetches, armored or binary; `fingerprint` must match."""
    fingerprint: str | None = None
    """Fingerprint of the key at keyUrl: 40 hex digits."""


class AptRepository(_Signed):
    """A source of Debian and Ubuntu hosts (H6): `Signed-By` its own key. Hosts of another family ignore it."""

    kind: Literal["apt"] = "apt"
    """For Debian's family."""
    suite: Suite = "./"
    """Suite; one that ends with / has no components."""
    components: tuple[Component, ...] = ()
    """As in sources.list, for example main."""


class DnfRepository(_Signed):
    """A source of RHEL and its like (H6): gpgcheck with its own key. Hosts of another family ignore it."""

    kind: Literal["dnf"]
    """For RHEL's family."""
    gpg_check_packages: bool = True
    """gpgcheck; false only where the vendor signs nothing but its metadata, which is then checked."""
    gpg_check_metadata: bool = False
    """repo_gpgcheck: where the vendor signs repomd.xml too."""
    module_hotfixes: bool = False
    """Its packages take precedence over modules, as NVIDIA's documentation requires."""


Repository = Annotated[Annotated[AptRepository, Tag("apt")] | Annotated[DnfRepository, Tag("dnf")], kind_or("apt")]
"""By `kind`, which is apt by default."""
