"""Local users, groups and sudo on an emulated host (row H4).

Not proven here: a login by password over SSH (the lab's sshd takes keys only), the RHEL family's own useradd.
"""

from collections.abc import Iterator
from secrets import token_hex
from typing import Any

import pytest

from components.host import machine_steps
from components.host.config import Host
from components.hostrun.step import Step
from components.tenancy.config import User
from components.tenancy.needed import prepare
from tests.scripts.lab_host import HOST, LabHost, fresh, leaves_no_trace

pytestmark = [pytest.mark.lab, pytest.mark.row("H4")]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGLWm1 ana@desk"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIXXXm2 bob@desk"
PASSWORD_FITS = 'chomp; @user = getpwnam("sqream"); exit(crypt($_, $user[1]) ne $user[1])'


@pytest.fixture(scope="module")
def spare() -> Iterator[LabHost]:
    """A host with a new disk, and on it a user that its installer made."""
    with fresh(HOST) as host:
        host.bash("useradd --create-home --shell /bin/sh --groups adm,sudo ana; chpasswd", "ana:old\n")
        yield host


def accounts(user: str = "root", groups: dict[str, Any] | None = None, **users: Any) -> list[Step]:
    values = {"name": HOST.name, "address": HOST.address, "hostKey": "ssh-ed25519 AAAA", "ssh": {"user": user}}
    return machine_steps.accounts(Host.model_validate({**values, "accounts": users, "accountGroups": groups or {}}))


def refused(host: LabHost, steps: list[Step]) -> str:
    done = host.run("base", steps)
    assert done.returncode == 1, done.stderr
    return done.stderr


def test_a_user_of_others_loses_nothing_without_a_word(spare: LabHost) -> None:
    host = Host.model_validate(
        {
            "name": HOST.name,
            "address": HOST.address,
            "hostKey": "ssh-ed25519 AAAA",
            "accounts": {"ana": {"keys": [KEY]}},
        }
    )
    said = spare.questions(machine_steps.preflight(host))["account_adopted"]
    assert "has a user ana already, made by others, and the site would take its password and its rights as root" in said


def test_accounts_hold_twice_are_mended_and_leave_no_trace(spare: LabHost) -> None:
    steps = accounts(
        user="deploy",
        groups={"hpc": 3000},
        sqream={"uid": 2001, "groups": ["hpc", "docker"], "keys": [KEY], "sudo": "always", "home": "/srv/sqream"},
        ana={"sudo": "no", "keys": [KEY]},
        deploy={"sudo": "always"},
    )
    leaves_no_trace(spare, {"base": steps})
    groups = "id -nG ana | tr ' ' '\\n' | sort | paste -sd ' '"
    assert spare.bash(f"{groups}; getent passwd ana | cut -d: -f7") == "adm ana sudo\n/bin/sh\n"
    assert spare.bash("ls -A /home/ana | paste -sd ' '; ls -A /home/deploy/.ssh") == (
        ".bash_logout .bashrc .profile\nauthorized_keys\n"
    )
    spare.bash("rm -r /srv/sqream")


def test_what_the_site_says_of_a_user_is_so_on_the_host(installed: LabHost) -> None:
    installed.apply("base", accounts(groups={"hpc": None}, sqream={"groups": ["hpc"], "keys": [KEY], "sudo": "always"}))
    assert installed.bash("id -nG sqream; runuser -u sqream -- sudo -n id -un") == "sqream hpc\nroot\n"
    assert installed.bash("cat ~sqream/.ssh/authorized_keys; stat -c %a:%U ~sqream/.ssh") == f"{KEY}\n700:sqream\n"
    assert installed.bash("getent shadow sqream | cut -d: -f2") == "*\n"
    installed.apply("base", accounts(sqream={"keys": [OTHER]}))
    assert installed.bash("id -nG sqream; cat ~sqream/.ssh/authorized_keys; ls /etc/sudoers.d") == (
        f"sqream\n{OTHER}\nREADME\ndeploy\n"
    )
    installed.bash("usermod -aG sudo sqream; echo 'sqream ALL=(root) /bin/ls' >/etc/sudoers.d/by-hand")
    assert "has sqream in sudo, which lets it become root" in installed.check()["account_sudo#sqream"][1]
    said = refused(installed, accounts(sqream={"keys": [OTHER]}))
    assert "lets sqream become root by another rule. Fix: visudo -f /etc/sudoers.d/by-hand" in said
    installed.bash("rm /etc/sudoers.d/by-hand")
    installed.apply("base", accounts())
    assert installed.bash("getent passwd sqream || ls -d /home/sqream") == "/home/sqream\n"
    installed.apply("base", accounts(sqream={}))  # again, with the number that its home has
    installed.apply("base", accounts())
    installed.bash("rm -r /home/sqream")


