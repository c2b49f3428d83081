"""Registries of a Kubespray inventory: mirrors, those without TLS, and logins."""

from collections.abc import Callable
from urllib.parse import urlsplit

from ops.importing.draft import Draft, listed
from ops.importing.place import Given

REGISTRIES = (
    *("containerd_registries_mirrors", "containerd_insecure_registries", "containerd_registry_auth"),
    *("docker_insecure_registries", "docker_registry_mirrors"),
)


def registries(draft: Draft, given: Callable[[str], Given | None]) -> None:
    """Puts engine.mirrors, insecureRegistries and logins into the draft."""
    insecure: list[str] = []
    if found := given("containerd_registries_mirrors"):
        insecure += _mirrors(draft, found)
    for name in ("containerd_insecure_registries", "docker_insecure_registries"):
        if found := given(name):
            own = [str(each) for each in (found.value if isinstance(found.value, dict) else listed(found.value))]
            insecure += own
            draft.put(("engine", "insecureRegistries"), list(dict.fromkeys(insecure)), found.place)
    if insecure and "insecureRegistries" not in draft.site["engine"]:
        draft.put(("engine", "insecureRegistries"), list(dict.fromkeys(insecure)))
    if found := given("docker_registry_mirrors"):
        mirrors = [str(each) for each in listed(found.value)]
        draft.put(("engine", "mirrors", "docker.io"), mirrors, found.place)
    if found := given("containerd_registry_auth"):
        _logins(draft, found)


def _mirrors(draft: Draft, found: Given) -> list[str]:
    """The mirrors by registry; returns those whose certificate is not verified."""
    insecure: list[str] = []
    for each in found.value if isinstance(found.value, list) else ():
        registry = str(each.get("prefix") or each.get("namespace") or "") if isinstance(each, dict) else ""
        mirrors = [one for one in (each.get("mirrors") or ()) if isinstance(one, dict)] if registry else []
        if not mirrors:
            draft.fault(found.place, "has an entry without prefix or mirrors. Write both: prefix: docker.io.")
            continue
        hosts = [str(one.get("host")) for one in mirrors]
        draft.put(("engine", "mirrors", registry), hosts, found.place)
        insecure += [urlsplit(str(one["host"])).netloc for one in mirrors if one.get("skip_verify") and one.get("host")]
    return insecure


def _logins(draft: Draft, found: Given) -> None:
    """Users for pulls. Their passwords stay where they are: the site names secrets."""
    for number, each in enumerate(found.value if isinstance(found.value, list) else (), 1):
        if not isinstance(each, dict) or not each.get("registry") or not each.get("username"):
            draft.fault(found.place, "has an entry without registry or username. Write both.")
            continue
        registry, user = str(each["registry"]), str(each["username"])
        secret = "registryPassword" if number == 1 else f"registryPassword{number}"
        draft.secrets[secret] = f"password of {user} at {registry}"
        login = {"user": user, "passwordSecret": secret}
        draft.put(
            ("engine", "logins", registry), login, found.place, "the name of a secret; its value is yours to set."
        )
