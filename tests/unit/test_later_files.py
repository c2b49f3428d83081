"""Files of others that win over ours: each step that writes a drop-in judges the value in force and names the file."""

from pathlib import Path

import pytest

from tests.unit.step_host import StepHost

HOST_STEPS = Path(__file__).parents[2] / "components/host/steps"
SYSCTL = HOST_STEPS / "sysctl.sh"
OURS = "/etc/sysctl.d/99-zz-gpu-metal.conf"


@pytest.fixture
def tuned(host: StepHost) -> StepHost:
    """vm.swappiness has the site's value, and so has our drop-in."""
    host.file("/proc/sys/vm/swappiness", "10\n")
    host.file("/proc/sys/net/ipv4/conf/eth0.1/forwarding", "1\n")
    host.file(OURS, "# gpu-metal\nvm.swappiness = 10\n")
    return host


@pytest.mark.row("H10")
@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("/etc/sysctl.d/99-zzz-site.conf", "# tuning\nvm.swappiness=60\n"),
        ("/usr/lib/sysctl.d/zz.conf", "-vm/swappiness =  60\n"),
        ("/etc/sysctl.d/99-zzz-site.conf", "vm.swappiness=10\nvm.swappiness = 60\r\n"),
    ],
)
def test_a_later_sysctl_file_that_wins_at_the_next_start_is_named(tuned: StepHost, file: str, text: str) -> None:
    tuned.file(file, text)
    status, said = tuned.call(SYSCTL, "check", {"vm.swappiness": "10"})
    assert status == 10
    assert said == (
        f"has vm.swappiness=10 now, but {file} comes after ours and sets it to 60 at the next start. "
        f"Fix: take that line out of {file}, or write 60 for vm.swappiness under sysctl"
    )


@pytest.mark.row("H10")
@pytest.mark.parametrize(
    "files",
    [
        {},
        {"/etc/sysctl.d/99-sysctl.conf": "vm.swappiness=60\n"},
        {"/etc/sysctl.d/99-zzz.conf": "; vm.swappiness=60\nvm.swappiness=10\nvm.swap=60\n"},
        # /etc hides the vendor's file of the same name.
        {"/usr/lib/sysctl.d/zz.conf": "vm.swappiness=60\n", "/etc/sysctl.d/zz.conf": ""},
    ],
)
def test_files_that_do_not_win_are_nobodys_matter(tuned: StepHost, files: dict[str, str]) -> None:
    for file, text in files.items():
        tuned.file(file, text)
    assert tuned.call(SYSCTL, "check", {"vm.swappiness": "10"}) == (0, "")


@pytest.mark.row("H10")
def test_a_name_with_a_dot_is_compared_as_systemd_reads_it(tuned: StepHost) -> None:
    key = "net/ipv4/conf/eth0.1/forwarding"
    tuned.file(OURS, f"# gpu-metal\n{key} = 1\n")
    tuned.file("/etc/sysctl.d/zz.conf", "net.ipv4.conf.eth0/1.forwarding = 0\n")
    assert tuned.call(SYSCTL, "check", {key: "1"})[1].startswith(f"has {key}=1 now, but /etc/sysctl.d/zz.conf comes")


PROXY = HOST_STEPS / "proxy.sh"
INPUTS = {"http": "http://p.example.org:3128", "services": "docker"}
MINE = {"no_proxy": "localhost"}
ENVIRONMENT = (
    "http_proxy=http://p.example.org:3128\nHTTP_PROXY=http://p.example.org:3128\n"
    "no_proxy=localhost\nNO_PROXY=localhost\n"
)
DROP_INS = "/etc/systemd/system/docker.service.d"


@pytest.fixture
def proxied(host: StepHost) -> StepHost:
    """All our files are there, and a login shell and apt have what they say."""
    host.file("/etc/environment", "")
    host.program("systemctl", 'case $* in *EnvironmentFiles*) cat "$FILES" 2>/dev/null || true ;; *) echo 0 ;; esac')
    host.program("apt-config", 'echo "Acquire::http::Proxy=$APT"')
    host.program("bash", 'printf %s "$(<"$(dirname "$0")/../login")"')
    host.file("/login", ENVIRONMENT)
    host.environment["APT"] = INPUTS["http"]
    assert host.call(PROXY, "apply", INPUTS, bulk=MINE)[0] == 0
    assert host.call(PROXY, "check", INPUTS, bulk=MINE) == (0, "")
    return host


