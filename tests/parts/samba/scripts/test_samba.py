"""Samba shares on an emulated host: Debian's Samba serves them, and smbclient enters, or is kept out.

Does not prove: that a pod reads what was put there (storage's story mounts the same folders); a host with SELinux.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from components.hostrun.step import Step
from components.parts.samba import steps
from components.parts.samba.config import Samba
from tests.scripts.lab_host import HOST, LabHost, differences, site_host

pytestmark = [pytest.mark.lab, pytest.mark.row("N3")]

DATA = "/srv/data"
OLD = "[global]\n   workgroup = OLD\n"
SECRETS = {"anaShares": "for ana's eyes\n", "benShares": "ben+ben\n"}
SHARES: dict[str, Any] = {
    "input": {"path": f"{DATA}/input", "homes": True},
    "output": {"path": f"{DATA}/output", "readOnly": ["ben"]},
    "mine": {"path": f"{DATA}/mine", "users": ["ana"]},
}
LEFT = {
    *("/etc/group", "/etc/gshadow", "/etc/passwd", "/etc/shadow", "/etc/.pwd.lock", "/etc/subuid", "/etc/subgid"),
    *("/etc/group-", "/etc/gshadow-", "/etc/passwd-", "/etc/shadow-"),
}
"""What useradd and Debian's packages leave: groups, and their former lists."""

DATABASES = ("/var/lib/samba/", "/var/cache/samba")
"""Samba's own, without passwords: samba-common, which was there before, keeps the folders."""


def layers(*users: str, shares: Mapping[str, Any] = SHARES) -> dict[str, list[Step]]:
    said = {"host": HOST.name, "users": {user: {"passwordSecret": f"{user}Shares"} for user in users}, "shares": shares}
    config = Samba.model_validate(said)
    hosts = {HOST.name: site_host(disks=[{"device": "/dev/sdb", "mount": DATA}])}
    return {wave.layer: list(wave.steps[HOST.name]) for wave in steps.waves(config, hosts)}


BOTH = layers("ana", "ben")["samba"]


def client(host: LabHost, user: str, share: str, command: str, password: str | None = None) -> str:
    """What smbclient prints, as on a user's own machine."""
    word = SECRETS[f"{user.lower()}Shares"] if password is None else password
    host.bash("umask 077; cat >/run/login", f"username = {user}\npassword = {word}")
    return host.bash(f"smbclient -A /run/login //127.0.0.1/{share} -c '{command}' 2>&1 || true")


@pytest.fixture(scope="module")
def before(spare: LabHost) -> Mapping[str, Any]:
    spare.bash("apt-get update -q >/dev/null; apt-get install -qy --no-install-recommends smbclient >/dev/null")
    spare.bash(f"mkdir {DATA}; mount -t tmpfs disk {DATA}; chmod 0755 {DATA}; mkdir -p /etc/samba")
    spare.bash("useradd -u 20001 -M ana; useradd -u 20002 -M ben; useradd -M eve; cat >/etc/samba/smb.conf", OLD)
    return spare.snapshot()


@pytest.fixture(scope="module")
def host(spare: LabHost, before: Mapping[str, Any]) -> Iterator[LabHost]:  # noqa: ARG001 - it is taken first
    spare.install()
    spare.apply("samba", BOTH, SECRETS)
    yield spare
    spare.gpu_metal("remove")


def test_each_user_enters_with_its_password_and_does_what_the_site_says(host: LabHost) -> None:
    assert set(host.apply("samba", BOTH, SECRETS).values()) == {"unchanged"}
    assert host.check() == {}
    host.bash("printf data >/tmp/data; chmod 0644 /tmp/data")
    assert "putting file" in client(host, "ana", "input", "put /tmp/data data")
    assert host.bash(f"stat -c '%U %a' {DATA}/input/ana {DATA}/input/ana/data") == "ana 700\nana 600\n"
    assert "NT_STATUS_NO_SUCH_FILE" in client(host, "ben", "input", "ls data")  # its own folder
    assert "putting file" in client(host, "ana", "output", "put /tmp/data result")
    assert host.bash(f"stat -c '%U %G %a' {DATA}/output/result") == "ana gm-samba 664\n"
    assert "NT_STATUS_ACCESS_DENIED" in client(host, "ben", "output", "put /tmp/data other")
    assert "getting file" in client(host, "ben", "output", "get result /tmp/read")
    assert "NT_STATUS_ACCESS_DENIED" in client(host, "ben", "mine", "ls")
    assert "putting file" in client(host, "ANA", "input", "put /tmp/data again")  # a name in the way of Windows


def test_nobody_else_enters(host: LabHost) -> None:
    assert "NT_STATUS_LOGON_FAILURE" in client(host, "ana", "output", "ls", "wrong\n")
    assert "NT_STATUS_LOGON_FAILURE" in client(host, "eve", "output", "ls", "eve\n")
    nobody = host.bash("smbclient -N //127.0.0.1/output -c ls 2>&1 || true")
    assert "NT_STATUS_ACCESS_DENIED" in nobody
    assert "result" in client(host, "ana", "output", "ls")
    plain = host.bash("smbclient -A /run/login -m SMB2_10 //127.0.0.1/output -c ls 2>&1 || true")
    assert "protocol negotiation failed: NT_STATUS_NOT_SUPPORTED" in plain


def test_passwords_are_in_no_log_and_in_no_file_for_others(host: LabHost) -> None:
    word = SECRETS["anaShares"].strip()
    assert host.bash(f'grep -rlF "{word}" /etc /var/lib /var/log /run/gpu-metal 2>/dev/null || true') == ""
    assert host.bash(f"stat -c '%U %a' {steps.PASSWORDS}") == "root 600\n"


