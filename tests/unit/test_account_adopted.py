"""The check that a user of others loses nothing without a word, with made-up users. tests/scripts asks a host."""

from pathlib import Path

import pytest

from components.host import machine_steps
from components.host.config import Host
from tests.scripts.functions import shell

pytestmark = pytest.mark.row("H4")

STEP = Path("components/host/steps/account_adopted.sh")
FAKES = """getent() { case "$1 $2" in
    "passwd ana" | "passwd bob" | "passwd cat") echo "$2:x:1001:" ;;
    "shadow ana" | "shadow cat") echo "$2:\\$y\\$hash:1::" ;;
    "shadow bob") echo 'bob:!:1::' ;;
    *) return 2 ;; esac; }
id() { if [[ $2 == ana ]]; then echo ana adm sudo; else echo "$2"; fi; }
sudo() { if [[ $* == *bob ]]; then echo '    (root) /bin/ls'; fi; }
untrue() { printf '%s' "$*"; exit 10; }
"""


def said(tmp_path: Path, **inputs: str) -> str:
    """What the check says; empty if it holds."""
    (tmp_path / "accounts" / "user-cat").mkdir(parents=True, exist_ok=True)
    (tmp_path / "accounts" / "user-cat" / "before").touch()
    library = Path("components/host/lib.sh").resolve()
    script = f"GPU_METAL_HOME={tmp_path}; . {library}\n{FAKES}(check) || [[ $? == 10 ]]"
    return shell(STEP, script, **inputs)


def test_a_user_with_password_and_sudo_is_not_taken_over_without_a_word(tmp_path: Path) -> None:
    assert said(tmp_path, password="ana", sudo="ana") == (
        "has a user ana already, made by others, and the site would take its password and its rights as root without "
        "saying so. Fix: say what it shall have under accounts.ana of this host: passwordSecret: NAME, or null for a "
        "login by key only; and sudo: no, with-password or always"
    )
    assert "would take its password without" in said(tmp_path, password="ana")
    assert "would take its rights as root without" in said(tmp_path, password="bob", sudo="bob")


@pytest.mark.parametrize("name", ["bob", "cat", "new"])
def test_one_without_a_password_one_of_ours_and_a_new_one_are_taken(tmp_path: Path, name: str) -> None:
    assert said(tmp_path, password=name) == ""


def test_only_accounts_for_which_the_site_says_nothing_are_asked_about() -> None:
    users = {
        "ana": {},
        "bob": {"passwordSecret": None},
        "cat": {"sudo": "no"},
        "dan": {"passwordSecret": "p", "sudo": "no"},
    }
    values = {"name": "cpu-1", "address": "10.0.0.1", "hostKey": "ssh-ed25519 AAAA"}
    [step] = machine_steps.preflight(Host.model_validate({**values, "accounts": users}))
    assert step.inputs == {"password": "ana cat", "sudo": "ana bob"}
    assert machine_steps.preflight(Host.model_validate({**values, "accounts": {"dan": users["dan"]}})) == []
