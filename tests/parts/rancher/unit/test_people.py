"""Quotas, roles, names of namespaces, samples and values: what Rancher is told of a site. Pure."""

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.parts.chart import known, unknown
from components.platforms.rancher import checks_people, people, samples, values
from stacks.ground import shares
from stacks.layers import layers
from tests.parts.rancher.authority import FILES
from tests.parts.rancher.sites import parts_of, said, site_of
from tests.samples import ROOT

KEYS = known((ROOT / "components/platforms/rancher/chart.keys").read_text())
WHOLE = {"requestsCpu": "8", "limitsCpu": "8", "pods": "100", "extended": {"requests.nvidia.com/gpu": "4"}}


@pytest.mark.row("T5")
def test_a_projects_quota_and_its_namespaces_have_the_same_keys(tmp_path: Path) -> None:
    config, ground = parts_of(site_of(tmp_path, projects={"vision": {"namespace": {"gpus": 1, "cpu": "2"}}}))
    assert people.spec(config, "vision", ground.projects["vision"]) == {
        "clusterName": "local",
        "displayName": "vision",
        "resourceQuota": {"limit": WHOLE},
        "namespaceDefaultResourceQuota": {
            "limit": {
                **WHOLE,
                "requestsCpu": "2",
                "limitsCpu": "2",
                "extended": {"requests.nvidia.com/gpu": "1"},
            }
        },
    }


@pytest.mark.row("T5")
def test_a_namespace_names_its_project_and_its_part_of_the_quota(tmp_path: Path) -> None:
    notes = shares(site_of(tmp_path))["vision"].annotations
    assert notes["field.cattle.io/projectId"] == "local:p-vision"
    assert json.loads(notes["field.cattle.io/resourceQuota"]) == {"limit": WHOLE}


@pytest.mark.row("T5")
def test_members_have_the_role_that_the_site_says_and_owners_their_own_project(tmp_path: Path) -> None:
    projects = {"vision": {"members": ["ana"]}, "audio": {"members": ["ana"], "role": "view"}, "ben": {"members": []}}
    config, ground = parts_of(site_of(tmp_path, of={"projects": projects}, personal={"gpus": 1, "cpu": "4"}))
    assert set(people.memberships(config, ground)) == {
        ("vision", "ana", "project-member"),
        ("audio", "ana", "read-only"),
        ("ana", "ana", "project-owner"),
    }
    own = people.personal(config, ground)
    assert {name: (of.gpus, of.cpu, of.members) for name, of in own.items()} == {"ana": (1, "4", ("ana",))}


@pytest.mark.row("X14")
def test_what_two_parts_make_of_a_project_is_all_there(tmp_path: Path) -> None:
    runai = {
        "kind": "runai",
        "domain": "ai.lps.example.org",
        "certificate": str(FILES / "runai.pem"),
        "keySecret": "siteKey",
        "admin": {"email": "admin@example.org", "passwordSecret": "runaiAdmin"},
    }
    of = {
        "storage": {
            "nfs": {"host": "cp-1", "path": "/srv/nfs", "rootSquash": False},
            "classes": {"nfs": {"kind": "csi-nfs", "default": True}},
        },
        "gpuOperator": {},
        "monitoring": {"kind": "existing"},
        "users": {"ana": {"email": "ana@example.org"}},
        "projects": {"vision": {"gpus": 2, "members": ["ana"]}},
    }
    both = shares(site_of(tmp_path, of={**of, "platforms": [runai, said()]}))["vision"]
    assert (both.labels, set(both.annotations)) == (
        {"runai/queue": "vision"},
        {"field.cattle.io/projectId", "field.cattle.io/resourceQuota"},
    )
    assert both.gpus == 4, "Run:ai may give it those of others"


@pytest.mark.row("T5")
def test_the_chart_gets_keys_that_it_has(tmp_path: Path) -> None:
    config, ground = parts_of(site_of(tmp_path, registry="registry.example.org:5000"))
    made: dict[str, Any] = values.values(config, ground)
    assert unknown({**made, **values.PASSWORD}, KEYS) == []
    assert made == {
        "hostname": "rancher.lps.example.org",
        "replicas": 3,
        "ingress": {
            "ingressClassName": "haproxy",
            "tls": {"source": "secret", "secretName": "tls-rancher-ingress"},
        },
        "privateCA": True,
        "systemDefaultRegistry": "registry.example.org:5000",
    }


@pytest.mark.row("T5")
def test_an_issuer_of_the_site_makes_ranchers_certificate(tmp_path: Path) -> None:
    ingress = {"kind": "haproxy", "issuer": {"name": "internal"}}
    acme: dict[str, Any] = {"kind": "acme", "server": "https://acme.example.org/dir", "email": "ops@example.org"}
    issuers = {"internal": {**acme, "dns01": {"rfc2136": {"nameserver": "10.0.0.2:53"}}}}
    network = {
        "loadBalancer": {"pool": "10.0.0.200-10.0.0.209"},
        "ingress": ingress,
        "certManager": {"issuers": issuers},
    }
    made = values.values(*parts_of(site_of(tmp_path, of={"network": network})))
    assert made["ingress"]["extraAnnotations"] == {"cert-manager.io/cluster-issuer": "internal"}


