"""Which packages and sources a host asks for, and that the tables of names say what each system calls them."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.host.config import Family, Host
from components.host.packages import host_packages, repositories, terms
from components.host.repositories import AptRepository, DnfRepository, Repository
from components.hostrun import library

LIBRARY = Path("components/hostrun")
SOURCES: dict[str, Repository] = {
    "deb": AptRepository.model_validate({"url": "https://deb.example.org", "keyFile": "k"}),
    "rpm": DnfRepository.model_validate({"kind": "dnf", "url": "https://rpm.example.org", "keyFile": "k"}),
}
KEYS = {"deb": "DEB KEY", "rpm": "RPM KEY"}


def host(**more: Any) -> Host:
    return Host.model_validate({"name": "gpu-1", "address": "10.0.0.31", "hostKey": "ssh-ed25519 AAAA", **more})


def on(tmp_path: Path, os_release: str, script: str) -> str:
    """What lib.sh answers on a system with that os-release."""
    (tmp_path / "os-release").write_text(os_release)
    text = (LIBRARY / "lib.sh").read_text().replace("/etc/os-release", str(tmp_path / "os-release"))
    for name, content in library.files().items():
        if name.startswith("runner/"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
    text = text.replace("${BASH_SOURCE[0]%/*}", str(tmp_path / "runner"))
    given = "GPU_METAL_HOME=/nowhere GPU_METAL_RUN=/nowhere gm_layer=l gm_step=s gm_function=check gm_verb=check"
    program = f"set -euo pipefail; {given}\n{text}\nuname() {{ echo 5.14.0-427.13.1.el9_4.x86_64; }}\n{script}"
    return subprocess.run(["bash", "-c", program], check=True, capture_output=True, text=True).stdout


SYSTEMS = {
    "debian-12": 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n',
    "debian-13": 'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n',
    "ubuntu-20.04": 'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="20.04"\nVERSION_CODENAME=focal\n',
    "ubuntu-24.04": 'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\n',
    "rhel-8": 'ID="rhel"\nID_LIKE="fedora"\nVERSION_ID="8.10"\n',
    "rocky-9": 'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n',
}


@pytest.mark.row("H3")
@pytest.mark.parametrize(
    ("system", "names"),
    {
        "debian-12": "debian|iptables|chrony|/etc/chrony/sources.d/90-gpu-metal.sources|",
        "debian-13": "debian|iptables|chrony|/etc/chrony/sources.d/90-gpu-metal.sources|docker-cli",
        "ubuntu-20.04": "debian|iptables|chrony|/etc/chrony/gpu-metal.conf|",
        "ubuntu-24.04": "debian|iptables|chrony|/etc/chrony/sources.d/90-gpu-metal.sources|",
        "rhel-8": "rhel|iptables|chronyd|/etc/chrony.d/gpu-metal.conf|",
        "rocky-9": "rhel|iptables-nft|chronyd|/etc/chrony.d/gpu-metal.conf|",
    }.items(),
)
def test_the_most_particular_table_names_a_thing(system: str, names: str, tmp_path: Path) -> None:
    asked = "os_family; os_packages @iptables; os_path chrony_unit; os_path chrony_servers; os_packages @docker-cli"
    assert on(tmp_path, SYSTEMS[system], asked).splitlines() == [name for name in names.split("|") if name]


@pytest.mark.row("H3")
def test_every_name_that_differs_by_system_is_used() -> None:
    """Terms with @ are for the packages of a site; the others are for steps."""
    code = "\n".join(path.read_text() for path in Path("components").glob("**/*.sh"))
    used = set(re.findall(r"os_path (\w+)", code))
    lines = [line for table in Path("components").glob("**/os/*.names") for line in table.read_text().splitlines()]
    assert {line.split()[0] for line in lines if line and line[0] not in "#@"} - used == set()


@pytest.mark.row("H6")
@pytest.mark.parametrize(
    ("system", "text"),
    {
        "ubuntu-24.04": "ubuntu noble 24.04 2404",
        "debian-12": "debian bookworm 12 12",
        "rocky-9": "rocky  9 9",
    }.items(),
)
def test_an_address_has_the_hosts_own_names(system: str, text: str, tmp_path: Path) -> None:
    said = on(tmp_path, SYSTEMS[system], "unset -f uname; os_text '{os} {codename} {version} {release}'")
    assert said == f"{text}\n"


@pytest.mark.row("H7")
def test_kernel_headers_are_those_of_the_running_kernel_and_of_those_to_come(tmp_path: Path) -> None:
    rocky = on(tmp_path, SYSTEMS["rocky-9"], "os_packages @kernel-headers")
    assert rocky == "kernel-devel=5.14.0-427.13.1.el9_4.x86_64\nkernel-headers\n"
    oracle = on(tmp_path, SYSTEMS["rocky-9"], "uname() { echo 5.15.0-1.el9uek.x86_64; }; os_packages @kernel-headers")
    assert oracle == "kernel-uek-devel=5.15.0-1.el9uek.x86_64\nkernel-headers\n"
    images = "pkg_list() { printf '%s\\n' linux-image-6.8.0-40-generic linux-image-generic-hwe-22.04 bash; }"
    ubuntu = f"{images}; uname() {{ echo 6.8.0-40-generic; }}; os_packages @kernel-headers"
    said = on(tmp_path, SYSTEMS["ubuntu-24.04"], ubuntu)
    assert said == "linux-headers-6.8.0-40-generic\nlinux-headers-generic-hwe-22.04\n"


DPKG = """
dpkg-query() {
    echo asked >>LOG
    printf '%s\\t%s\\t%s\\t%s\\n' installed curl amd64 7.88 installed gpg arm64 2.1 \\
        installed gpg amd64 2.2 config-files vim amd64 9
}
"""


@pytest.mark.row("H7")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("curl=7.* gpg", "lacks its record of the packages it asks for, or of those that an interrupted run installed"),
        ("gpg curl vim", "has no package vim, wants it"),
        ("gpg:amd64=2.2 gpg=2.1 curl=8.*", "has curl 7.88, wants 8.*"),
    ],
)
def test_what_is_installed_is_asked_once_for_all_packages(words: str, says: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = f"{DPKG.replace('LOG', str(log))}pkg_untrue {words}"
    assert on(tmp_path, SYSTEMS["ubuntu-24.04"], script) == f"{says}\n"
    assert log.read_text() == "asked\n"


@pytest.mark.row("H7")
@pytest.mark.parametrize(
    ("call", "names"),
    [
        ("_pkg_names 'vim=9.* curl:i386 vim libc6 bash'", "bash curl libc6 vim"),
        ("_pkg_names ''", ""),
        ("_pkg_without $'a\\nb\\nc' $'b\\nd'", "a c"),
        ("_pkg_without $'a\\nb' $'b\\na'", ""),
        ("_pkg_without '' a", ""),
        ("_pkg_both $'a\\nb\\nc' $'c\\na\\nx'", "a c"),
        ("_pkg_plus $'a\\nc' $'b\\nc\\nd'", "a b c d"),
        ("_pkg_plus '' $'b\\nc'", "b c"),
        ("_pkg_plus $'b\\nc' b", "b c"),
    ],
)
def test_lists_of_packages_are_sorted_and_name_each_once(call: str, names: str, tmp_path: Path) -> None:
    assert on(tmp_path, SYSTEMS["debian-12"], f"{call}; printf '%s' \"$REPLY\"").split("\n") == names.split(" ")


@pytest.mark.row("H3")
def test_both_families_know_the_same_terms_but_for_one() -> None:
    assert terms("debian") ^ terms("rhel") == {"@redsocks"}  # no such package there


@pytest.mark.row("H6")
@pytest.mark.parametrize(
    ("family", "ids"),
    [("debian", ["apt_repository#deb"]), ("rhel", ["packages#gpg", "dnf_repository#rpm"])],
)
def test_a_host_gets_the_sources_of_its_family(family: Family, ids: list[str]) -> None:
    assert [step.id for step in repositories(SOURCES, KEYS, family)] == ids


@pytest.mark.row("H6")
def test_a_dnf_source_is_checked_by_key_unless_its_vendor_signs_metadata_only() -> None:
    def inputs(**more: object) -> dict[str, str]:
        source = DnfRepository.model_validate({"kind": "dnf", "url": "https://r", "keyFile": "k", **more})
        return dict(repositories({"rpm": source}, KEYS, "rhel")[-1].inputs)

    assert (inputs()["check_packages"], inputs()["check_metadata"]) == ("1", "0")
    only = inputs(gpgCheckPackages=False, gpgCheckMetadata=True)
    assert (only["check_packages"], only["check_metadata"]) == ("0", "1")


@pytest.mark.row("H6")
def test_a_fetched_key_needs_its_fingerprint() -> None:
    for untrusted in ({}, {"keyUrl": "https://k"}, {"fingerprint": "AB12"}):
        source = AptRepository.model_validate({"url": "https://apt.example.org", **untrusted})
        with pytest.raises(ValueError, match=r"repositories\.vendor: has no key to trust\. Write keyFile, or keyUrl"):
            repositories({"vendor": source}, {}, "debian")


@pytest.mark.row("H7")
def test_a_hosts_packages_are_plain_or_held() -> None:
    steps = host_packages(host(packages=["jq", "socat=1.7*", "@build-tools"], hold=["socat"]))
    asked = {step.id: (step.inputs["names"], step.inputs["hold"]) for step in steps[1:]}
    assert asked == {"packages#site": ("jq @build-tools", "no"), "packages#held": ("socat=1.7*", "yes")}


@pytest.mark.row("H7")
def test_packages_that_came_as_dependencies_are_read_from_apts_marks(tmp_path: Path) -> None:
    marks = {"both amd64": 1, "script amd64": 1, "asked amd64": 0, "gone amd64": 1, "other i386": 1}
    form = "Package: {}\nArchitecture: {}\nAuto-Installed: {}\n\n"
    text = "".join(form.format(*name.split(), auto) for name, auto in marks.items())
    (tmp_path / "marks").write_text(text)
    there = ["installed both amd64", "installed script all", "installed asked amd64", "config-files gone amd64"]
    there += ["installed other amd64", "installed plain amd64"]
    asked = f"_apt_marks={tmp_path}/marks; dpkg-query() {{ printf '%s\\n' {' '.join(map(repr, there))}; }}; pkg_auto"
    assert on(tmp_path, SYSTEMS["debian-12"], asked).split() == ["both", "script"]
    assert not on(tmp_path, SYSTEMS["debian-12"], "_apt_marks=/nowhere/marks; pkg_auto")


@pytest.mark.row("H7")
@pytest.mark.parametrize(("unread", "calls"), [("true", ["update", "install jq"]), ("false", ["install jq"])])
def test_a_host_without_package_lists_reads_them_first(tmp_path: Path, unread: str, calls: list[str]) -> None:
    stand_ins = (
        f"GPU_METAL_HOME={tmp_path}/home; . {tmp_path}/runner/files.sh; pkg_unread() {{ {unread}; }}; apt_get() {{ "
        f'case $1 in update) echo update ;; *) echo install "${{@: -1}}" ;; esac >>{tmp_path}/calls; }}; '
        "pkg_list() { :; }; pkg_auto() { :; }; pkg_see() { :; }; system_folders_there() { :; }; "
        f"mkdir -p {tmp_path}/home/packages/asked; pkg_add jq"
    )
    on(tmp_path, SYSTEMS["debian-12"], stand_ins)
    assert (tmp_path / "calls").read_text().splitlines() == calls