def proxy_says(host: StepHost) -> str:
    status, said = host.call(PROXY, "check", INPUTS, bulk=MINE)
    assert status == 10
    return said


@pytest.mark.row("H14")
def test_apt_conf_wins_over_its_folder_and_is_named(proxied: StepHost) -> None:
    proxied.file("/etc/apt/apt.conf", 'Acquire::http::proxy "http://old:8080";\n')
    proxied.environment["APT"] = "http://old:8080"
    assert proxy_says(proxied) == (
        "apt has http://old:8080 http proxy, wants http://p.example.org:3128: "
        "/etc/apt/apt.conf comes after ours and wins."
        " Fix: take the proxy out of /etc/apt/apt.conf, or write the same in the site as there"
    )


@pytest.mark.row("H14")
def test_a_later_file_of_apts_folder_is_named(proxied: StepHost) -> None:
    proxied.file("/etc/apt/apt.conf.d/95proxies", 'Acquire::http::Proxy "http://old:8080";\n')
    proxied.file("/etc/apt/apt.conf.d/80proxies", 'Acquire::http::Proxy "http://older:8080";\n')
    proxied.environment["APT"] = "http://old:8080"
    assert "/etc/apt/apt.conf.d/95proxies comes after ours and wins" in proxy_says(proxied)


@pytest.mark.row("H14")
def test_a_command_that_apt_asks_for_its_proxy_is_named(proxied: StepHost) -> None:
    proxied.file("/etc/apt/apt.conf.d/auto-apt-proxy.conf", 'Acquire::http::Proxy-Auto-Detect "/usr/bin/find-it";\n')
    proxied.program(
        "apt-config", 'echo "Acquire::http::Proxy=$APT"; echo Acquire::http::Proxy-Auto-Detect=/usr/bin/find-it'
    )
    assert proxy_says(proxied) == (
        "apt asks /usr/bin/find-it for its http proxy, wants http://p.example.org:3128 without asking."
        " Fix: take that line out of /etc/apt/apt.conf.d/auto-apt-proxy.conf"
    )


@pytest.mark.row("H14")
def test_a_later_profile_is_named(proxied: StepHost) -> None:
    proxied.file("/etc/profile.d/zz-proxy.sh", "export http_proxy=http://old:8080\n")
    proxied.file("/login", ENVIRONMENT.replace("http_proxy=http://p.example.org:3128", "http_proxy=http://old:8080", 1))
    said = proxy_says(proxied)
    assert said.startswith(
        "a login shell has http_proxy=http://old:8080, wants http://p.example.org:3128: /etc/profile.d/zz"
    )


@pytest.mark.row("H14")
def test_dockers_documented_drop_in_wins_and_is_named(proxied: StepHost) -> None:
    """http-proxy.conf, as Docker's documentation names it, sorts after 90-…"""
    proxied.file(f"{DROP_INS}/http-proxy.conf", '[Service]\nEnvironment="HTTP_PROXY=http://old:8080"\n')
    assert proxy_says(proxied).startswith(
        f"docker has HTTP_PROXY=http://old:8080, wants the site's proxies only: {DROP_INS}/http-proxy.conf comes after"
    )


@pytest.mark.row("H14")
def test_drop_ins_that_ours_replaces_are_nobodys_matter_but_other_variables_are(proxied: StepHost) -> None:
    proxied.file(f"{DROP_INS}/10-proxy.conf", '[Service]\nEnvironment="HTTP_PROXY=http://old:8080" "no_proxy=x"\n')
    proxied.file(f"{DROP_INS}/zz.conf", "[Service]\n# HTTP_PROXY=http://old:8080\nEnvironment=NO_PROXY=localhost\n")
    assert proxied.call(PROXY, "check", INPUTS, bulk=MINE) == (0, "")
    proxied.file(f"{DROP_INS}/10-proxy.conf", '[Service]\nEnvironment="ALL_PROXY=http://old:8080"\n')
    assert f"docker has ALL_PROXY=http://old:8080, wants the site's proxies only: {DROP_INS}/10" in proxy_says(proxied)


@pytest.mark.row("H14")
def test_a_file_of_variables_wins_over_every_drop_in(proxied: StepHost) -> None:
    proxied.file("/variables", "HTTPS_PROXY=http://old:8080\n")
    proxied.file("/names", f"{proxied.path('/variables')} (ignore_errors=yes)\n")
    proxied.environment["FILES"] = str(proxied.path("/names"))
    assert "docker has HTTPS_PROXY=http://old:8080, wants the site's proxies only: /variables" in proxy_says(proxied)