@pytest.mark.row("T5")
def test_groups_and_a_missing_volume_are_worth_a_line(tmp_path: Path) -> None:
    site = site_of(tmp_path, of={"projects": {"vision": {"groups": ["listeners"]}}}, personal={})
    said_of = [problem.text for problem in checks_people.notes(*parts_of(site))]
    assert len(said_of) == 2
    assert said_of[0].startswith("projects.vision.groups have no role in Rancher")


@pytest.mark.row("T6")
def test_a_pod_has_two_containers_with_gpus_each(tmp_path: Path) -> None:
    volumes = {"server": "10.0.0.99", "path": "/export"}
    site = site_of(tmp_path, projects={"vision": {"namespace": {"gpus": 3}}}, personal={"gpus": 4}, volumes=volumes)
    files = samples.files(*parts_of(site))
    assert set(files) == {f"pods/{name}/gpu-pod.yaml" for name in ("vision", "ana", "ben")}
    for name, gpus in (("vision", 1), ("ana", 2)):
        pod = YAML(typ="safe").load(files[f"pods/{name}/gpu-pod.yaml"])
        assert pod["metadata"]["namespace"] == name
        limits = [each["resources"]["limits"]["nvidia.com/gpu"] for each in pod["spec"]["containers"]]
        assert limits == [gpus, gpus]
        assert pod["spec"]["volumes"][0]["persistentVolumeClaim"] == {"claimName": "volume"}
        assert pod["spec"]["securityContext"]["runAsUser"] == 65534
    assert samples.files(*parts_of(site_of(tmp_path, of={"projects": {"vision": {"gpus": 1}}}))) == {}


@pytest.mark.row("T6")
def test_a_pod_of_a_personal_project_may_write_into_the_folder_of_its_user(tmp_path: Path) -> None:
    site = site_of(tmp_path, of={"users": {"ana": {"uid": 20001}, "ben": {}}}, personal={"gpus": 2})
    pods = {path: YAML(typ="safe").load(text) for path, text in samples.files(*parts_of(site)).items()}
    users = {
        name: pods[f"pods/{name}/gpu-pod.yaml"]["spec"]["securityContext"]["runAsUser"]
        for name in ("ana", "ben", "vision")
    }
    assert users == {"ana": 20001, "ben": 65534, "vision": 65534}


@pytest.mark.row("T5")
def test_folders_of_volumes_are_made_where_the_site_runs_the_server(tmp_path: Path) -> None:
    of = {
        "hosts": {
            "cp-1": {"address": "10.0.0.11", "roles": ["control-plane"]},
            "nfs": {"address": "10.0.0.20"},
        },
        "storage": {"nfs": {"host": "nfs", "path": "/srv/cluster-volume"}},
        "users": {"ana": {"uid": 2001}, "ben": {}},
        "projects": {"vision": {"members": ["ana", "ben"]}},
    }

    def made(server: str, path: str = "/srv/cluster-volume") -> list[str]:
        site = site_of(tmp_path, of=of, personal={}, volumes={"server": server, "path": path})
        steps = layers(site, site.hosts["nfs"])["storage"]
        return [line for step in steps if step.id == "nfs_folders" for line in step.bulk["folders"].splitlines()]

    wanted = ["+0:0 1777 vision", "+2001:2001 0700 ana"]
    assert made("10.0.0.20") == made("nfs") == wanted
    assert made("10.0.0.20", "/srv/cluster-volume/people") == [
        "+0:0 1777 people/vision",
        "+2001:2001 0700 people/ana",
    ]
    assert made("10.0.0.99") == made("10.0.0.20", "/srv/other") == []
    site = site_of(tmp_path, of=of, personal={}, volumes={"server": "nfs", "path": "/srv/cluster-volume"})
    notes = [problem.text for problem in checks_people.notes(*parts_of(site))]
    assert "makes no folder for ben, without a uid under users of the site. Write one." in notes
    site = site_of(tmp_path, of=of, personal={}, volumes={"server": "nfs", "path": "/srv/other"})
    notes = [problem.text for problem in checks_people.notes(*parts_of(site))]
    assert any(note.startswith("/srv/other is not below /srv/cluster-volume, which nfs exports") for note in notes)


@pytest.mark.row("T5")
def test_a_project_of_a_users_name_takes_the_place_of_the_personal_one(tmp_path: Path) -> None:
    """So `sitectl user add ana --own-project` says that ana has no GPU then."""
    of = {"projects": {"ana": {"members": ["ana"]}}}
    site = site_of(tmp_path, of=of, personal={"gpus": 2}, volumes={"server": "10.0.0.99", "path": "/export"})
    [note] = [problem.text for problem in checks_people.notes(*parts_of(site)) if "is not for" in problem.text]
    assert note.startswith(
        "is not for ana: projects.ana of the site has that name, with its own quota (gpus: 0) and role"
    )
    assert "its folder is open to all" in note
    assert not [each for each in checks_people.notes(*parts_of(site_of(tmp_path, of=of))) if "is not for" in each.text]
