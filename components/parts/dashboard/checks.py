"""What must hold of the dashboard in its site. Pure; each problem names the key, from the entry on, and the fix."""

from collections.abc import Callable, Iterator
from itertools import chain as joined

from components.parts import chart
from components.parts.dashboard.config import Dashboard
from components.parts.dashboard.values import DECIDED_BY, ours
from components.parts.part import Ground
from components.problem import Problem

_OPEN = {"image", "podSecurityContext", "securityContext"}
"""Values of the chart that the site decides in part."""


def login(config: Dashboard, ground: Ground) -> Iterator[Problem]:
    """Who logs in at a provider is known to the API server."""
    if config.oidc and ground.kubernetes and ground.kubernetes.oidc is None:
        yield Problem(("oidc",), "needs kubernetes.oidc: the API server must accept the tokens. Write that, too.")
    if config.oidc and "openid" not in config.oidc.scopes:
        yield Problem(("oidc", "scopes"), "lacks openid, without which no provider gives a token. Write it, too.")


def open_values(config: Dashboard, _: Ground) -> Iterator[Problem]:
    """Open values are none that a typed key decides, and give the dashboard no rights."""
    own = config.values.get("config")
    for key, inside in (("clusterRoleBinding", config.values), ("unsafeUseServiceAccountToken", own)):
        if isinstance(inside, dict) and key in inside:
            place = ("values", key) if inside is config.values else ("values", "config", key)
            text = "would give everybody the rights of the dashboard's own account. Take it away: it has none."
            yield Problem(place, text)
    decided = {"config": {"oidc": None}, **{key: ours(config)[key] for key in ours(config) if key in _OPEN}}
    yield from chart.decided(config.values, decided, DECIDED_BY)


CHECKS: tuple[Callable[[Dashboard, Ground], Iterator[Problem]], ...] = (login, open_values)


def checks(config: Dashboard, ground: Ground) -> Iterator[Problem]:
    """All of them."""
    return joined.from_iterable(check(config, ground) for check in CHECKS)