@pytest.mark.parametrize(
    ("harm", "step", "says"),
    [
        (
            "printf '[more]\\n    path = /srv\\n' >>/etc/samba/smb.conf",
            "samba_shares",
            'has "[more]" in /etc/samba/smb.conf, which the site has not',
        ),
        (
            "sed -i 's/read list = ben/read list =/' /etc/samba/smb.conf",
            "samba_shares",
            'has "read list =" in /etc/samba/smb.conf, which the site has not',
        ),
        (
            "printf 'x\\nx\\n' | smbpasswd -s -a eve >/dev/null",
            "samba_users",
            "has a password for the shares of eve, whom the site does not let in",
        ),
        (
            "printf 'x\\nx\\n' | smbpasswd -s ana >/dev/null",
            "samba_users",
            "has another password of ana for the shares than was set here",
        ),
        ("smbpasswd -d ben >/dev/null", "samba_users", "has the password of ben for the shares disabled"),
        ("systemctl stop smbd", "samba_shares", "smbd does not run. Fix: journalctl -u smbd -n 20 says why"),
        (
            f"chmod 0755 {DATA}/input/ana",
            "samba_folders",
            f"has {DATA}/input/ana of ana with mode 755, wants ana and 700",
        ),
        ("gpasswd -a eve gm-samba >/dev/null", "samba_folders", "has ana ben eve in the group gm-samba, wants ana ben"),
        (
            f"chmod 0750 {DATA}/input",
            "samba_folders",
            f"has {DATA}/input/ana, which ana cannot write to. Fix: namei -l {DATA}/input/ana shows",
        ),
    ],
)
def test_what_others_did_is_seen_and_mended(host: LabHost, harm: str, step: str, says: str) -> None:
    host.bash(harm)
    seen = host.check()
    assert seen.keys() == {step}
    assert says in seen[step][1]
    if "cannot write" in says:
        host.bash(f"chmod 0755 {DATA}/input")  # as the message says: no mode above a folder is ours to choose
    host.apply("samba", BOTH, SECRETS)
    assert host.check() == {}


def test_a_user_who_leaves_the_site_is_out_at_once_and_the_data_stays(host: LabHost) -> None:
    alone = layers("ben", shares={name: share for name, share in SHARES.items() if name != "mine"})["samba"]
    assert "result" in client(host, "ana", "output", "ls")
    inside = "sleep 30 | timeout 25 smbclient -A /run/login //127.0.0.1/output"
    seen = "for n in {1..50}; do if smbstatus -p | grep -qw ana; then exit; fi; sleep 0.1; done; exit 1"
    host.bash(f"({inside}) >/dev/null 2>&1 & {seen}")
    host.apply("samba", alone, SECRETS)
    assert "ana" not in host.bash("smbstatus -p")
    assert "NT_STATUS_LOGON_FAILURE" in client(host, "ana", "output", "ls")
    assert host.bash(f"stat -c '%U %a' {DATA}/input/ana/data") == "ana 600\n"
    assert host.bash(f"test -e {DATA}/mine || echo away") == "away\n"  # was empty
    host.apply("samba", BOTH, SECRETS)
    assert "data" in client(host, "ana", "input", "ls")


def test_a_link_that_a_user_put_there_is_not_followed(host: LabHost) -> None:
    host.bash(f"mv {DATA}/input/ben {DATA}/kept; ln -s /etc {DATA}/input/ben")
    done = host.run("samba", BOTH, SECRETS)
    assert f"has {DATA}/input/ben, which is a link or is behind one" in done.stderr
    assert host.bash("stat -c '%U %a' /etc") == "root 755\n"
    host.bash(f"rm {DATA}/input/ben; mv {DATA}/kept {DATA}/input/ben")
    host.apply("samba", BOTH, SECRETS)


def test_without_its_disk_nothing_is_written_to_the_system(host: LabHost) -> None:
    host.bash(f"systemctl stop smbd; mount --bind {DATA} /mnt; umount {DATA}")
    done = host.run("samba", BOTH, SECRETS)
    host.bash(f"mount --bind /mnt {DATA}; umount /mnt")
    assert f"has nothing mounted at {DATA}, the disk of the share {DATA}/input. Fix: " in done.stderr
    host.apply("samba", BOTH, SECRETS)
    assert host.check() == {}


def test_the_former_settings_come_back_and_the_data_stays(before: Mapping[str, Any], host: LabHost) -> None:
    assert host.gpu_metal("remove").returncode == 0
    assert host.bash("cat /etc/samba/smb.conf") == OLD
    assert host.bash(f"stat -c '%U %a' {DATA}/input/ana/data {DATA}/output/result") == "ana 600\nana 664\n"
    host.bash(f"rm -r {DATA}/*; rm -f /tmp/data /tmp/read /run/login")
    left = differences(before, host.snapshot()).keys() - LEFT
    assert sorted(name for name in left if not name.startswith(DATABASES)) == []
    assert host.bash(f"test -e {steps.PASSWORDS} || echo away") == "away\n"


def test_shares_of_others_are_refused(spare: LabHost) -> None:
    host = site_host()
    config = Samba.model_validate({"host": HOST.name, "users": {"ana": {"passwordSecret": "x"}}, "shares": SHARES})
    asked = list(steps.preflight(config, host, {HOST.name: host}))
    assert spare.questions(asked) == {}
    for text, says in (
        (
            f"{OLD}[homes]\n[Team]\n  path = /srv/team\n",
            "serves Team already by /etc/samba/smb.conf. Fix: name another",
        ),
        ("[global]\n  security = ADS\n", 'is in a domain by /etc/samba/smb.conf ("security = ADS"). Fix: name another'),
    ):
        spare.bash("mkdir -p /etc/samba; cat >/etc/samba/smb.conf", text)
        assert spare.questions(asked)["samba_free"].startswith(says)
