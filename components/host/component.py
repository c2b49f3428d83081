"""The hosts of a site: every preflight before any change, the runner on each, then the base layer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar, cast

import pulumi
from pulumi import ComponentResource, Input, Output, ResourceHook, ResourceHookBinding, ResourceOptions
from pulumi_command import remote

from components.host.config import Host
from components.host.gate import Gate
from components.hostrun import leave, restart
from components.hostrun.bring import bring
from components.hostrun.hook import Hook
from components.hostrun.layer import HostRef, after_layer, install
from components.hostrun.owner import Owner
from components.hostrun.step import Step
from components.hostrun.target import Target
from components.hostrun.watch import Watch

T = TypeVar("T")


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
        owner: Owner,
        recorded: frozenset[str] = frozenset(),
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:host:Hosts", name, {}, opts)
        there = {n: host for n, host in hosts.items() if host.state != "gone"}
        gate = Gate({n: targets[n] for n in there}, {n: plan.preflight(host) for n, host in there.items()})
        hooks = _Hooks(targets)
        # One leaf: when the checks change, it changes and they run again; and no list of hosts depends on another list.
        passed = pulumi.Stash(
            checked := f"{name}-checked",
            input=gate.inputs(),
            opts=ResourceOptions(parent=self, hooks=_before(hooks.preflight.on(checked, gate.all))),
        )
        state = _State(name, owner, parent=self)
        installed = {
            n: install(
                n,
                _reference(host, targets[n], secret, hooks, state, recorded),
                plan.layers(host),
                parent=self,
                hooks=_first(n, targets[n], gate, hooks) if n in there else [],
                depends_on=[passed, state.kept],
            )
            for n, host in hosts.items()
        }
        self.refs = {n: after_layer(ref, "base", plan.base(hosts[n]), parent=self) for n, ref in installed.items()}
        self.register_outputs({})


class _State:
    """What tells this state from another one, and a run from one that was interrupted: both are kept in the state.

    A Stash has an id of its own, which lasts as long as the state. Its output stays as it was made; `sitectl recover`
    writes there, for each host on which a run was interrupted, when that was.
    """

    def __init__(self, name: str, owner: Owner, parent: ComponentResource) -> None:
        self.kept = pulumi.Stash(f"{name}-state", input={}, opts=ResourceOptions(parent=parent))
        self.owner = _free(self.kept.id.apply(owner.words))
        """In the words of owner.py."""
        self._runs = _free(self.kept.output)

    def run(self, host: str) -> Output[str]:
        """When a run was interrupted on that host; empty if none was."""
        # A destroy of an empty state runs the program, too: nothing is kept there.
        return self._runs.apply(lambda runs: str((runs or {}).get(host, "")))


def _free(value: Output[T]) -> Output[T]:
    """The value without its dependency, which the runner has: the SDK would walk through it from every layer."""
    return Output(set(), cast("Awaitable[T]", value.future()), value.is_known(), value.is_secret())


class _Hooks:
    """One of each for all hosts."""

    def __init__(self, targets: Mapping[str, Target]) -> None:
        self.probe, self.back = Hook("probe"), Hook("back")
        self.begun, self.ended = Hook("begun"), Hook("ended")
        self.leave = leave.hook(targets, pulumi.log.warn)
        self.preflight, self.library = Hook("preflight"), Hook("library")


def _before(hook: ResourceHook) -> ResourceHookBinding:
    return ResourceHookBinding(before_create=[hook], before_update=[hook])


def _first(name: str, target: Target, gate: Gate, hooks: _Hooks) -> list[ResourceHook]:
    """Of the resource that comes to a host first."""
    runner = f"{name}-runner"
    return [hooks.preflight.on(runner, partial(gate.own, name)), hooks.library.on(runner, partial(bring, target))]


def _reference(
    host: Host,
    target: Target,
    secret: Callable[[str], Input[str]],
    hooks: _Hooks,
    state: _State,
    recorded: frozenset[str],
) -> HostRef:
    ready = partial(restart.ready, target, tell=pulumi.log.info)
    watch = Watch(target, pulumi.log.warn)
    return HostRef(
        name=host.name,
        connection=_connection(target),
        root="sudo -n " if target.sudo and target.user != "root" else "",
        # The runner itself comes with the first resource; all others need it.
        probe=lambda name: hooks.probe.on(name, partial(ready, runner=name != f"{host.name}-runner")),
        begun=lambda name, layer: hooks.begun.on(name, partial(watch.begin, layer)),
        ended=partial(hooks.ended.on, call=watch.end),
        back=partial(hooks.back.on, call=partial(ready, patient=True)),
        gone=host.state == "gone",
        secret=secret,
        owner=state.owner,
        run=state.run(host.name),
        leave=None if host.state == "gone" else hooks.leave,
        recorded=recorded,
    )


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
