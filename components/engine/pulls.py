"""How an engine pulls: mirrors, insecure registries, certificate authorities and logins, as steps."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from components.engine.config import Containerd, Login
from components.hostrun.step import Step

_SCRIPTS = Path(__file__).parent / "steps"

CONTAINERD_FOLDER = "/etc/containerd/certs.d"
_KUBELET = "/var/lib/kubelet/config.json"
"""https://kubernetes.io/docs/concepts/containers/images/#configuring-nodes-to-authenticate-to-a-private-registry"""


def containerd_pulls(config: Containerd, authorities: Mapping[str, str]) -> list[Step]:
    """Each registry's hosts.toml, with the login for registries that accept a plain password; and the kubelet's own
    file of logins for registries that hand out tokens. Neither needs a restart of containerd."""
    named = {**config.mirrors, **dict.fromkeys((*config.insecure_registries, *authorities, *config.logins), ())}
    named |= config.mirrors
    if not named:
        return []
    inputs = {registry: " ".join(urls) for registry, urls in named.items()}
    for key, registries in (("skip_verify", config.insecure_registries), ("with_ca", tuple(authorities))):
        if registries:
            inputs[key] = " ".join(registries)
    inputs |= _users(config.logins)
    secrets = {registry: login.password_secret for registry, login in config.logins.items()}
    steps = [*certificates(CONTAINERD_FOLDER, authorities)]
    steps.append(Step(_SCRIPTS / "registry_mirrors.sh", inputs, secrets=secrets))
    if config.logins:
        steps.append(logins(config.logins, file=_KUBELET))
    return steps


def certificates(folder: str, authorities: Mapping[str, str]) -> list[Step]:
    """Each registry's certificate authority, in the `folder` where the engine looks for it."""
    if not authorities:
        return []
    inputs = {"folder": folder, "registries": " ".join(authorities)}
    return [Step(_SCRIPTS / "registry_authorities.sh", inputs, bulk=dict(authorities))]


def logins(found: Mapping[str, Login], *, users: Sequence[str] = (), file: str = "") -> Step:
    """The logins in a file as Docker writes it: in the home of each of `users`, or at `file`."""
    where = {"file": file} if file else {"users": " ".join(users)}
    secrets = {registry: login.password_secret for registry, login in found.items()}
    inputs = {**where, "registries": " ".join(found), **_users(found)}
    return Step(_SCRIPTS / "pull_logins.sh", inputs, secrets=secrets)


def _users(found: Mapping[str, Login]) -> dict[str, str]:
    """Inputs with the users' names. A registry's name has no underscore, so these keys are never mistaken for one."""
    return {f"user_{registry}": login.user for registry, login in found.items()}
