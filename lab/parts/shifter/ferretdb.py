"""A database that speaks MongoDB's protocol, as a package: FerretDB, because no package registry has MongoDB."""

from pathlib import Path

from lab.depot.deb import Deb
from lab.paths import TOOLS_BIN
from lab.tools.catalogue import FERRETDB

HERE = Path(__file__).parent / "ferretdb"
VERSION = f"{FERRETDB.version}-1"


def packages() -> list[Deb]:
    """The package of FerretDB; installing it starts no service."""
    return [
        Deb(
            "ferretdb",
            VERSION,
            "MongoDB's wire protocol on SQLite",
            {
                "usr/bin/ferretdb": (TOOLS_BIN / "ferretdb", 0o755),
                "usr/lib/systemd/system/ferretdb.service": (HERE / "ferretdb.service", 0o644),
                "etc/default/ferretdb": (HERE / "ferretdb.env", 0o644),
            },
            scripts={name: HERE / f"ferretdb.{name}" for name in ("prerm", "postrm")},
            configuration=("/etc/default/ferretdb",),
            homepage="https://www.ferretdb.com",
        )
    ]


def sources() -> list[Path]:
    """The files that the package is made of, except the program, which FERRETDB.key identifies."""
    return [Path(__file__), *sorted(HERE.iterdir())]
