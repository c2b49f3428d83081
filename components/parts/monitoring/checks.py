"""What must hold of monitoring in its site. Pure; each problem names the key, from the entry on, and the fix."""

import re
from collections.abc import Callable, Iterator
from itertools import chain as joined

from pydantic.alias_generators import to_camel

from components.gpu import pods
from components.model import amount
from components.parts import chart
from components.parts.gpu_operator.config import GpuOperator
from components.parts.monitoring.config import Email, Monitoring
from components.parts.monitoring.values import DECIDED_BY, ours
from components.parts.part import Ground
from components.problem import Problem

_OF_OTHERS = {"kind", "prometheus"}
"""The keys of kind existing."""
_LEAST = 1024**3
"""Bytes, below which a volume holds no day of measurements."""


def of_others(config: Monitoring, _: Ground) -> Iterator[Problem]:
    """What others run has no settings here, and ours has no other place."""
    if config.kind == "prometheus":
        if config.prometheus:
            yield Problem(("prometheus",), "is for kind: existing. Take it away, or write kind: existing.")
        return
    for name in sorted(config.model_fields_set - _OF_OTHERS):
        yield Problem((to_camel(name),), "is for what this site installs, and kind is existing. Take it away.")


def storage(config: Monitoring, _: Ground) -> Iterator[Problem]:
    """The volume is large enough to be of use."""
    if config.storage and amount(config.storage.size) < _LEAST:
        yield Problem(("storage", "size"), f'"{config.storage.size}" is too small. Write 1Gi or more, such as "50Gi".')


def remote(config: Monitoring, _: Ground) -> Iterator[Problem]:
    """Remote write logs in by one way."""
    for name, each in config.remote_write.items():
        key = ("remoteWrite", name)
        if each.token_secret and (each.password_secret or each.user):
            yield Problem(key, "logs in by a token and by a user. Take one of both away.")
        elif (each.user is None) != (each.password_secret is None):
            yield Problem(key, "needs both of user and passwordSecret. Write the other one, too.")


def labels(config: Monitoring, _: Ground) -> Iterator[Problem]:
    """Prometheus takes the names of the labels."""
    for name in config.labels:
        if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name):
            likely = re.sub(r"[^a-zA-Z0-9_]", "_", f"_{name}" if name[:1].isdigit() else name) or "cluster"
            yield Problem(("labels", name), f"the name of a label has letters, digits and '_' only. Write {likely}.")


def receivers(config: Monitoring, _: Ground) -> Iterator[Problem]:
    """A mail server that is told a user is told the password."""
    for name, each in config.alertmanager.receivers.items() if config.alertmanager else ():
        if isinstance(each, Email) and each.user and not each.password_secret:
            key = ("alertmanager", "receivers", name, "user")
            yield Problem(key, "logs in with a password. Write passwordSecret, or take user away.")


def open_values(config: Monitoring, _: Ground) -> Iterator[Problem]:
    """Open values are none that a typed key decides."""
    return chart.decided(config.values, ours(config), DECIDED_BY) if config.kind == "prometheus" else iter(())


CHECKS: tuple[Callable[[Monitoring, Ground], Iterator[Problem]], ...] = (
    of_others,
    storage,
    remote,
    labels,
    receivers,
    open_values,
)


def checks(config: Monitoring, ground: Ground) -> Iterator[Problem]:
    """All of them."""
    return joined.from_iterable(check(config, ground) for check in CHECKS)


def notes(config: Monitoring, ground: Ground) -> Iterator[Problem]:
    """What is allowed and yet worth a line."""
    if config.kind == "existing":
        if config.prometheus is None:
            text = "without prometheus, sitectl verify cannot ask for targets and alerts. Write where it answers."
            yield Problem((), text)
        return
    if config.storage is None:
        text = "without storage, all measurements are lost whenever the pod of Prometheus moves. Write storage: {}."
        yield Problem((), text)
    if config.alertmanager is None:
        text = "without alertmanager, nobody is told of an alert: sitectl verify alone shows it. Write receivers."
        yield Problem((), text)
    if not config.kube_state_metrics:
        yield Problem(("kubeStateMetrics",), "without it, there is no alert about lost GPUs and nodes.")
    operator = ground.config(GpuOperator)
    measured = operator is not None and operator.dcgm.enabled and operator.dcgm.service_monitor is not False
    if pods.with_gpus(ground.hosts) and not measured:
        text = "no part measures GPUs: there is no alert about XID errors, ECC and heat. gpuOperator does, with dcgm."
        yield Problem((), text)
