"""What must hold of a site's engine and registry. Pure functions; each problem names the key and the fix."""

import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Interface

from components.engine.config import Docker
from components.forms import IMAGE, REGISTRY, TAGGED
from components.problem import Key, Problem
from stacks.model import Site


def registries(site: Site) -> Iterator[Problem]:
    """Registries are named as HOST or HOST:PORT, images with what tells them from the next one."""
    engine = site.engine
    if engine is None:
        return
    named: list[Key] = [("insecureRegistries", i) for i in range(len(engine.insecure_registries))]
    names = [*engine.insecure_registries, *engine.registry_certificates, *engine.logins]
    named += [("registryCertificates", name) for name in engine.registry_certificates]
    named += [("logins", name) for name in engine.logins]
    for key, name in zip(named, names, strict=True):
        if not REGISTRY.fullmatch(name):
            yield Problem(("engine", *key), 'is not HOST or HOST:PORT of a registry, for example "registry-1:5000".')
    for name, login in engine.logins.items():
        if not login.user or re.search(r"[:\s]", login.user):
            yield Problem(("engine", "logins", name, "user"), "is not a user: it has no colon and no blank.")
    if engine.verify_image is not None and not TAGGED.search(engine.verify_image):
        yield Problem(("engine", "verifyImage"), "has neither tag nor digest. Write NAME:TAG or NAME@sha256:….")


def docker(site: Site) -> Iterator[Problem]:
    """Docker's mirrors are of Docker Hub, its bridge is a network of its own."""
    engine = site.engine
    if not isinstance(engine, Docker):
        return
    for name in engine.mirrors:
        if name != "docker.io":
            text = "is no registry that Docker can mirror: docker.io alone is. Take it away, or use kind: containerd."
            yield Problem(("engine", "mirrors", name), text)
    if engine.subnet is None:
        return
    try:
        bridge = IPv4Interface(engine.subnet)
    except ValueError:
        bridge = None
    if bridge is None or bridge.ip == bridge.network.network_address or bridge.network.prefixlen > 30:
        text = 'is not the bridge\'s own address with its prefix, for example "172.30.0.1/16".'
        yield Problem(("engine", "subnet"), text)
        return
    for host in site.active:
        if host.address.version == 4 and host.address in bridge.network:
            text = f"{bridge.network} has {host.address} of {host.name} in it. Use a network that no host is in."
            yield Problem(("engine", "subnet"), text)


def registry(site: Site) -> Iterator[Problem]:
    """The private registry has a host that is there, a whole certificate, and clients that can trust it."""
    config = site.registry
    if config is None:
        return
    if config.host not in {host.name for host in site.active}:
        yield Problem(("registry", "host"), f"{config.host} is not a host of this site. Write one of hosts.")
    if (config.certificate is None) != (config.key_secret is None):
        lacking = "keySecret" if config.key_secret is None else "certificate"
        yield Problem(("registry",), f"has half a certificate: {lacking} is missing. Write both, or none.")
    if not re.fullmatch(r"[^:\s]+", config.user):
        yield Problem(("registry", "user"), "is not a user: it has no colon and no blank.")
    for name in config.images:
        if not IMAGE.fullmatch(name):
            yield Problem(("registry", "images", name), 'is not NAME:TAG, for example "tools/cuda:12.4".')


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (registries, docker, registry)


def notes(site: Site) -> list[str]:
    """What is allowed and yet worth a line."""
    found = []
    engine, config = site.engine, site.registry
    if isinstance(engine, Docker):
        known = {name for host in site.active for name in host.accounts}
        strangers = [user for user in engine.users if user not in known]
        if strangers:
            text = f"engine.users: {', '.join(strangers)} is no account of this site and must be on the hosts already."
            found.append(text)
    if config and engine and config.certificate is None:
        trusted = {*engine.registry_certificates, *engine.insecure_registries}
        if not any(name.endswith(f":{config.port}") for name in trusted) and len(site.active) > 1:
            where = f"{config.host}:/etc/gpu-metal-registry/ca.crt"
            text = f"registry: its host makes the certificate. After the first pulumi up copy {where} beside the site"
            found.append(f'{text} and write engine.registryCertificates: {{"{config.host}:{config.port}": FILE}}.')
    return found