NETWORK = Path(__file__).parents[2] / "components/network/steps/network_first.sh"


@pytest.mark.row("K4")
def test_a_left_over_network_that_containerd_would_take_is_named(host: StepHost) -> None:
    for file in ("10-calico.conflist", "10-flannel.conflist", "05-old.conflist.bak"):
        host.file(f"/etc/cni/net.d/{file}", "{}\n")
    status, said = host.call(NETWORK, "check", {"file": "10-flannel.conflist"})
    assert status == 10
    assert said == (
        "containerd gives pods the first network of /etc/cni/net.d, and that is 10-calico.conflist, "
        "wants 10-flannel.conflist. Nothing was changed. "
        "Fix: if no pod uses that network any more, mv /etc/cni/net.d/10-calico.conflist /root/"
    )


@pytest.mark.row("K4")
@pytest.mark.parametrize("files", [[], ["10-flannel.conflist"], ["87-podman-bridge.conflist", "README"]])
def test_networks_after_the_sites_do_not_matter(host: StepHost, files: list[str]) -> None:
    for file in files:
        host.file(f"/etc/cni/net.d/{file}", "{}\n")
    assert host.call(NETWORK, "check", {"file": "10-flannel.conflist"}) == (0, "")


@pytest.mark.row("K4")
@pytest.mark.parametrize("kind", ["multus", "multus-shim"])
def test_multus_gives_pods_the_network_that_comes_after_it(host: StepHost, kind: str) -> None:
    host.file("/etc/cni/net.d/00-multus.conf", f'{{"name": "multus-cni-network", "type": "{kind}"}}\n')
    host.file("/etc/cni/net.d/10-flannel.conflist", "{}\n")
    assert host.call(NETWORK, "check", {"file": "10-flannel.conflist"}) == (0, "")
    host.file("/etc/cni/net.d/05-old.conf", "{}\n")
    said = host.call(NETWORK, "check", {"file": "10-flannel.conflist"})[1]
    assert said.startswith("containerd gives pods the first network of /etc/cni/net.d, and that is 05-old.conf,")


MODULES = HOST_STEPS / "kernel_modules.sh"
SHUT = "/etc/modprobe.d/hardening.conf"


@pytest.mark.row("H13")
def test_a_module_that_others_shut_out_at_a_start_is_named_with_their_line(host: StepHost) -> None:
    """systemd-modules-load obeys `blacklist`, and modprobe `install NAME /bin/false`."""
    host.file("/proc/modules", "loop 1 0 - Live 0x0\n")
    host.program("lsmod", ":")
    host.file("/etc/modules-load.d/90-gpu-metal.conf", "# gpu-metal\nloop\n")
    host.file(SHUT, "blacklist loopback\n# blacklist loop\n")
    assert host.call(MODULES, "check", {"names": "loop"}) == (0, "")
    host.file(SHUT, "blacklist loop\n")
    assert host.call(MODULES, "check", {"names": "loop"}) == (
        10,
        f'has the module loop shut out by "blacklist loop" in {SHUT}, wants it loaded at each start. '
        f"Fix: take that line out of {SHUT}",
    )
    host.file(SHUT, "install no-such_module /bin/false\n")
    host.program("modprobe", "exit 1")
    for function in ("check", "apply"):
        said = host.call(MODULES, function, {"names": "no_such_module"})[1]
        assert said.startswith('has the module no_such_module shut out by "install no-such_module /bin/false" in ')


NEEDRESTART = HOST_STEPS / "needrestart.sh"


@pytest.mark.row("G8")
def test_a_later_file_that_lets_needrestart_restart_services_is_named(host: StepHost) -> None:
    folder = "/etc/needrestart/conf.d"
    host.file(f"{folder}/50-local.conf", "$nrconf{restart} = 'a';\n")
    host.file(f"{folder}/95-list.conf", "#$nrconf{restart} = 'a';\n$nrconf{restart} = 'l';\n")
    assert host.call(NEEDRESTART, "apply") == (0, "")
    assert host.call(NEEDRESTART, "check") == (0, "")
    host.file(f"{folder}/no-prompt.conf", '$nrconf{restart} = "a";\n')
    assert host.call(NEEDRESTART, "check") == (
        10,
        f"needrestart restarts services by itself: {folder}/no-prompt.conf comes after ours and sets "
        "$nrconf{restart}. "
        f"Fix: take that line out of {folder}/no-prompt.conf",
    )
