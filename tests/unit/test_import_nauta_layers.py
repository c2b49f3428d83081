"""Nauta's layers in an imported site: the platform stands alone, its services come and go, and each is upgraded alone.

Does not prove: that they run; the stories of the parts do.
"""

from pathlib import Path

import pytest

from tests.unit.importing import NAUTA, Import, imported
from tests.unit.recorder import Plan

SERVICES = """
    registry: {host: master-0, passwordSecret: registryPassword}
    logs: {passwordSecret: logsPassword, storage: {size: 50Gi}}
"""
PEOPLE = """
    users: {ana: {uid: 20001}}
    samba:
      host: master-0
      users: {ana: {passwordSecret: anaShares}}
      shares: {input: {path: /srv/nauta/input, homes: true}}
"""


@pytest.fixture
def nauta(tmp_path: Path) -> Import:
    made = imported(tmp_path, *NAUTA)
    assert made("--os", "rocky-9").exit_code == 0
    return made


def changed(before: Plan, after: Plan) -> tuple[set[str], set[str]]:
    """The resources that came, and those whose inputs are others."""
    old, new = ({each.name: each.inputs for each in plan.resources.values()} for plan in (before, after))
    assert old.keys() <= new.keys()
    return new.keys() - old.keys(), {name for name in old if old[name] != new[name] and "hosts-state" not in name}


@pytest.mark.row("N2")
def test_the_platform_stands_alone_and_services_are_added_to_it(nauta: Import) -> None:
    alone = nauta.plan()
    assert "logs-store" not in {each.name for each in alone.resources.values()}
    nauta.site.write_text(nauta.site.read_text() + "    logs: {passwordSecret: logsPassword, storage: {size: 50Gi}}\n")
    came, other = changed(alone, nauta.plan())
    assert came >= {"logs-store", "logs-collector"}
    assert not [name for name in came if name.startswith(("master-0-", "worker-"))]
    assert other == set()  # no host, and nothing of the cluster


@pytest.mark.row("N2", "N3")
def test_services_on_hosts_touch_those_that_have_them(nauta: Import) -> None:
    alone = nauta.plan()
    text = nauta.site.read_text().replace("master-0:", "master-0:\n        frontEnd: true", 1)
    nauta.site.write_text(text + PEOPLE)
    came, other = changed(alone, nauta.plan())
    assert "master-0-samba" in came
    assert other == {"hosts-checked", "master-0-runner", "master-0-base"}  # preflight, and ana's account


@pytest.mark.row("N2")
def test_an_upgrade_of_one_layer_leaves_the_other(nauta: Import) -> None:
    nauta.site.write_text(nauta.site.read_text() + SERVICES)
    before = nauta.plan()
    text = nauta.site.read_text()
    nauta.site.write_text(text.replace("size: 50Gi}}", 'size: 50Gi}, store: {version: "0.13.10"}}'))
    assert changed(before, nauta.plan()) == (set(), {"logs-store"})
    nauta.site.write_text(text.replace('"1.34.2"', '"1.34.4"').replace("1.34.2", "1.34.4"))
    came, other = changed(before, nauta.plan())
    assert came == set()
    assert other
    assert not [name for name in other if name.startswith(("logs", "storage"))]


@pytest.mark.row("N4")
def test_other_name_servers_are_one_edit_of_the_site(nauta: Import) -> None:
    before = nauta.plan()
    nauta.site.write_text(nauta.site.read_text().replace("8.8.4.4", "9.9.9.9"))
    hosts = {"master-0", "worker-0", "worker-1"}
    came, other = changed(before, nauta.plan())
    assert (came, {name.rsplit("-", 1)[0] for name in other}) == (set(), hosts)
    # CoreDNS on each node follows with its host.
    assert {f"{host}-node" for host in hosts} <= other


@pytest.mark.row("N6")
def test_a_user_in_and_out_touches_the_project_and_leaves_the_namespace(nauta: Import) -> None:
    before, text = nauta.plan(), nauta.site.read_text()
    nauta.site.write_text(f"{text}    users: {{ana: {{}}}}\n    projects: {{ana: {{members: [ana]}}}}\n")
    came, other = changed(before, nauta.plan())
    assert came >= {"ana", "ana-quota", "ana-network", "ana-edit"}
    assert other == set()
    made = nauta.plan()
    assert all(made.one(name).options.get("retain_on_delete") for name in ("ana", "ana-quota", "ana-network"))
    assert not made.one("ana-edit").options.get("retain_on_delete")  # the access goes, the data stays
    nauta.site.write_text(text)
    assert changed(nauta.plan(), made)[0] == came


@pytest.mark.row("N4")
def test_another_proxy_reaches_every_host_and_no_service(nauta: Import) -> None:
    nauta.site.write_text(nauta.site.read_text() + SERVICES)
    before = nauta.plan()
    nauta.site.write_text(nauta.site.read_text().replace("proxy.example.com:911", "proxy2.example.com:911"))
    came, other = changed(before, nauta.plan())
    assert came == set()
    assert {f"{host}-base" for host in ("master-0", "worker-0", "worker-1")} <= other
    assert not [name for name in other if name.startswith(("logs", "storage"))]
