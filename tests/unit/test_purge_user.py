"""`sitectl user purge` with its own script, on folders of this machine. Does not prove: that SSH carries the script."""

import json
import os
import shlex
import subprocess
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from components.hostrun import fleet
from components.hostrun.ssh import Result
from components.hostrun.target import SshError, Target
from ops import asking
from ops import site as sites
from tests.unit.fake_hosts import Sitectl

GETENT = """\
#!/bin/sh
# Of `getent passwd WHO`: the users of one host.
if [ "$1" = -s ]; then exec cat "$PASSWD.$2"; fi
grep -qx "slow" "$PASSWD" && exit 124
grep -E "^$2:|^[^:]*:x:$2:" "$PASSWD" || exit 2
"""
SSSD = {"etc/nsswitch.conf": "passwd: files sss [NOTFOUND=return] systemd\n", "etc/sssd/sssd.conf": "[domain/corp]\n"}


class Hosts:
    """Hosts that run the script here, each with users of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.users: dict[str, list[str]] = {}
        self.errors: dict[str, SshError] = {}
        self.with_home: set[str] = {"gpu-1"}
        (folder / "stub").mkdir()
        self.file("etc/nsswitch.conf", "group: ldap\npasswd:\t files systemd # ldap\n")
        self.program("getent", GETENT)

    def file(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text)

    def program(self, name: str, text: str) -> None:
        self.file(f"stub/{name}", text)
        (self.folder / "stub" / name).chmod(0o755)

    async def ask(self, target: Target, command: str, *, stdin: bytes = b"", **_: object) -> Result:
        if target.name in self.errors:
            raise self.errors[target.name]
        words = shlex.split(command)
        if target.name not in self.with_home:
            words[-1] = str(self.folder / "none")
        passwd = self.folder / f"passwd-{target.name}"
        passwd.write_text("".join(f"{line}\n" for line in self.users.get(target.name, [])))
        stdin = stdin.replace(b"/etc/", bytes(self.folder / "etc") + b"/")
        env: Mapping[str, str] = {"PATH": f"{self.folder / 'stub'}:{os.environ['PATH']}", "PASSWD": str(passwd)}
        done = subprocess.run(words, input=stdin, env=env, capture_output=True, check=False)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def hosts(ctl: Sitectl, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    """A site without a cluster; a person answers."""
    path = ctl.folder / "Pulumi.dev.yaml"
    text = path.read_text().replace('    kubernetes: {version: "1.34.2"}\n', "    users: {ana: {}}\n")
    path.write_text(text.partition("    projects:")[0].replace(", roles: [control-plane]", ""))
    made = Hosts(ctl.folder)
    monkeypatch.setattr(sites, "Fleet", partial(fleet.Fleet, ask=made.ask))
    monkeypatch.setattr(asking, "somebody", lambda: True)
    return made


@pytest.fixture
def home(ctl: Sitectl) -> Path:
    """Ben's home folder."""
    folder = ctl.folder / "home/ben"
    (folder / "work").mkdir(parents=True)
    (folder / "work/model").write_bytes(b"x" * 3 * 2**20)
    return folder


@pytest.mark.usefixtures("hosts")
def test_data_stays_until_it_is_asked_for_twice(ctl: Sitectl, home: Path) -> None:
    words = ("user", "purge", "ben", "--home", str(home))
    done = ctl(*words)
    assert done.exit_code == 0, done.stderr
    assert f"stays: {home} on gpu-1, 0.0 GiB\n" in done.stderr
    assert "To delete the data: sitectl user purge ben --data\n" in done.stderr
    for answers in ("\n", "ana\n", "ben\nn\n"):
        done = ctl(*words, "--data", stdin=answers)
        assert done.exit_code == 1
        assert done.stderr.endswith("Nothing was deleted.\n")
        assert (home / "work/model").exists()
    done = ctl(*words, "--data", stdin="ben\ny\n")
    assert done.exit_code == 0, done.stderr
    assert done.stderr.endswith("Deleted on gpu-1.\n")
    assert not home.exists()
    assert home.parent.exists()
    answer = json.loads(ctl(*words, "--json").stdout)
    assert answer == {"ok": True, "site": "dev", "name": "ben", "deleted": [], "stays": []}


def test_a_folder_that_several_hosts_mount_goes_once(ctl: Sitectl, hosts: Hosts, home: Path) -> None:
    hosts.with_home = {"gpu-1", "gpu-2"}
    done = ctl("user", "purge", "ben", "--home", str(home), "--data", "--yes")
    assert (done.exit_code, home.exists()) == (0, False), done.stderr


@pytest.mark.parametrize(
    ("users", "said"),
    [
        (["ben:x:4711:"], "gpu-1 [account] ben is still a user there. Fix: pulumi up, without accounts.ben"),
        ([f"eve:x:{os.getuid()}:"], "belongs to eve. Fix: --home with the folder that ben had"),
    ],
)
def test_a_folder_that_somebody_has_is_never_deleted(
    ctl: Sitectl, hosts: Hosts, home: Path, users: list[str], said: str
) -> None:
    hosts.users["gpu-1"] = users
    done = ctl("user", "purge", "ben", "--home", str(home), "--data", "--yes")
    assert done.exit_code == 1
    assert said in done.stderr
    assert done.stderr.endswith("Nothing was deleted.\n")
    assert (home / "work/model").exists()


