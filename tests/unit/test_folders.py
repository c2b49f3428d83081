"""Which folders and accounts a step may own. That a site with others is refused, and how: tests/sites/bad."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from components.host.folders import not_mountable, not_own
from components.host.machine import AbsolutePath, AccountName
from components.host.reserved import not_free
from components.rule import Rule
from stacks.model import site_model

SYSTEM = [
    "/",
    "/srv",
    "/srv/",
    "//opt",
    "//",
    "/usr/share/x",
    "/usr",
    "/var",
    "/var/log",
    "/var/lib",
    "/etc",
    "/root/x",
]
OTHERS = ["/var/lib/docker/volumes", "/etc/ssh", "/home/../etc/ssh/", "/var/lib/kubelet", "/etc/systemd/system"]
OWN = ["/srv/data", "/opt/tool", "/home/user", "/var/lib/tool", "/data", "/srvdata", "/usr/local/tool", "/etc/tool"]


@pytest.mark.row("H16")
@pytest.mark.parametrize("path", SYSTEM)
def test_a_folder_of_the_system_is_known_however_it_is_written(path: str) -> None:
    assert "folder of the system" in (not_own(path) or "")


@pytest.mark.row("H16")
@pytest.mark.parametrize("path", OTHERS)
def test_a_folder_of_another_program_is_known(path: str) -> None:
    assert "belongs to another program" in (not_own(path) or "")


@pytest.mark.row("H16")
@pytest.mark.parametrize("path", OWN)
def test_a_folder_in_one_is_not(path: str) -> None:
    assert not_own(path) is None


def test_a_program_may_have_its_own_folder() -> None:
    assert not_own("/var/lib/docker/x", "/var/lib/docker") is None
    assert not_own("/var/lib/dockerx", "/var/lib/docker") is None
    assert not_own("/var/lib/dpkg", "/var/lib/docker")


@pytest.mark.row("H2")
def test_a_disk_may_be_mounted_where_programs_keep_their_data() -> None:
    assert [path for path in ("/", "/etc/x", "/usr/lib", "/var", "/run") if not not_mountable(path)] == []
    assert [path for path in ("/srv", "/home", "/var/lib/docker", "/opt", "/data") if not_mountable(path)] == []


@pytest.mark.row("H4")
def test_accounts_of_the_system_are_reserved() -> None:
    assert [n for n in ("root", "sshd", "www-data", "_apt", "systemd-x", "munge", "docker") if not not_free(n)] == []
    assert [n for n in ("ana", "sqream", "shifter", "ubuntu", "admin", "systems") if not_free(n)] == []


READ = {
    *("Account.shell", "Image.archive", "Runfile.file", "Artefact.file", "Installer.file"),
    *("Delivery.file", "Backup.folder"),
    *("Source.dependencies", "Location.sslcacert", "UdiRoot.site_resources", "Gateway.admins", "Docker.users"),
}
"""Fields whose folder or account no step creates or removes."""


def fields(model: type[BaseModel]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Every marked type in a model and the models in it: the field's name, and the marks."""
    for name, field in model.model_fields.items():
        yield from marks(
            Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation,
            f"{model.__name__}.{name}",
        )


def marks(kind: Any, name: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    if get_origin(kind) is Annotated:
        kind, *found = get_args(kind)
        yield name, tuple(found)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from fields(kind)
    for arm in get_args(kind):
        yield from marks(arm, name)


@pytest.mark.parametrize("of", [AbsolutePath, AccountName])
def test_each_path_and_account_that_a_step_owns_has_a_rule(of: Any) -> None:
    """A new key of one of these types belongs into READ, or has a type that is checked: OwnFolder, OwnAccount."""
    pattern = next(mark.metadata[0].pattern for mark in get_args(of) if getattr(mark, "metadata", None))
    bare = set()
    for name, found in fields(site_model()):
        patterns = {getattr(each, "pattern", None) for mark in found for each in (mark, *getattr(mark, "metadata", ()))}
        if pattern in patterns and not any(isinstance(mark, Rule) for mark in found):
            bare.add(name)
    assert bare
    assert bare - READ == set()
