"""From a host of the site to what SSH needs: which credential is read, and from where."""

from pathlib import Path
from typing import Any

import pytest

from components.host.config import Host
from components.host.targets import targets
from components.hostrun.target import SshError, Target

KEY = "ssh-ed25519 AAAA"


def host(**ssh: Any) -> Host:
    return Host.model_validate({"name": "gpu-1", "address": "192.0.2.21", "hostKey": KEY, "ssh": ssh})


def target(one: Host) -> Target:
    def reveal(name: str) -> str:
        return {"sshKey": "the key", "door": "the password"}[name]

    return targets({"gpu-1": one}, reveal)["gpu-1"]


def test_with_neither_key_nor_password_it_is_the_agent_s() -> None:
    assert target(host(user="deploy", port=2222, sudo=False)) == Target(
        "gpu-1", "192.0.2.21", 2222, "deploy", KEY, private_key=None, password=None, sudo=False, bastion=None
    )


def test_credentials_are_read_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "id").write_text("from the file")
    assert target(host(keyFile=str(tmp_path / "id"))).private_key == "from the file"
    assert target(host(keySecret="sshKey")).private_key == "the key"
    both = target(host(passwordSecret="door"))
    assert (both.private_key, both.password) == (None, "the password")


def test_a_key_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SshError) as caught:
        target(host(keyFile=str(tmp_path / "id")))
    assert (caught.value.host, caught.value.check_id) == ("gpu-1", "login")
    assert "cannot be read: No such file or directory. Nothing was sent." in caught.value.message


def test_a_bastion_has_its_own_key_and_the_host_s_credentials() -> None:
    bastion = target(
        host(keySecret="sshKey", bastion={"address": "198.51.100.1", "user": "jump", "hostKey": KEY})
    ).bastion
    assert bastion == Target("gpu-1's bastion", "198.51.100.1", 22, "jump", KEY, private_key="the key", sudo=False)


def test_a_bastion_without_a_known_key_is_never_used() -> None:
    with pytest.raises(SshError) as caught:
        target(host(bastion={"address": "198.51.100.1"}))
    assert caught.value.check_id == "host-key"


def test_a_host_that_is_gone_keeps_its_connection() -> None:
    gone = Host.model_validate({"name": "gpu-1", "address": "192.0.2.21", "hostKey": "", "state": "gone"})
    assert target(gone).address == "192.0.2.21"
