"""SQream's stand-in as hosts get it: the packages that the depot serves.

Does not prove: that it behaves like the vendor's. tests/parts/sqream/scripts run what SQream's steps use of it.
"""

import hashlib
import urllib.request
from pathlib import Path

import pytest

from lab.hosts.command import run
from lab.parts.sqream import depot

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]


@pytest.mark.parametrize("package", [depot.FIRST, depot.PATCH, depot.NEXT])
def test_packages_are_served_and_say_what_they_are(package: str, tmp_path: Path) -> None:
    with urllib.request.urlopen(depot.url(package), timeout=120) as answer:  # noqa: S310
        tarball = answer.read()
    assert hashlib.sha256(tarball).hexdigest() == depot.sha256(package)
    (tmp_path / "tarball").write_bytes(tarball)
    run("tar", "-xzf", str(tmp_path / "tarball"), "-C", str(tmp_path), "--no-same-owner")
    root = tmp_path / package
    there = {".docker", ".hadoop", ".install", ".krb5", ".sqream", "license", "sqream-console", "sqream-install"}
    assert {file.name for file in root.iterdir()} == {*there, "README"}
    assert "not SQream's own" in run(str(root / "sqream-install"), "-h")
    assert "It is not SQream's software" in (root / "README").read_text()
