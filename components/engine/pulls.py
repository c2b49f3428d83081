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
    """Each registry's hosts.toml, with the login of registries that take a plain password; the kubelet's own list of
    logins for those that hand out tokens. Neither needs a restart of containerd."""
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
    """The authority of each registry, where the engine that reads `folder` looks."""
    if not authorities:
        return []
    inputs = {"folder": folder, "registries": " ".join(authorities)}
    return [Step(_SCRIPTS / "registry_authorities.sh", inputs, bulk=dict(authorities))]


def logins(found: Mapping[str, Login], *, users: Sequence[str] = (), file: str = "") -> Step:
    """The logins in the file that Docker, the kubelet and others share, of each of `users` or at one place."""
    where = {"file": file} if file else {"users": " ".join(users)}
    secrets = {registry: login.password_secret for registry, login in found.items()}
    inputs = {**where, "registries": " ".join(found), **_users(found)}
    return Step(_SCRIPTS / "pull_logins.sh", inputs, secrets=secrets)


def _users(found: Mapping[str, Login]) -> dict[str, str]:
    """No registry has an underscore in its name, so these keys are never one."""
    return {f"user_{registry}": login.user for registry, login in found.items()}
