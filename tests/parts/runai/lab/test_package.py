"""The document's appliance without internet: Run:ai from the vendor's archive alone, sent to a host, pushed to the
site's own registry, and up from there.

Does not prove: the vendor's own archive, whose layout is not published; gigabytes; a host for each role and volumes on
NFS, which test_as_printed.py has.
"""

from typing import Any

import pytest

from tests.lab.cluster import kubectl
from tests.lab.stack import Stack, on
from tests.parts.runai.authority import Authority
from tests.parts.runai.lab import appliance, vendor

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.hosts("cp-1", "cpu-1", "gpu-1"), pytest.mark.row("R2")]

REGISTRY = "cpu-1:5001"


@pytest.fixture(scope="module")
def stack(cluster: Stack) -> Stack:
    """The site with a registry of its own, and Run:ai as the archive has it."""
    appliance.add(cluster)
    appliance.around()
    authority = Authority("The registry's authority", days=30)
    signed = authority.sign("cpu-1")
    (cluster.folder / "registry.pem").write_text(signed.text)
    (cluster.folder / "registry-authority.pem").write_text(authority.text)
    cluster.tell("registryKey", signed.key)
    cluster.tell("registryPassword", "correct horse")
    login = {"user": "site", "passwordSecret": "registryPassword"}
    package = {"host": "cpu-1", "local": str(vendor.archive()), "sha256": vendor.digest(), "freeGb": 1}

    def change(site: dict[str, Any]) -> None:
        own = {"certificate": str(cluster.folder / "registry.pem"), "keySecret": "registryKey"}
        site["registry"] = {"host": "cpu-1", "port": 5001, "passwordSecret": "registryPassword", **own}
        site["engine"]["mirrors"]["nvcr.io"] = [f"https://{REGISTRY}"]
        site["engine"]["registryCertificates"] = {REGISTRY: str(cluster.folder / "registry-authority.pem")}
        site["engine"]["logins"] = {REGISTRY: login}
        entry = site["platforms"][0]
        del entry["controlPlane"], entry["cluster"]
        images = {"images": f"{REGISTRY}/runai", "username": "site", "passwordSecret": "registryPassword"}
        entry.update(version=vendor.VERSION, package=package, registry=images)

    cluster.edit(change)
    cluster.up().ok()
    return cluster


def test_it_comes_up_with_images_and_charts_of_the_archive_and_a_second_up_changes_nothing(stack: Stack) -> None:
    appliance.connected(stack, vendor.VERSION)
    pushed = [line.split() for line in on("cpu-1", ["cat", "/var/lib/gpu-metal/deliveries/runai/pushed"]).splitlines()]
    by_target = {target: digest for target, _, digest in pushed}
    assert {f"{REGISTRY}/runai/stand-in:1", f"{REGISTRY}/nvidia/runai/stand-in:1"} <= set(by_target)
    for namespace in ("runai", "runai-backend"):
        pods = kubectl("get", "pods", "-n", namespace)["items"]
        found = [one for pod in pods for one in pod["status"]["containerStatuses"]]
        assert {one["imageID"].partition("@")[2] for one in found} <= set(by_target.values()), namespace
    assert {one["image"].partition("/")[0] for one in found} == {"nvcr.io"}
    stack.up("--expect-no-changes").ok()
