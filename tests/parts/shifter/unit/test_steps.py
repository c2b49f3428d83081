"""Which steps and settings Shifter's hosts get from the site. That they do what they say is proven in tests/scripts."""

from typing import Any

import pytest

from components.host.config import Host
from components.hostrun.step import Step
from components.platforms.shifter import roles, udiroot
from components.platforms.shifter.config import Shifter
from components.platforms.shifter.part import PART

assert PART.host
HALF = PART.host

GPU = {"gpu": {"model": "P100-PCIE-16GB", "count": 1}}
HOSTS: dict[str, dict[str, Any]] = {"head": {}, "login": {}, "node01": {"group": "compute", **GPU}}
SOURCE = {"version": "22.02.1", "archive": {"url": "https://m/shifter.tar.gz", "sha256": "a" * 64}}
CONFIG = {
    "kind": "shifter",
    "system": "greina",
    "source": SOURCE,
    "gateway": {"host": "head"},
    "runtimes": ["login", "compute"],
    "images": {"path": "/scratch/images"},
    "mungeSecret": "mungeKey",
}
SLURM = {
    "controller": "head",
    "partitions": {"gpu": {"hosts": ["compute"]}},
    "nodes": {"compute": {"cpus": 2, "memoryMb": 2000}},
}


def site(**more: dict[str, Any]) -> dict[str, Host]:
    base = {"hostKey": "ssh-ed25519 AAAA"}
    named = {**HOSTS, **more}
    return {
        name: Host.model_validate({"name": name, "address": f"10.3.0.{number}", **base, **values})
        for number, (name, values) in enumerate(named.items(), 1)
    }


def shifter(**values: Any) -> Shifter:
    return Shifter.model_validate({**CONFIG, **values})


def of_host(name: str, config: Shifter, hosts: dict[str, Host]) -> dict[str, Step]:
    [steps] = [wave.steps[name] for wave in HALF.waves(config, hosts)[:-1] if name in wave.steps]
    return {step.id: step for step in steps}


def conf(name: str, config: Shifter, hosts: dict[str, Host]) -> dict[str, str]:
    text = of_host(name, config, hosts)["shifter_udiroot"].bulk["text"]
    return dict(line.split("=", 1) for line in text.splitlines() if not line.startswith("#"))


@pytest.mark.row("F1", "F5")
def test_the_gateway_comes_up_before_those_that_ask_it_and_one_head_looks_at_the_whole() -> None:
    waves = HALF.waves(shifter(), site())
    assert [(wave.layer, list(wave.steps)) for wave in waves] == [
        ("shifter", ["head"]),
        ("shifter", ["login", "node01"]),
        ("shifter-whole", ["head"]),
    ]
    assert list(waves[-1].before) == ["head"]
    apart = shifter(slurm={**SLURM, "controller": "login"})
    assert [list(wave.steps) for wave in HALF.waves(apart, site())] == [["head"], ["login"], ["node01"], ["login"]]


def test_hosts_that_are_gone_keep_their_layers_and_are_no_others() -> None:
    hosts = site(node02={"group": "compute", "state": "gone"}, db={})
    assert HALF.uses(shifter(), hosts) == ["head", "login", "node01", "node02"]
    assert "node02" in HALF.waves(shifter(), hosts)[1].steps
    assert [host.name for host in roles.there(roles.runtimes(shifter(), hosts), hosts)] == ["login", "node01"]


@pytest.mark.row("F1")
def test_the_runtime_is_built_with_the_documents_switches_before_its_settings_and_its_gateway_are_asked() -> None:
    made = of_host("login", shifter(slurm=SLURM), site())
    order = [
        "shifter_source",
        "shifter_images",
        "packages#shifter",
        "shifter_build",
        "shifter_folders",
        "shifter_udiroot",
        "shifter_links",
        "imagegw_reachable",
        "shifter_etc",
        "shifter_ready",
    ]
    assert [step for step in made if step in order] == order
    assert made["shifter_source"].inputs == {
        "folder": roles.SOURCE,
        "url": "https://m/shifter.tar.gz",
        "sha256": "a" * 64,
    }
    assert made["shifter_build"].inputs["configure"].split() == [
        "--prefix=/opt/shifter/udiRoot",
        "--sysconfdir=/etc/shifter",
        "--with-json-c",
        "--with-libcurl",
        "--with-munge",
        "--with-slurm=/usr",
        "--disable-staticsshd",
    ]
    assert "@shifter-build" in made["packages#shifter"].inputs["names"]
    assert "shifter_build" not in of_host("head", shifter(), site())