def test_a_password_is_set_and_stands_nowhere_but_in_shadow(installed: LabHost) -> None:
    canary = f"x$`'\" {token_hex(16)}"
    steps = accounts(sqream={"passwordSecret": "sqreamPassword", "sudo": "with-password"})
    done = installed.run("base", steps, {"sqreamPassword": canary})
    assert done.returncode == 0, done.stderr
    installed.bash(f"perl -ne '{PASSWORD_FITS}'", f"{canary}\n")
    assert "unchanged" in installed.run("base", steps, {"sqreamPassword": canary}).stderr
    assert canary not in done.stdout + done.stderr
    places = "/etc /home /root /run /tmp /var /usr/local"
    word = canary.split()[1]
    assert installed.bash(f"grep -rlsF {word} {places} || true") == ""
    field = installed.bash("getent shadow sqream | cut -d: -f2").strip()
    holders = installed.bash(f"grep -rlsF '{field}' {places} | sort").split()
    assert holders == ["/etc/shadow", "/var/lib/gpu-metal/accounts/user-sqream/password"]
    assert installed.bash(f"find {' '.join(holders)} -perm /o=r") == ""
    installed.bash("chpasswd", "sqream:guessed\n")
    assert installed.check() == {"account#sqream": ("drift", "has another password for sqream than was set here")}
    installed.run("base", steps, {"sqreamPassword": canary})
    installed.bash(f"perl -ne '{PASSWORD_FITS}'", f"{canary}\n")
    installed.apply("base", accounts(sqream={}))
    assert installed.bash("getent shadow sqream | cut -d: -f2") == "*\n"
    installed.apply("base", accounts())
    installed.bash("rm -r /home/sqream")


def test_a_password_of_several_lines_sets_no_other_users(installed: LabHost) -> None:
    steps = accounts(sqream={"passwordSecret": "sqreamPassword"})
    before = installed.bash("getent shadow root")
    done = installed.run("base", steps, {"sqreamPassword": "one\nroot:two"})
    assert done.returncode == 1
    assert "has a secret with 2 lines as the password of sqream, wants one. Fix: " in done.stderr
    assert installed.bash("getent shadow root") == before
    installed.apply("base", accounts())
    installed.bash("rm -r /home/sqream")


def test_a_broken_sudoers_file_is_seen_and_mended(installed: LabHost) -> None:
    steps = accounts(sqream={"sudo": "always"})
    installed.apply("base", steps)
    file = "/etc/sudoers.d/gpu-metal-sqream"
    installed.bash(f"echo 'sqream ALL=(ALL NOPASSWD' >{file}")
    assert installed.check()["account_sudo#sqream"] == ("drift", f"{file} is not what the site says of sqream")
    assert installed.apply("base", steps)["account_sudo#sqream"] == "changed"
    installed.bash(f"chmod 0666 {file}")
    assert "as 666 root root, which sudo refuses" in installed.check()["account_sudo#sqream"][1]
    assert installed.apply("base", steps)["account_sudo#sqream"] == "changed"
    installed.bash("visudo -cq; runuser -u sqream -- sudo -n true")
    installed.apply("base", accounts())
    installed.bash("rm -r /home/sqream")


def test_a_user_with_processes_is_not_deleted(installed: LabHost) -> None:
    installed.apply("base", accounts(sqream={}))
    installed.bash("runuser -u sqream -- sleep 300 </dev/null >/dev/null 2>&1 & sleep 0.3")
    said = refused(installed, accounts())
    assert "user sqream has processes: " in said
    assert "(sleep). It can no longer log in, and is not deleted yet. " in said
    assert "Fix: end them (loginctl terminate-user sqream), then run again" in said
    installed.bash("getent passwd sqream; kill $(pgrep -u sqream)")
    installed.apply("base", accounts())
    installed.bash("! getent passwd sqream; rm -r /home/sqream")


def test_who_the_site_logs_in_as_keeps_keys_sudo_and_account(installed: LabHost) -> None:
    keys = installed.bash("cat ~deploy/.ssh/authorized_keys")
    installed.apply("base", accounts(user="deploy", deploy={"keys": [KEY], "sudo": "always"}))
    assert installed.bash("cat ~deploy/.ssh/authorized_keys") == f"{keys}{KEY}\n"
    installed.apply("base", accounts(user="deploy"))
    assert installed.bash("cat ~deploy/.ssh/authorized_keys; runuser -u deploy -- sudo -n id -un") == f"{keys}root\n"
    installed.apply("base", accounts(user="ops", ops={"keys": [KEY], "sudo": "always"}))
    installed.apply("base", accounts(user="ops"))
    assert installed.bash("cat ~ops/.ssh/authorized_keys; runuser -u ops -- sudo -n id -un") == f"{KEY}\nroot\n"
    installed.apply("base", accounts(ops={}))
    installed.apply("base", accounts())
    installed.bash("! getent passwd ops; rm -r /home/ops; test ! -e /etc/sudoers.d/gpu-metal-ops")


