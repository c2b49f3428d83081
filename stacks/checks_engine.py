"""Rules for a site's engine and registry. Pure functions; each problem names the key and the fix."""

import re
from collections.abc import Callable, Iterator

from components.engine.config import Docker
from components.forms import IMAGE, REGISTRY, TAGGED
from components.problem import Key, Problem
from components.shown import quoted
from stacks.checks_addresses import bridge_of
from stacks.model import Site


def registries(site: Site) -> Iterator[Problem]:
    """Registries are written as HOST or HOST:PORT, the image for verification with a tag or a digest."""
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
            yield Problem(
                ("engine", "logins", name, "user"), "is not a user name: it must not have a colon or a blank."
            )
    if engine.verify_image is not None and not TAGGED.search(engine.verify_image):
        yield Problem(("engine", "verifyImage"), "has neither tag nor digest. Write NAME:TAG or NAME@sha256:….")


def docker(site: Site) -> Iterator[Problem]:
    """Docker mirrors Docker Hub only, and its bridge has an address in its network."""
    engine = site.engine
    if not isinstance(engine, Docker):
        return
    for name in engine.mirrors:
        if name != "docker.io":
            text = "cannot be mirrored: Docker mirrors docker.io only. Take it away, or use kind: containerd."
            yield Problem(("engine", "mirrors", name), text)
    if engine.subnet is not None and bridge_of(engine.subnet) is None:
        text = 'is not the bridge\'s own address with its prefix, for example "172.30.0.1/16".'
        yield Problem(("engine", "subnet"), f"{quoted(engine.subnet)} {text}")


def registry(site: Site) -> Iterator[Problem]:
    """The private registry is on an active host, has certificate and key or neither, and valid names."""
    config = site.registry
    if config is None:
        return
    if config.host not in site.hosts:
        yield Problem(("registry", "host"), f"{config.host} is not a host of this site. Write one of hosts.")
    elif site.hosts[config.host].state == "gone":
        text = f"{config.host} is gone, and with it the images that it had. Write another host, or take registry out."
        yield Problem(("registry", "host"), text)
    if (config.certificate is None) != (config.key_secret is None):
        lacking = "keySecret" if config.key_secret is None else "certificate"
        yield Problem(("registry",), f"has half a certificate: {lacking} is missing. Write both, or none.")
    if not re.fullmatch(r"[^:\s]+", config.user):
        yield Problem(("registry", "user"), "is not a user name: it must not have a colon or a blank.")
    for name in config.images:
        if not IMAGE.fullmatch(name):
            yield Problem(("registry", "images", name), 'is not NAME:TAG, for example "tools/cuda:12.4".')


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (registries, docker, registry)


def notes(site: Site) -> list[str]:
    """Remarks about settings that are allowed."""
    found = []
    engine, config = site.engine, site.registry
    if isinstance(engine, Docker):
        known = {name for host in site.active for name in host.accounts}
        strangers = [user for user in engine.users if user not in known]
        if strangers:
            text = f"engine.users: {', '.join(strangers)} must be on the hosts already: the site has no such account."
            found.append(text)
    if config and engine and config.certificate is None:
        trusted = {*engine.registry_certificates, *engine.insecure_registries}
        if not any(name.endswith(f":{config.port}") for name in trusted) and len(site.active) > 1:
            where = f"{config.host}:/etc/gpu-metal-registry/ca.crt"
            text = f"registry: its host makes the certificate. After the first pulumi up copy {where} beside the site"
            found.append(f'{text} and write engine.registryCertificates: {{"{config.host}:{config.port}": FILE}}.')
    return found
