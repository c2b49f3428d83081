"""The hosts of a site: every preflight before any change, the runner on each, then the base layer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi import ComponentResource, Input, ResourceHook, ResourceHookArgs, ResourceHookBinding, ResourceOptions
from pulumi_command import remote

from components.host.config import Host
from components.host.gate import Gate
from components.hostrun import restart
from components.hostrun.bring import bring
from components.hostrun.layer import HostRef, after_layer, install
from components.hostrun.step import Step
from components.hostrun.target import Target


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps and layers of each host."""

    preflight: Callable[[Host], Sequence[Step]]
    base: Callable[[Host], Sequence[Step]]
    layers: Callable[[Host], Sequence[str]]
    """Names of all its layers, base and those of higher rooms, except the cluster's membership (ADR 0009)."""


class Hosts(ComponentResource):
    """Runner and base of each host: two resources a host, and one gate for all."""

    refs: Mapping[str, HostRef]

    def __init__(
        self,
        name: str,
        hosts: Mapping[str, Host],
        plan: Plan,
        *,
        targets: Mapping[str, Target],
        secret: Callable[[str], Input[str]],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:host:Hosts", name, {}, opts)
        there = {n: host for n, host in hosts.items() if host.state != "gone"}
        gate = Gate({n: targets[n] for n in there}, {n: plan.preflight(host) for n, host in there.items()})
        # One leaf: when the checks change, it changes and they run again; and no list of hosts depends on another list.
        all_pass = [gate.all()]
        opts = ResourceOptions(
            parent=self, hooks=ResourceHookBinding(before_create=list(all_pass), before_update=list(all_pass))
        )
        passed = pulumi.Stash(f"{name}-checked", input=gate.inputs(), opts=opts)
        installed = {
            n: install(
                n,
                _reference(host, targets[n], secret),
                plan.layers(host),
                parent=self,
                hooks=[gate.own(n), _library(targets[n])] if n in there else [],
                depends_on=[passed],
            )
            for n, host in hosts.items()
        }
        self.refs = {n: after_layer(ref, "base", plan.base(hosts[n]), parent=self) for n, ref in installed.items()}
        self.register_outputs({})


def _reference(host: Host, target: Target, secret: Callable[[str], Input[str]]) -> HostRef:
    return HostRef(
        name=host.name,
        connection=_connection(target),
        root="sudo -n " if target.sudo and target.user != "root" else "",
        probe=ResourceHook(f"probe-{host.name}", _stranger(host) if host.state == "gone" else _ready(target)),
        back=ResourceHook(f"back-{host.name}", _ready(target, patient=True)),
        gone=host.state == "gone",
        secret=secret,
    )


def _ready(target: Target, *, patient: bool = False) -> Callable[[ResourceHookArgs], Awaitable[None]]:
    async def ask(_: ResourceHookArgs) -> None:
        await restart.ready(target, patient=patient, tell=pulumi.log.info)

    return ask


def _library(target: Target) -> ResourceHook:
    async def copy(_: ResourceHookArgs) -> None:
        await bring(target)

    return ResourceHook(f"library-{target.name}", copy)


def _stranger(host: Host) -> Callable[[ResourceHookArgs], None]:
    """Refuses a `gone` host that this stack never fully installed."""

    def refuse(_: ResourceHookArgs) -> None:
        raise ValueError(
            f"{host.name} [gone] is declared gone, but this stack never fully installed it. Nothing was sent. "
            f"Fix: delete hosts.{host.name} from the site, then pulumi up: it drops the host from the state."
        )

    return refuse


def _connection(target: Target) -> remote.ConnectionArgs:
    proxy = target.bastion and remote.ProxyConnectionArgs(
        host=target.bastion.address,
        port=target.bastion.port,
        user=target.bastion.user,
        host_key=target.bastion.host_key,
        private_key=_secret(target.bastion.private_key),
        password=_secret(target.bastion.password),
    )
    return remote.ConnectionArgs(
        host=target.address,
        port=target.port,
        user=target.user,
        host_key=target.host_key,
        private_key=_secret(target.private_key),
        password=_secret(target.password),
        proxy=proxy or None,
    )


def _secret(value: str | None) -> pulumi.Output[str] | None:
    return None if value is None else pulumi.Output.secret(value)