def sssctl(*, domains: str, status: str) -> str:
    return f"#!/bin/bash\nif [[ $1 == domain-list ]]; then {domains}; else {status}; fi\n"


@pytest.mark.row("S6")
@pytest.mark.parametrize(
    ("files", "programs", "said"),
    [
        (SSSD, {}, "users come from sssd too, and there is no sssctl"),
        (
            SSSD,
            {"sssctl": sssctl(domains="echo SSSD is not running >&2; exit 1", status="exit 1")},
            "sssd does not answer (SSSD is not running)",
        ),
        (
            SSSD,
            {"sssctl": sssctl(domains="echo corp", status="echo Online status: Offline")},
            "sssd does not reach its directory corp (Online status: Offline)",
        ),
        (
            {"etc/nsswitch.conf": "passwd: compat winbind\n"},
            {"wbinfo": "#!/bin/sh\necho could not ping >&2; exit 1\n"},
            "winbind does not reach its domain (could not ping)",
        ),
        ({"etc/nsswitch.conf": "passwd: files ldap\n"}, {}, "the service ldap of passwd: in "),
    ],
    ids=["no sssctl", "sssd down", "directory down", "domain down", "ldap down"],
)
def test_a_user_of_a_directory_that_does_not_answer_is_not_nobody(
    ctl: Sitectl, hosts: Hosts, home: Path, files: dict[str, str], programs: dict[str, str], said: str
) -> None:
    for name, text in files.items():
        hosts.file(name, text)
    for name, text in programs.items():
        hosts.program(name, text)
    done = ctl("user", "purge", "ben", "--home", str(home), "--data", "--yes")
    assert done.exit_code == 1
    assert f"gpu-1 [home] {said}" in done.stderr
    assert f", so nobody can tell here whose {home} is. Fix: " in done.stderr
    assert done.stderr.endswith("Nothing was deleted.\n")
    assert (home / "work/model").exists()


@pytest.mark.parametrize(
    ("files", "programs"),
    [
        (SSSD, {"sssctl": sssctl(domains="echo corp", status="echo Online status: Online")}),
        ({"etc/nsswitch.conf": "passwd: sss files\n"}, {}),  # as some systems have it, without a domain
        ({"etc/nsswitch.conf": "passwd: files ldap\n", "passwd-gpu-1.ldap": "eve:x:9:9::/:/bin/sh\n"}, {}),
    ],
    ids=["sssd", "no domain", "ldap"],
)
def test_where_the_directory_answers_the_folder_goes(
    ctl: Sitectl, hosts: Hosts, home: Path, files: dict[str, str], programs: dict[str, str]
) -> None:
    for name, text in files.items():
        hosts.file(name, text)
    for name, text in programs.items():
        hosts.program(name, text)
    done = ctl("user", "purge", "ben", "--home", str(home), "--data", "--yes")
    assert (done.exit_code, home.exists()) == (0, False), done.stderr


def test_a_look_up_that_ends_otherwise_is_no_answer(ctl: Sitectl, hosts: Hosts, home: Path) -> None:
    hosts.users["gpu-1"] = ["slow"]
    done = ctl("user", "purge", "ben", "--home", str(home), "--data", "--yes")
    assert done.exit_code == 1
    assert "gpu-1 [home] getent passwd ben did not answer within 30 s, so nobody can tell" in done.stderr
    assert home.exists()


@pytest.mark.usefixtures("hosts")
def test_a_link_is_not_followed(ctl: Sitectl, home: Path) -> None:
    link = ctl.folder / "home/eve"
    link.symlink_to(home)
    done = ctl("user", "purge", "eve", "--home", str(link), "--data", "--yes")
    assert (done.exit_code, (home / "work/model").exists()) == (0, True)
    assert "No host has a home folder of eve.\n" in done.stderr


@pytest.mark.usefixtures("hosts")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("ana", 1, "users.ana: is still in the site of dev. Nothing was deleted. Fix: sitectl user remove ana &&"),
        (
            "ben --home /",
            2,
            "--home /: is no home folder. Nothing was deleted. Fix: the one that users.ben.home named.",
        ),
        ("ben --home /srv", 2, "--home /srv: is no home folder."),
        ("ben --home home/ben", 2, "--home home/ben: is no home folder."),
        ("ben --home /home/ben/../..", 2, "--home /home/ben/../..: is no home folder."),
    ],
)
def test_a_wrong_call_deletes_nothing(ctl: Sitectl, words: str, code: int, said: str) -> None:
    done = ctl("user", "purge", *words.split(), "--data", "--yes")
    assert done.exit_code == code
    assert said in done.stderr


def test_a_host_that_does_not_answer_is_named(ctl: Sitectl, hosts: Hosts, home: Path) -> None:
    hosts.errors["gpu-2"] = SshError("gpu-2", "connection", "no answer within 10 s.")
    done = ctl("user", "purge", "ben", "--home", str(home), "--data", "--yes")
    assert done.exit_code == 4
    assert "? gpu-2 [connection] no answer within 10 s." in done.stderr
    assert not home.exists()