@pytest.mark.parametrize(
    ("groups", "user", "said"),
    [
        ({}, {"groups": ["hpc"]}, "has no group hpc, wants sqream in it. Fix: write hpc: null under accountGroups"),
        ({}, {"uid": 1000}, "has number 1000 for user deploy, wants it for sqream. Fix: write a free number"),
        ({}, {"shell": "/bin/zsh"}, "has no program /bin/zsh, wants it as the shell of sqream. Fix: correct"),
        ({"hpc": 1000}, {}, "has number 1000 for group deploy, wants it for hpc. Fix: take a free number"),
        ({"adm": 4000}, {}, "has group adm with number 4, wants 4000. Fix: write adm: 4 under accountGroups"),
    ],
)
def test_what_cannot_be_is_refused_with_a_fix(
    installed: LabHost, groups: dict[str, Any], user: dict[str, Any], said: str
) -> None:
    assert said in refused(installed, accounts(groups=groups, sqream=user))
    installed.apply("base", accounts())
    installed.bash("! getent passwd sqream; rm -rf /home/sqream")


def person(number: int, *, key: str = KEY, **accounts: Any) -> Host:
    """The host as a front end with the user eva."""
    host = Host.model_validate(
        {
            "name": HOST.name,
            "address": HOST.address,
            "hostKey": "ssh-ed25519 AAAA",
            "frontEnd": True,
            "accounts": accounts,
        }
    )
    return prepare(host, {"eva": User.model_validate({"uid": number, "keys": [key]})})


@pytest.mark.row("S6", "X14")
def test_a_user_of_the_site_has_an_account_until_taken_out(installed: LabHost) -> None:
    steps = machine_steps.accounts(person(20001))
    installed.apply("base", steps)
    assert set(installed.apply("base", steps).values()) == {"unchanged"}
    assert installed.questions(machine_steps.preflight(person(20001))) == {}  # an earlier run made it
    assert installed.bash("id eva; cat ~eva/.ssh/authorized_keys; stat -c %a:%u:%g ~eva") == (
        f"uid=20001(eva) gid=20001(eva) groups=20001(eva)\n{KEY}\n700:20001:20001\n"
    )
    installed.bash("echo hers >~eva/notes; chown eva: ~eva/notes")
    installed.bash("runuser -u eva -- sleep 300 </dev/null >/dev/null 2>&1 & sleep 0.3")
    assert "user eva has processes" in refused(installed, accounts())
    assert installed.bash("ls ~eva/.ssh 2>/dev/null || true") == ""
    installed.apply("base", steps)  # the operator changes their mind
    assert installed.bash("cat ~eva/.ssh/authorized_keys") == f"{KEY}\n"
    installed.bash("kill $(pgrep -u eva)")
    installed.apply("base", accounts())
    assert installed.bash("! getent passwd eva; ! getent group eva; stat -c %u /home/eva/notes") == "20001\n"
    installed.bash("rm -r /home/eva")


@pytest.mark.row("S6", "X14")
@pytest.mark.parametrize(
    ("made", "said", "gone"),
    [
        ("useradd --uid 20005 eva", "has a user eva already, made by others", "userdel eva"),
        ("useradd --uid 20001 fay", "has number 20001 for user fay, wants it for eva", "userdel fay"),
        (
            "groupadd --gid 20001 team",
            "has number 20001 for group team, wants it for the group of eva",
            "groupdel team",
        ),
        ("groupadd --gid 20007 eva", "has group eva with number 20007, wants 20001", "groupdel eva"),
    ],
)
def test_a_user_of_the_site_takes_nobodys_place(installed: LabHost, made: str, said: str, gone: str) -> None:
    installed.bash(made)
    before = installed.bash("getent passwd; getent group")
    assert said in installed.questions(machine_steps.preflight(person(20001)))["account_free#eva"]
    answer = refused(installed, machine_steps.accounts(person(20001)))
    assert said in answer
    assert "Fix: " in answer
    assert installed.bash("getent passwd; getent group") == before
    installed.apply("base", accounts())
    installed.bash(gone)


@pytest.mark.row("S6", "X14")
def test_an_account_of_the_same_person_is_taken_over_when_the_site_says_so(installed: LabHost) -> None:
    installed.bash("useradd --create-home --uid 20001 --shell /bin/sh eva")
    host = person(20001, eva={"passwordSecret": None, "sudo": "no", "groups": ["adm"]})
    assert installed.questions(machine_steps.preflight(host)) == {}
    installed.apply("base", machine_steps.accounts(host))
    assert installed.bash("id -nG eva; cat ~eva/.ssh/authorized_keys") == f"eva adm\n{KEY}\n"
    installed.apply("base", accounts())
    assert (
        installed.bash("id -nG eva; getent passwd eva | cut -d: -f7; ls -A ~eva | grep ssh || true") == "eva\n/bin/sh\n"
    )
    installed.bash("userdel -r eva 2>/dev/null")
