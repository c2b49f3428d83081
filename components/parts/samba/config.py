"""What a site may say of its Samba shares (row N3)."""

from typing import Annotated

from pydantic import Field

from components.forms import form
from components.host.folders import not_shareable
from components.host.openings import Network
from components.model import HostName, Model, SecretName
from components.rule import Rule
from components.shown import quoted
from components.tenancy.config import UserName

_KEPT = {"global", "homes", "printers", "print$", "ipc$", "admin$"}


def _not_a_share(name: str) -> str | None:
    return f"{quoted(name)} is a name that Samba uses itself. Write another one." if name in _KEPT else None


ShareName = Annotated[
    str,
    form(r"^[a-z0-9$][-a-z0-9$]{0,31}$", "is not the name of a share: a-z, 0-9 and '-', 32 at most, such as input."),
    Rule(_not_a_share),
]
Folder = Annotated[
    str,
    form(
        r"^(/[A-Za-z0-9_][A-Za-z0-9_.@+=-]*){1,16}$",
        "is not the path of a folder: write it from / on, such as /srv/data/input, no / at its end.",
    ),
    Rule(not_shareable),
]


class Login(Model):
    """A user who may enter."""

    password_secret: SecretName
    """Name of the secret that holds the user's password for the shares."""


class Share(Model):
    """A folder that users reach as //HOST/NAME."""

    path: Folder
    """The folder on the host, such as one that pods have as a volume: below `storage.nfs.path`."""
    homes: bool = False
    """true: each user enters a folder of its own, PATH/USER, which nobody else can read. false: all enter the same."""
    users: tuple[UserName, ...] | None = None
    """Who may enter. Default: all users of `samba`."""
    read_only: tuple[UserName, ...] = ()
    """Who of them may only read."""


class Samba(Model):
    """Folders of a host as shares that people's own machines mount, each user with a password (N3)."""

    host: HostName
    """The host with the folders: the one of `storage.nfs`, if pods use them too."""
    users: Annotated[dict[UserName, Login], Field(min_length=1)]
    """Who may enter: users of the site, each with an account on that host."""
    shares: Annotated[dict[ShareName, Share], Field(min_length=1)]
    """The shares by name."""
    clients: tuple[Network, ...] = ()
    """Networks from which users come. Default: any."""
    encrypt: bool = True
    """false lets clients in that cannot encrypt: SMB before 3.0. Passwords never travel in either case."""