@pytest.mark.row("F1")
def test_a_repository_is_taken_at_its_revision() -> None:
    git = {"url": "https://example.org/shifter.git", "revision": "b" * 40}
    source = {"version": "22.02.1", "git": git, "configure": ["--enable-cray"], "staticSshd": True}
    made = of_host("login", shifter(source=source), site())
    assert made["shifter_source"].inputs == {"folder": roles.SOURCE, "git": git["url"], "revision": "b" * 40}
    assert made["shifter_build"].inputs["configure"].split()[-2:] == ["--with-munge", "--enable-cray"]
    assert list(made).index("packages#git") < list(made).index("shifter_source")


@pytest.mark.row("F2")
def test_udiroot_conf_is_the_documents_under_the_gateways_system() -> None:
    written = conf("login", shifter(udiRoot={"siteFs": ["/home:/home", "/scratch:/scratch"]}), site())
    assert written["imagePath"] == "/scratch/images"
    assert written["etcPath"] == "/etc/shifter/shifter_etc_files"
    assert written["allowLocalChroot"] == "1"
    assert (written["system"], written["imageGateway"]) == ("greina", "http://10.3.0.1:5000")
    assert (written["udiRootPath"], written["siteFs"]) == ("/opt/shifter/udiRoot", "/home:/home;/scratch:/scratch")
    assert "siteResources" not in written
    apart = conf("login", shifter(sysconfdir="/etc/shifter-17"), site())
    assert apart["etcPath"] == "/etc/shifter-17/shifter_etc_files"
    six = site(head={"address": "fd00::1"})
    assert conf("login", shifter(), six)["imageGateway"] == "http://[fd00::1]:5000"


@pytest.mark.row("F2", "F5")
def test_further_gateways_are_named_after_the_sites_own_and_asked_too() -> None:
    config = shifter(gateway={"host": "head", "moreUrls": ["http://10.3.0.9:5000"]})
    urls = "http://10.3.0.1:5000 http://10.3.0.9:5000"
    assert conf("login", config, site())["imageGateway"] == urls
    assert of_host("login", config, site())["imagegw_reachable"].inputs["urls"] == urls


@pytest.mark.row("F2")
def test_a_fork_gets_site_resources_and_no_modules() -> None:
    fork = {**SOURCE, "version": "18.08", "siteResources": True}
    written = conf("node01", shifter(source=fork, udiRoot={"siteResources": "/srv/resources"}), site())
    assert written["siteResources"] == "/srv/resources"
    assert not [key for key in written if key.startswith("module_")]
    not_it = {**SOURCE, "version": "17.04", "siteResources": False}
    assert "siteResources" not in conf("node01", shifter(source=not_it, gpu=False), site())


@pytest.mark.row("F1", "F6")
def test_a_host_that_only_submits_jobs_has_slurms_client_and_the_plugin_and_no_images() -> None:
    config = shifter(runtimes=["compute"], slurm={**SLURM, "submit": ["login"]})
    hosts = site()
    made = of_host("login", config, hosts)
    assert {"shifter_build", "shifter_udiroot", "packages#slurm", "slurm_conf", "slurm_plugin"} <= set(made)
    assert {"munge_key", "imagegw_reachable"} <= set(made)
    assert not {"shifter_images", "shifter_links", "shifter_etc", "shifter_ready", "slurm_node"} & set(made)
    assert HALF.prepare(config, hosts["login"], hosts).modules == ()
    assert [opening.name for opening in HALF.listening(config, hosts["login"], hosts)] == ["srun"]


