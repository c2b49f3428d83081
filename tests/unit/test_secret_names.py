"""Secrets that a site names and its stack has no value for."""

from pathlib import Path

from components.kubernetes.encryption import Encryption
from stacks.secret_names import missing
from tests.unit.test_config import good


def test_all_secrets_that_lack_are_named_at_once_and_how_a_key_is_made(tmp_path: Path) -> None:
    site = good("ranges", tmp_path)
    assert site.kubernetes is not None
    keys = Encryption.model_validate({"keys": [{"name": "key1", "keySecret": "secretsKey1"}]})
    site = site.model_copy(update={"kubernetes": site.kubernetes.model_copy(update={"encryption": keys})})
    file = tmp_path / f"Pulumi.{site.name}.yaml"
    text = file.read_text()
    assert text.count("gpu-metal:gpu4Password:") == 1
    file.write_text(text.replace("gpu-metal:gpu4Password:", "gpu-metal:other:"))
    assert sorted(missing(site, tmp_path).splitlines()) == [
        "gpu-metal:gpu4Password: the stack has no value for this secret, and hosts.gpu-4.ssh.passwordSecret wants it. "
        "Fix: pulumi config set --secret gpu4Password < FILE",
        "gpu-metal:secretsKey1: the stack has no value for this secret, and kubernetes.encryption.keys.0.keySecret "
        "wants it. Fix: head -c 32 /dev/urandom | base64 | pulumi config set --secret secretsKey1",
    ]
