"""Makes each host's SSH target from the site: reads key files, and reveals secrets by name only if needed.

Rows: H1.
"""

from collections.abc import Callable, Mapping

from components.host.config import Bastion, Host, Ssh
from components.hostrun.target import SshError, Target


def targets(hosts: Mapping[str, Host], reveal: Callable[[str], str]) -> dict[str, Target]:
    """All hosts by name, those that are gone too: their connection is kept, and never used.

    `reveal` gives the value of a secret by its name.
    Raises SshError when a key file cannot be read or a bastion's key is not known.
    """
    return {name: _target(host, reveal) for name, host in hosts.items()}


def _target(host: Host, reveal: Callable[[str], str]) -> Target:
    key, password = _credentials(host.name, host.ssh, reveal)
    bastion = _bastion(host.name, host.ssh.bastion, key, password) if host.ssh.bastion else None
    return Target(
        name=host.name,
        address=str(host.address),
        port=host.ssh.port,
        user=host.ssh.user,
        host_key=host.host_key,
        private_key=key,
        password=password,
        sudo=host.ssh.sudo,
        bastion=bastion,
    )


def _credentials(host: str, ssh: Ssh, reveal: Callable[[str], str]) -> tuple[str | None, str | None]:
    if ssh.key_secret:
        return reveal(ssh.key_secret), None
    if ssh.password_secret:
        return None, reveal(ssh.password_secret)
    if not ssh.key_file:
        return None, None
    try:
        return ssh.key_file.read_text(), None
    except OSError as error:
        text = (
            f"the key file {ssh.key_file} cannot be read: {error.strerror}. Nothing was sent. Fix: correct ssh.keyFile."
        )
        raise SshError(host, "login", text) from None


def _bastion(host: str, bastion: Bastion, key: str | None, password: str | None) -> Target:
    """The bastion as a target; the login uses the host's own credentials."""
    if bastion.host_key is None:
        text = f"its bastion {bastion.address} has no known key. Nothing was sent."
        raise SshError(host, "host-key", f"{text} Fix: add it to known_hosts of the stack.")
    return Target(
        name=f"{host}'s bastion",
        address=str(bastion.address),
        port=bastion.port,
        user=bastion.user,
        host_key=bastion.host_key,
        private_key=key,
        password=password,
        sudo=False,
    )