REQUIRED = (
    *("udiMount", "loopMount", "imagePath", "udiRootPath", "etcPath", "rootfsType", "system"),
    *("modprobePath", "insmodPath", "cpPath", "mvPath", "chmodPath", "ddPath", "mkfsXfsPath"),
)


@pytest.mark.row("F2")
@pytest.mark.parametrize("version", ["16.08.3", "17.04.0", "18.03.0", "22.02.1"])
def test_each_version_gets_the_keys_that_it_knows(version: str) -> None:
    written = conf("node01", shifter(source={**SOURCE, "version": version}, gpuDefault=True), site())
    assert set(REQUIRED) <= set(written)
    old = version < "18.03"
    assert ("autoLoadKernelModule" in written) == old
    assert (written.get("defaultModules") == "gpu") == (not old)
    assert ("siteResources" in written) == (version == "17.04.0")
    assert any(key.startswith("module_gpu_") for key in written) == (not old)


@pytest.mark.row("F6")
def test_the_module_gpu_is_on_hosts_with_gpus_alone() -> None:
    config = shifter()
    assert conf("node01", config, site())["module_gpu_roothook"] == "/etc/shifter/module-gpu.sh"
    assert "defaultModules" not in conf("node01", config, site())
    assert of_host("node01", config, site())["shifter_gpu_module"].inputs == {"file": "/etc/shifter/module-gpu.sh"}
    for name, of in (("login", config), ("node01", shifter(gpu=False))):
        assert not [key for key in conf(name, of, site()) if key.startswith("module_gpu")]
        assert "shifter_gpu_module" not in of_host(name, of, site())


@pytest.mark.row("F2")
def test_further_keys_are_those_that_the_version_knows_and_nothing_else_decides() -> None:
    new, old = shifter(), shifter(source={**SOURCE, "version": "16.08.3"})
    assert udiroot.may_name("gatewayTimeout", new)
    assert udiroot.may_name("module_mpich_siteFs", new)
    for key in (
        "imagePath",
        "siteResources",
        "module_gpu_enabled",
        "module_a_b_siteFs",
        "module_x_no",
        "optionalSshdAsRoot",
    ):
        assert not udiroot.may_name(key, new), key
    assert udiroot.may_name("optionalSshdAsRoot", old)
    assert not udiroot.may_name("module_mpich_siteFs", old)


@pytest.mark.row("F3")
def test_runtimes_load_their_kernel_modules_unless_shifter_does() -> None:
    hosts = site(login={"modules": ["nfs", "loop"]})
    assert HALF.prepare(shifter(), hosts["login"], hosts).modules == ("nfs", "loop", "squashfs", "ext4")
    assert HALF.prepare(shifter(), hosts["head"], hosts).modules == ()
    by_itself = shifter(source={**SOURCE, "version": "16.08.3"}, udiRoot={"autoLoadKernelModule": True})
    assert HALF.prepare(by_itself, hosts["login"], hosts).modules == ("nfs", "loop")
    assert conf("login", by_itself, hosts)["kmodBasePath"] == "/lib/modules"


@pytest.mark.row("F2")
def test_images_are_marked_by_the_gateway_and_seen_by_the_others() -> None:
    def role(name: str, **images: Any) -> str:
        config = shifter(images={"path": "/scratch/images", **images}, runtimes=["head", "login"])
        inputs = of_host(name, config, site())["shifter_images"].inputs
        assert inputs["gateway"] == "http://10.3.0.1:5000"
        return inputs["role"]

    assert (role("head"), role("login"), role("login", shared=False)) == ("gateway", "shared", "own")


@pytest.mark.row("F5")
def test_the_gateways_port_is_open_to_the_site() -> None:
    hosts = site()
    opened = HALF.listening(shifter(), hosts["head"], hosts)
    assert ("5000", "site") in {(opening.port, opening.sources) for opening in opened}
    assert HALF.listening(shifter(), hosts["login"], hosts) == ()
